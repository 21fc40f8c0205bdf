package kernel

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// process is a child of this process. An os.Process would first try, with a child
// made for that, whether the kernel has pidfds that work: as long as two mounts take.
type process struct {
	pid int
	fd  int // a pidfd; -1 before Linux 5.2
}

// startIn starts a program in the cgroup that is open as cgroup (-1: none). The
// error is an *os.PathError.
func startIn(cgroup int, path string, args []string, attr *syscall.ProcAttr) (process, error) {
	if cgroup >= 0 {
		attr.Sys.UseCgroupFD, attr.Sys.CgroupFD = true, cgroup
		if p, err := startProcess(path, args, attr); err == nil {
			return p, nil
		}
		// No clone3(2), or the cgroup was removed meanwhile, which is ENOENT as a missing program is.
		attr.Sys.UseCgroupFD = false
	}
	return startProcess(path, args, attr)
}

func startProcess(path string, args []string, attr *syscall.ProcAttr) (p process, err error) {
	attr.Sys.PidFD = &p.fd
	if p.pid, _, err = syscall.StartProcess(path, args, attr); err != nil {
		return p, &os.PathError{Op: "start", Path: path, Err: err}
	}
	return p, nil
}

// wait waits for the process to end.
func (p process) wait() (status syscall.WaitStatus) {
	for {
		if _, err := syscall.Wait4(p.pid, &status, 0, nil); err != syscall.EINTR {
			return status
		}
	}
}

// signal sends it a signal; that it has just ended is no error. Where a filter in
// front of the kernel keeps pidfds from that, its number has to do.
func (p process) signal(sig os.Signal) {
	number := sig.(syscall.Signal)
	if p.fd >= 0 {
		if err := unix.PidfdSendSignal(p.fd, number, nil, 0); err != unix.ENOSYS && err != unix.EPERM {
			return
		}
	}
	_ = syscall.Kill(p.pid, number)
}

// close closes the pidfd; signal must not be called after.
func (p process) close() {
	if p.fd >= 0 {
		unix.Close(p.fd)
	}
}
