package applets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"

	"cage/applets/internal/kernel"
	"cage/applets/internal/plan"
	"cage/applets/internal/store"
)

// start puts the cage's cgroup in place and runs its start script, without the
// lock; where that fails the cage is taken down again.
func (s *session) start(o upOptions, c *store.Cage, release func()) error {
	if !s.dryRun {
		// For cage-down, which then need not look at every process of the host;
		// where there can be none, it does.
		_ = cgroupOf(c).Ensure()
	}
	if c.Start == "" {
		return nil
	}
	limit := time.Duration(o.seconds * float64(time.Second))
	made, _, _ := kernel.MountOn(c.Mountpoint) // none with -n, which mounts nothing
	if o.foreground {
		return s.stay(c, made, limit, release)
	}
	release()
	err := s.runScript(c, "start", c.Start, limit)
	if err == nil {
		return nil
	}
	if !o.throwAway { // which holds that lock itself
		awaitStop(c) // the stop script that ended it has more to do
	}
	if held, err := s.lock(c.Entry); err == nil {
		held.release() // the cage-down that ended it, if one did, is through
	}
	if made.Gone() && !errors.Is(err, kernel.ErrInterrupted) {
		return fmt.Errorf("cannot run the start script of %s: the cage was taken down meanwhile", c.Label())
	}
	return errors.Join(err, s.takeBack(c, made))
}

// takeBack takes down a cage whose start script failed, unless it is mounted anew.
func (s *session) takeBack(c *store.Cage, made kernel.Mount) error {
	return runDown(s, downOptions{seconds: graceDefault, noScript: true, only: made}, c.UUID)
}

// stay runs the start script in the foreground. Its error is the exit status of
// the script that failed, all else having been told.
func (s *session) stay(c *store.Cage, made kernel.Mount, limit time.Duration, release func()) error {
	put, script, clean := s.scriptOf(c, "start", c.Start)
	if s.dryRun {
		return s.carryOut(slices.Concat(put, plan.Plan{script, clean}))
	}
	signals := s.stop
	r, err := newRelay()
	if err != nil {
		s.stop = nil
		release()
		return errors.Join(err, s.takeBack(c, made))
	}
	script.Limit, script.Output, script.Errors = limit, r.output, r.errors
	script.Stop = func() <-chan os.Signal {
		release() // not before: another command would find nobody inside and start it too
		notify(signals, syscall.SIGWINCH)
		return signals
	}
	if err = s.carryOut(put); err == nil {
		err = s.carryOut(plan.Plan{script})
	}
	s.stop = nil // what follows is to be done whatever comes
	release()
	r.close()
	awaitStop(c) // the stop script that ended it has more to do
	ended, cleanErr := s.cleanUnlessDown(c, made, clean)
	if ended {
		r.drain()
		return nil
	}
	if err = errors.Join(err, cleanErr); err == nil {
		return s.stayOn(c, made, r, signals)
	}
	status := exitFailed
	if failed := (*plan.ScriptError)(nil); errors.As(err, &failed) {
		status = failed.Exit
	}
	s.tell(err)
	s.tell(s.takeBack(c, made))
	r.drain()
	return exitStatus(status)
}

// stayOn waits for those who are left to write, or for a signal that asks to end.
func (s *session) stayOn(c *store.Cage, made kernel.Mount, r *relay, signals <-chan os.Signal) error {
	status := r.until(signals)
	if status == 0 {
		return nil
	}
	s.tell(runDown(s, downOptions{seconds: graceDefault, only: made}, c.UUID))
	r.drain()
	return exitStatus(status)
}

// passedOn returns where the signals arrive that are the start script's, or, before
// it runs, keep it from that.
func passedOn() chan os.Signal {
	signals := make(chan os.Signal, 8)
	notify(signals, forChild...)
	return signals
}

// cleanUnlessDown takes away what a start script in the foreground was run with,
// once a cage-down that ended it is done. It tells whether one has been, though the
// cage may be mounted anew: then that is how it was meant to end.
func (s *session) cleanUnlessDown(c *store.Cage, made kernel.Mount, clean *plan.Remove) (ended bool, err error) {
	held, err := s.lock(c.Entry)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer held.release()
	f, err := look(c)
	if err != nil || f.state == down || made.Gone() {
		return err == nil, err
	}
	return false, s.carryOut(plan.Plan{clean})
}

// idle tells whether a cage is up and nobody is inside.
func idle(c *store.Cage, f facts) bool {
	busy, err := anybodyInside(c, f)
	return err == nil && !busy
}

// alreadyUp says that a cage is up, and whether it does nothing.
func alreadyUp(s *session, o upOptions, c *store.Cage, f facts) error {
	s.note("%s is up already", c.Label())
	for _, m := range f.without {
		s.note("it is without %s=%s, which is mounted when it is next brought up", m.Line.Key, m.Line.Value)
	}
	if c.Start != "" && idle(c, f) {
		s.note("nothing runs inside; its start script runs when it is next brought up")
	}
	if s.dryRun || o.foreground {
		return nil
	}
	return s.result(c.Mountpoint)
}
