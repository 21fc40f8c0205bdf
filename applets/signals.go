package applets

import (
	"os"
	"os/signal"
	"syscall"
)

// signals lets a signal stop a plan between its steps and a script, instead of
// ending this process, and returns where it arrives. What is one moment anyway
// goes without: the threads that it takes to listen cost as much as a mount.
func (s *session) signals() <-chan os.Signal {
	if s.stop == nil {
		stop := make(chan os.Signal, 1)
		s.stop = stop
		go func() { // until its threads are there a signal ends this process at once
			for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
				if !signal.Ignored(sig) { // nohup(1)
					signal.Notify(stop, sig)
				}
			}
		}()
	}
	return s.stop
}

// catchAll lets every signal that would end this process arrive on s.stop instead,
// from now on: for who answers for a child and for what is to be taken away after it.
func (s *session) catchAll() {
	if s.stop != nil {
		return
	}
	s.stop = make(chan os.Signal, 64)
	for sig := syscall.Signal(1); sig <= 64; sig++ {
		switch sig {
		case syscall.SIGKILL, syscall.SIGSTOP, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGCONT,
			syscall.SIGCHLD, syscall.SIGURG, syscall.SIGWINCH, syscall.SIGPIPE,
			32, 33, 34: // the C library's own, signal(7)
		default:
			if !signal.Ignored(sig) { // nohup(1)
				signal.Notify(s.stop, sig)
			}
		}
	}
}
