package applets

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Eyes of the tests' own: nothing here asks the packages that are tested.

// mountLine is a line of the mount table.
type mountLine struct{ point, fstype, options string }

// mountLines reads proc_pid_mountinfo(5):
//
//	36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
func mountLines(t *testing.T) (list []mountLine) {
	t.Helper()
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		before, after, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " - ")
		fields := strings.SplitN(after, " ", 3)
		list = append(list, mountLine{unescape(strings.Fields(before)[4]), fields[0], fields[2]})
	}
	return list
}

// unescape takes back the escapes of the mount table.
func unescape(s string) string {
	for _, c := range []byte(" \t\n:,\\") { // the backslash last
		s = strings.ReplaceAll(s, fmt.Sprintf(`\%03o`, c), string(c))
	}
	return s
}

// lowerOf returns the lower directories of the overlay on point, from the top,
// each as device:inode.
func lowerOf(t *testing.T, point string) string {
	t.Helper()
	options := ""
	for _, m := range mountLines(t) {
		if m.point == point && m.fstype == "overlay" {
			options = m.options
		}
	}
	var list []string
	for option := range strings.SplitSeq(options, ",") {
		key, value, _ := strings.Cut(option, "=")
		switch key {
		case "lowerdir+":
			list = append(list, inode(t, unescape(value)))
		case "lowerdir": // of mount(2): a backslash before each colon that is none
			value = strings.ReplaceAll(unescape(value), `\:`, "\x00")
			for dir := range strings.SplitSeq(value, ":") {
				dir = strings.NewReplacer("\x00", ":", `\\`, `\`, `\,`, ",").Replace(dir)
				list = append(list, inode(t, dir))
			}
		}
	}
	if len(list) == 0 {
		t.Fatalf("no overlay on %s", point)
	}
	return strings.Join(list, " ")
}

// inode names a file as device:inode.
func inode(t *testing.T, path string) string {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		t.Fatalf("stat %s: %v", path, err)
	}
	return fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}

// begin starts a shell script that prints a line when it is ready, in the tree
// root (empty: on the host), and ends it with the test. It returns the pid.
func begin(t *testing.T, root, dir, script string) string {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{Chroot: root}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	reader, ended := bufio.NewReader(out), make(chan bool)
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	_, err = reader.ReadString('\n')
	go func() { // one who is not reaped would seem to live
		_ = cmd.Wait()
		close(ended)
	}()
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return strconv.Itoa(cmd.Process.Pid)
}

// lives tells what ps says of a process; one that only waits to be reaped is dead.
func lives(pid string) bool {
	out, _ := exec.Command("ps", "-o", "stat=", "-p", pid).Output()
	return len(out) > 0 && out[0] != 'Z'
}
