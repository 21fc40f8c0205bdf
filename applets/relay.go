package applets

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// relay writes what those inside a cage say to this process's standard output and
// error. Were these theirs, the journal would not know them as its unit's: it asks
// for the control group of who writes.
type relay struct {
	output, errors *os.File // they write here; the same where this process has one for both
	done           chan struct{}
}

func newRelay() (*relay, error) {
	out, errOut := os.Stdout.Stat()
	errs, errErrs := os.Stderr.Stat()
	if err := errors.Join(errOut, errErrs); err != nil {
		return nil, err
	}
	r := &relay{done: make(chan struct{})}
	var copies sync.WaitGroup
	pipe := func(to *os.File) (*os.File, error) {
		from, in, err := os.Pipe()
		if err == nil {
			copies.Add(1)
			go func() {
				defer copies.Done()
				_, _ = io.Copy(to, from)
			}()
		}
		return in, err
	}
	var err error
	if r.output, err = pipe(os.Stdout); err != nil {
		return nil, err
	}
	if r.errors = r.output; !os.SameFile(out, errs) { // two would change the order of lines
		if r.errors, err = pipe(os.Stderr); err != nil {
			return nil, err
		}
	}
	go func() {
		copies.Wait()
		close(r.done)
	}()
	return r, nil
}

// close ends it together with the last of those who write.
func (r *relay) close() {
	r.output.Close()
	r.errors.Close()
}

// until waits for that, or for a signal that asks to end: 128+N for signal N, else 0.
func (r *relay) until(signals <-chan os.Signal) int {
	for {
		select {
		case <-r.done:
			return 0
		case sig := <-signals:
			switch sig {
			case syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT:
				return 128 + int(sig.(syscall.Signal))
			}
		}
	}
}

// drain waits for what was still said by those who have been ended.
func (r *relay) drain() {
	select {
	case <-r.done:
	case <-time.After(patience): // not all could be
	}
}
