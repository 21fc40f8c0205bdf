package applets

import (
	"math/rand/v2"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// changing are the system calls that change something; of openat those that may
// create a file.
var changing = map[uint64]string{
	unix.SYS_OPENAT: "openat", unix.SYS_MKDIR: "mkdir", unix.SYS_MKDIRAT: "mkdirat", unix.SYS_SYMLINKAT: "symlinkat",
	unix.SYS_WRITE: "write", unix.SYS_FSYNC: "fsync", unix.SYS_SETXATTR: "setxattr", unix.SYS_IOCTL: "ioctl",
	unix.SYS_CHMOD: "chmod", unix.SYS_FCHMOD: "fchmod", unix.SYS_FCHMODAT: "fchmodat", unix.SYS_FCHOWNAT: "fchownat",
	unix.SYS_RENAME: "rename", unix.SYS_RENAMEAT: "renameat", unix.SYS_RENAMEAT2: "renameat2",
	unix.SYS_UNLINK: "unlink", unix.SYS_UNLINKAT: "unlinkat", unix.SYS_RMDIR: "rmdir",
	unix.SYS_FSOPEN: "fsopen", unix.SYS_FSCONFIG: "fsconfig", unix.SYS_FSMOUNT: "fsmount", unix.SYS_MOVE_MOUNT: "move_mount",
	unix.SYS_OPEN_TREE: "open_tree", unix.SYS_MOUNT_SETATTR: "mount_setattr", unix.SYS_MOUNT: "mount", unix.SYS_UMOUNT2: "umount2", unix.SYS_PIDFD_SEND_SIGNAL: "pidfd_send_signal",
}

// TestKilledAtEachCall kills each applet when it is about to make its Nth call
// that changes something, until it makes no more of them.
func TestKilledAtEachCall(t *testing.T) {
	t.Parallel()
	step := 3
	if long {
		step = 1
	}
	for _, x := range victims {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			w, v := x.make(t, false)
			met := map[string]int{}
			for n := 1 + rand.IntN(step); !t.Failed(); n += step {
				cmd := w.command(t, v.prepare(t)...)
				call := killAt(t, cmd, n)
				w.afterKill(t, v)
				if call == "" {
					t.Logf("survives %d; killed at %v", n, met)
					return
				}
				met[call]++
			}
		})
	}
}

// killAt runs a command and kills it when it is about to make the nth of the
// calls. It returns that call's name, or "" where there are fewer and the command
// succeeds.
func killAt(t *testing.T, cmd *exec.Cmd, n int) (met string) {
	t.Helper()
	status := traced(t, cmd, func(call string) {
		if n--; n == 0 {
			met = call
			ok(t, cmd.Process.Kill())
		}
	})
	if met == "" && status.ExitStatus() != 0 {
		t.Fatalf("%q: exit status %d", cmd.Args, status.ExitStatus())
	}
	return met
}

// traced runs a command and calls at whenever a thread of it is about to make one
// of the calls. It returns how the command ended.
func traced(t *testing.T, cmd *exec.Cmd, at func(call string)) unix.WaitStatus {
	t.Helper()
	runtime.LockOSThread() // it alone is the tracer
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true, Setpgid: true}
	ok(t, cmd.Start())
	var status unix.WaitStatus
	if _, err := unix.Wait4(cmd.Process.Pid, &status, 0, nil); err != nil || !status.Stopped() {
		t.Fatal("the command does not stop: ", err, status)
	}
	ok(t, unix.PtraceSetOptions(cmd.Process.Pid, unix.PTRACE_O_TRACESYSGOOD|unix.PTRACE_O_TRACECLONE|unix.PTRACE_O_EXITKILL))
	ok(t, unix.PtraceSyscall(cmd.Process.Pid, 0))
	for {
		// Its group alone: the thread may have children of other tests.
		tid, err := unix.Wait4(-cmd.Process.Pid, &status, unix.WALL|unix.WNOTHREAD, nil)
		if err == unix.EINTR {
			continue
		}
		ok(t, err)
		signal := 0
		switch {
		case !status.Stopped() && tid == cmd.Process.Pid:
			_ = cmd.Process.Release()
			return status
		case !status.Stopped():
			continue
		case status.StopSignal() == unix.SIGTRAP|0x80:
			if call := entered(tid); call != "" {
				at(call)
			}
		case status.StopSignal() != unix.SIGTRAP && status.StopSignal() != unix.SIGSTOP: // not of a clone
			signal = int(status.StopSignal())
		}
		_ = unix.PtraceSyscall(tid, signal) // it may have been killed meanwhile
	}
}

// entered returns the name of the call that a stopped thread is about to make, if
// that changes something (ptrace(2), PTRACE_GET_SYSCALL_INFO, Linux 5.3).
func entered(tid int) string {
	var info struct {
		op   uint8 // 1 on the way in
		_    [23]byte
		nr   uint64
		args [6]uint64
	}
	if _, _, e := unix.Syscall6(unix.SYS_PTRACE, 0x420e, uintptr(tid), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0); e != 0 || info.op != 1 {
		return ""
	}
	if info.nr == unix.SYS_OPENAT && info.args[2]&unix.O_CREAT == 0 {
		return ""
	}
	return changing[info.nr]
}
