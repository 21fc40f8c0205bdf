package kernel

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Listener returns a process that listens on a TCP port in the caller's network
// namespace; of those that share the socket the first. taken tells that somebody
// does: the process of one whose pid is 0 is not to be seen.
func Listener(port int) (p Process, taken bool) {
	var sockets []string
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		lines, _ := os.ReadFile(table)
		sockets = append(sockets, listening(string(lines), port)...)
	}
	if len(sockets) == 0 {
		return Process{}, false
	}
	_ = eachPID(func(proc, pid int) {
		if p.PID != 0 {
			return
		}
		dir, err := openPID(pid)
		if err != nil {
			return
		}
		defer unix.Close(dir)
		link := make([]byte, 64)
		for _, fd := range list(dir, "fd") {
			n, err := unix.Readlinkat(dir, "fd/"+fd, link)
			if err != nil || !slices.Contains(sockets, string(link[:n])) {
				continue
			}
			if found, ok := describe(dir, pid, "fd", "fd/"+fd); ok {
				p = found
				return
			}
		}
	})
	return p, true
}

// listening returns the sockets in a table of proc_pid_net(5) that listen on a
// port, as readlink says them. A line is
//
//	0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 12345 1 ...
//
// with the local address, the remote one, the state (0A is LISTEN), and the inode.
func listening(table string, port int) (sockets []string) {
	end := fmt.Sprintf(":%04X", port)
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) > 9 && f[3] == "0A" && strings.HasSuffix(f[1], end) {
			sockets = append(sockets, "socket:["+f[9]+"]")
		}
	}
	return sockets
}

// Belongs tells whether a process is one of a cage's, by its root directory or
// its cgroup.
func (p Process) Belongs(t Tree, c Cgroup) bool {
	dir, err := openPID(p.PID)
	if err != nil {
		return false
	}
	defer unix.Close(dir)
	_, in := t.rooted(dir, "")
	return in || c.member(dir)
}
