package kernel

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// held is a process that can be signalled without fear that another has got
// its number. Before Linux 5.3 there is no pidfd, fd is -1, and what remains
// is the look taken just before.
type held struct {
	pid, fd int
	dir     int // its /proc/PID
}

// beforeLook stands between opening a process and looking at it, for the test
// that puts another process there under the same number.
var beforeLook = func(pid int) {}

// hold opens process pid and then asks still, through its /proc/PID, whether
// it is what it was taken for. The directory is opened before the pidfd and
// looked into after it: as it still answers then, the number was its own all
// along, and so the pidfd is its own. It is not ok when the process is gone or
// another.
func hold(pid int, still func(dir int) bool) (held, bool) {
	dir, err := openPID(pid)
	if err != nil {
		return held{}, false
	}
	beforeLook(pid)
	fd, err := unix.PidfdOpen(pid, 0)
	h := held{pid: pid, fd: fd, dir: dir}
	if err != nil && err != unix.ENOSYS || !still(dir) {
		h.close()
		return held{}, false
	}
	return h, true
}

// signal sends a signal; that the process has just ended is no error.
func (h held) signal(sig unix.Signal) {
	if h.fd < 0 {
		_ = unix.Kill(h.pid, sig)
		return
	}
	_ = unix.PidfdSendSignal(h.fd, sig, nil, 0)
}

// terminal reports whether the process has a controlling terminal.
func (h held) terminal() bool {
	_, tty, err := parentAndTerminal(h.dir)
	return err == nil && tty != 0
}

// String is the process's number and command.
func (h held) String() string {
	comm, _ := readAt(h.dir, "comm")
	return fmt.Sprintf("%d %s", h.pid, bytes.TrimSuffix(comm, []byte("\n")))
}

// close lets go of the process.
func (h held) close() {
	if h.fd >= 0 {
		unix.Close(h.fd)
	}
	unix.Close(h.dir)
}

// await waits until each of the processes has ended, as far as a pidfd can
// tell, or the time has come, whichever is first. A signal from stop is an
// error.
func await(all []held, until time.Time, stop <-chan os.Signal) error {
	select {
	case <-stop:
		return ErrInterrupted
	default:
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return err
	}
	defer unix.Close(wake)
	set := []unix.PollFd{{Fd: int32(wake), Events: unix.POLLIN}}
	for _, h := range all {
		if h.fd >= 0 {
			set = append(set, unix.PollFd{Fd: int32(h.fd), Events: unix.POLLIN})
		}
	}
	if len(set) == 1 {
		return nil
	}
	done := make(chan error)
	go func() { done <- pollEach(set, until) }()
	select {
	case err := <-done:
		return err
	case <-stop:
		_, _ = unix.Write(wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
		<-done
		return ErrInterrupted
	}
}

// pollEach polls until each but the first is ready, or the first is, or the
// time has come.
func pollEach(set []unix.PollFd, until time.Time) error {
	for left := len(set) - 1; ; {
		timeout := max(0, time.Until(until).Milliseconds()+1)
		n, err := unix.Poll(set, int(timeout))
		if err == unix.EINTR { // poll(2) is never restarted, and Go's scheduler sends signals
			continue
		}
		if err != nil || n == 0 || set[0].Revents != 0 {
			return err
		}
		for i := range set[1:] {
			if set[i+1].Revents != 0 {
				set[i+1].Fd = -1 // poll(2) passes over it
				left--
			}
		}
		if left == 0 {
			return nil
		}
	}
}
