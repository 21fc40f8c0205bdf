package applets

import (
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// signals lets a signal stop a plan between its steps and a script, instead of
// ending this process, and returns where it arrives. What is one moment anyway
// goes without: the threads that it takes to listen cost as much as a mount.
func (s *session) signals() <-chan os.Signal {
	if s.stop == nil {
		// until its threads are there a signal ends this process at once
		s.stop = make(chan os.Signal, 1)
		s.listen(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	} else if s.listening != nil {
		<-s.listening
	}
	return s.stop
}

// answer makes this process one that answers for a child, and for what is to be
// taken away after it: signals that would end it arrive on s.stop, from when signals
// returns on. Where a terminal is to be set right after the child that is all of them.
func (s *session) answer(terminal bool) {
	if s.stop != nil {
		return
	}
	all := slices.Clone(forChild)
	if terminal {
		for sig := syscall.Signal(1); sig <= 64; sig++ {
			if !slices.Contains(harmless, sig) {
				all = append(all, sig)
			}
		}
	}
	// A note that nobody reads any more is lost, and no reason to leave all as it is.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	s.stop = make(chan os.Signal, 16) // one must not take another's place
	s.listening = s.listen(all...)
}

// forChild are the signals that a child is sent through this process.
var forChild = []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2}

// harmless are the signals that end nobody, those that cannot be caught, and 32 to
// 34, which are the C library's own, signal(7).
var harmless = []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGCONT,
	syscall.SIGCHLD, syscall.SIGURG, syscall.SIGWINCH, syscall.SIGPIPE, 32, 33, 34}

// listen lets signals arrive on s.stop and returns what is closed when they do.
func (s *session) listen(all ...os.Signal) <-chan struct{} {
	stop, listening := s.stop, make(chan struct{})
	go func() {
		notify(stop, all...)
		close(listening)
	}()
	return listening
}

// notify lets signals arrive on a channel, but those that are ignored (nohup(1)).
func notify(to chan<- os.Signal, all ...os.Signal) {
	for _, sig := range all {
		if !signal.Ignored(sig) {
			signal.Notify(to, sig)
		}
	}
}
