package kernel

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// inPrivateNamespace runs f in a copy of the mount namespace that nobody else is
// in and that sends nothing back; what f mounts there goes away with it.
func inPrivateNamespace(f func() error) (err error) {
	// The thread no longer shares the directory and umask of the others.
	onOwnThread(func() { err = runInNamespace(f) })
	return err
}

func runInNamespace(f func() error) (err error) {
	host, err := unix.Open("/proc/thread-self/ns/mnt", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return noNamespace(err)
	}
	defer unix.Close(host)
	// setns(2) into a mount namespace demands a thread with its own fs attributes.
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
		return noNamespace(err)
	}
	defer func() {
		// At once: what is mounted there is in use until the thread has ended.
		if e := unix.Setns(host, unix.CLONE_NEWNS); e != nil && err == nil {
			err = noNamespace(fmt.Errorf("there is no way back: %w", e))
		}
	}()
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return noNamespace(err)
	}
	return f()
}

func noNamespace(err error) error {
	return &mountError{"in a mount namespace of its own", "", err}
}

// eachNamespace calls f once for every mount namespace that a process is in,
// this process's own first, and returns them as /proc/PID/ns/mnt names them.
func eachNamespace(f func(pid int, comm string, table []Mount)) (seen map[string]bool) {
	seen = map[string]bool{}
	visit := func(pid int) {
		proc := "/proc/" + strconv.Itoa(pid)
		ns, err := os.Readlink(proc + "/ns/mnt")
		if err != nil || seen[ns] {
			return
		}
		seen[ns] = true
		table, err := os.ReadFile(proc + "/mountinfo")
		if err != nil {
			return
		}
		comm, _ := os.ReadFile(proc + "/comm")
		f(pid, strings.TrimSuffix(string(comm), "\n"), parseMountinfo(string(table)))
	}
	visit(os.Getpid())
	_ = eachPID(func(_, pid int) { visit(pid) })
	return seen
}

// inNamespace names a mount namespace by a process in it; this one needs no name.
func inNamespace(pid int, comm string) string {
	if pid == os.Getpid() {
		return ""
	}
	return fmt.Sprintf(" in the mount namespace of %d %s", pid, comm)
}
