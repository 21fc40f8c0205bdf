package applets

import (
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// killAtChange runs a command, kills it as it begins the nth system call with
// which it changes a file, and tells whether there was such a call. All its
// threads count together, for which strace(1) has no way.
func killAtChange(t *testing.T, env []string, name string, n int) (killed bool) {
	t.Helper()
	runtime.LockOSThread() // ptrace(2) obeys one thread
	defer runtime.UnlockOSThread()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	leader, err := syscall.ForkExec(path, []string{name}, &syscall.ProcAttr{Env: env, Sys: &syscall.SysProcAttr{Ptrace: true, Setpgid: true}})
	if err != nil {
		t.Fatal(err)
	}
	wait := func() (pid int, st syscall.WaitStatus) {
		for {
			// Its group alone: the thread may have children of other tests.
			pid, err := syscall.Wait4(-leader, &st, unix.WALL|unix.WNOTHREAD, nil)
			if err == nil {
				return pid, st
			}
			if err != syscall.EINTR {
				t.Fatal(err)
			}
		}
	}
	wait() // for the exec
	if err := syscall.PtraceSetOptions(leader, unix.PTRACE_O_EXITKILL|unix.PTRACE_O_TRACESYSGOOD|unix.PTRACE_O_TRACECLONE); err != nil {
		t.Fatal(err)
	}
	pid, signal := leader, 0
	for {
		_ = syscall.PtraceSyscall(pid, signal) // ESRCH: it was killed meanwhile
		var st syscall.WaitStatus
		pid, st = wait()
		signal = 0
		switch {
		case !st.Stopped() && pid == leader:
			return st.Signaled()
		case !st.Stopped():
		case st.StopSignal() == syscall.SIGTRAP|0x80:
			if changes(pid) {
				if n--; n == 0 {
					_ = syscall.Kill(leader, syscall.SIGKILL)
				}
			}
		case st.StopSignal() != syscall.SIGTRAP && st.StopSignal() != syscall.SIGSTOP: // not of ptrace's own
			signal = int(st.StopSignal())
		}
	}
}

// changes tells whether the thread stands before a system call that changes a file.
func changes(pid int) bool {
	var info struct { // struct ptrace_syscall_info, ptrace(2)
		op      uint8
		_       [7]byte
		_, _    uint64
		nr      uint64
		args    [6]uint64
		seccomp uint64
	}
	_, _, errno := syscall.Syscall6(syscall.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(pid), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	if errno != 0 || info.op != unix.PTRACE_SYSCALL_INFO_ENTRY {
		return false
	}
	switch info.nr {
	case syscall.SYS_OPENAT:
		return info.args[2]&syscall.O_CREAT != 0
	case syscall.SYS_WRITE:
		return info.args[0] > 2
	case syscall.SYS_IOCTL:
		return info.args[1] == 0x50009417 // BTRFS_IOC_SNAP_CREATE_V2
	case unix.SYS_MKDIRAT, unix.SYS_SYMLINKAT, unix.SYS_UNLINKAT, unix.SYS_FCHMOD, unix.SYS_FCHMODAT, unix.SYS_FSYNC, unix.SYS_RENAMEAT,
		unix.SYS_RENAMEAT2:
		return true
	}
	return false
}
