package kernel

import (
	"errors"
	"math"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Command is a program that runs inside a tree, or on the host where Root is empty, in a session of its own.
type Command struct {
	Root   string   // the directory it is chrooted to
	Args   []string // Args[0] is its absolute path inside
	Env    []string
	Output *os.File // standard output and, unless there is Errors, error; standard input is empty
	Errors *os.File
	Cgroup Cgroup // it starts in this one (CLONE_INTO_CGROUP, Linux 5.7), where there can be one
	PassOn bool   // a signal is passed on to it, and does not end it
	Tied   bool   // it dies with this process, however that ends (prctl(2), PR_SET_PDEATHSIG)
}

// ErrTimeout says that a command was not done in time and was ended.
var ErrTimeout = errors.New("not done in time")

// ErrInterrupted says that a signal came before all was done.
var ErrInterrupted = errors.New("interrupted")

// Run starts the command and waits for its exit, not for the end of its output.
// After limit (0: none), or when a signal arrives on what stop returns (it may be
// nil, and is asked when the command runs), its process group gets SIGTERM, five
// seconds later SIGKILL; a signal that is passed on goes to the command alone.
// The error is ErrTimeout or ErrInterrupted then, an *os.PathError where it could
// not start; status is as wait(2) has it.
func Run(c Command, limit time.Duration, stop func() <-chan os.Signal) (status syscall.WaitStatus, err error) {
	p, err := c.start()
	if err != nil {
		return 0, err
	}
	defer p.close()
	done := make(chan syscall.WaitStatus, 1)
	go func() { done <- p.wait() }()
	var late <-chan time.Time
	if limit > 0 {
		late = time.After(limit)
	}
	var stopped <-chan os.Signal
	if stop != nil {
		stopped = stop()
	}
	for err == nil {
		select {
		case status := <-done:
			return status, nil
		case <-late:
			err = ErrTimeout
		case sig := <-stopped:
			if c.PassOn {
				p.signal(sig)
			} else {
				err = ErrInterrupted
			}
		}
	}
	unix.Kill(-p.pid, unix.SIGTERM)
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		unix.Kill(-p.pid, unix.SIGKILL)
		<-done
	}
	return 0, err
}

// ExitStatus is the exit status that a shell gives for how a process ended.
func ExitStatus(status syscall.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// start starts the command.
func (c Command) start() (process, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return process{}, err
	}
	defer null.Close()
	if err := closeOnExec(); err != nil {
		return process{}, err
	}
	if c.Errors == nil {
		c.Errors = c.Output
	}
	sys := &syscall.SysProcAttr{Chroot: c.Root, Setsid: true}
	if c.Tied {
		sys.Pdeathsig = syscall.SIGKILL
	}
	cgroup, err := c.Cgroup.Make()
	if err == nil {
		defer unix.Close(cgroup)
	}
	return startIn(cgroup, c.Args[0], c.Args, &syscall.ProcAttr{
		Dir:   "/",
		Env:   c.Env,
		Files: []uintptr{null.Fd(), c.Output.Fd(), c.Errors.Fd()},
		Sys:   sys,
	})
}

// closeOnExec keeps from the programs that follow what this process was started
// with beyond its standard three: through an open directory one leaves a chroot.
func closeOnExec() error {
	if unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC) == nil { // Linux 5.11
		return nil
	}
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, e := range list {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}
