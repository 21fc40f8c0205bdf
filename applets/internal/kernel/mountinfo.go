package kernel

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Mounts reads this process's whole mount table. It costs about 5 us a mount,
// so only what looks at many cages at once, or a kernel without statmount(2),
// pays for it.
func Mounts() ([]Mount, error) {
	data, err := os.ReadFile("/proc/thread-self/mountinfo")
	if err != nil {
		return nil, Cannot("read", "the mount table", err)
	}
	return parseMountinfo(string(data)), nil
}

// parseMountinfo reads the format of proc_pid_mountinfo(5), a mount a line:
//
//	36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue
//	id parent major:minor root point options [optional fields] - type source super-options
//
// A line of any other shape is passed over.
func parseMountinfo(text string) []Mount {
	var all []Mount
	for line := range strings.SplitSeq(text, "\n") {
		left, right, ok := strings.Cut(line, " - ")
		f, g := strings.Split(left, " "), strings.SplitN(right, " ", 3)
		if !ok || len(f) < 6 || len(g) < 3 {
			continue
		}
		m := Mount{Root: unoctal(f[3]), Point: unoctal(f[4]), Type: unoctal(g[0]), Options: g[2]}
		major, minor, _ := strings.Cut(f[2], ":")
		m.ID, m.Parent = number(f[0]), number(f[1])
		m.Dev = unix.Mkdev(uint32(number(major)), uint32(number(minor)))
		for _, tag := range f[6:] {
			if n, ok := strings.CutPrefix(tag, "shared:"); ok {
				m.Peers = number(n)
			}
		}
		all = append(all, m)
	}
	return all
}

func number(s string) uint64 {
	n, _ := strconv.ParseUint(s, 10, 64)
	return n
}

// unoctal undoes the kernel's mangling of blanks, backslashes and separators:
// a backslash and three octal digits stand for one byte.
func unoctal(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
