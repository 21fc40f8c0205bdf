package applets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"cage/applets/internal/kernel"
	"cage/applets/internal/plan"
	"cage/applets/internal/store"

	"github.com/urfave/cli/v2"
)

type rmOptions struct{ force, yes bool }

func newRm(s *session) *cli.App {
	var o rmOptions
	app := s.app(
		boolFlag("force", "f", "take a cage down first, and ask nothing", &o.force),
		boolFlag("yes", "y", "ask nothing", &o.yes),
	)
	app.Action = func(c *cli.Context) error {
		return s.each(c, func(ref string) error { return runRm(s, o, ref) })
	}
	return describe(app, "CAGE...", `   cage-rm web               remove a cage that is down
   cage-rm -f web            take it down first
`)
}

// runRm removes one cage: renames its directory aside, so that nothing half
// removed stands under its name, then unlinks.
func runRm(s *session, o rmOptions, ref string) error {
	e, err := s.find(ref)
	if errors.Is(err, store.ErrNotFound) {
		return s.finishRm(ref, err)
	}
	if err != nil {
		return err
	}
	if err := s.confirmRm(ref, e, o); err != nil {
		return err
	}
	if o.force && e.Writable {
		if err := s.downFirst(e); err != nil {
			return err
		}
	}
	held, err := s.lockRm(ref, e)
	if err != nil {
		return err
	}
	defer held.release()
	if err := s.checkRm(e, o); err != nil {
		return err
	}
	return s.remove(e)
}

// remove removes the directory of a cage that may go, and its cgroup.
func (s *session) remove(e store.Entry) error {
	hidden := aside(e.Dir, "rm")
	if err := s.carryOut(plan.Plan{&plan.Rename{From: e.Dir, To: hidden, Volatile: true}}); err != nil {
		return err
	}
	if g, ok := kernel.CgroupOf(e.UUID); ok && e.Writable && !s.dryRun {
		_ = g.Remove() // a cage that was unmounted by hand has left it
	}
	return s.carryOut(s.planRemove(hidden))
}

// planRemove removes what was renamed aside. The conf goes last: until then it
// tells what the directory was.
func (s *session) planRemove(hidden string) plan.Plan {
	return plan.Plan{&plan.Remove{Path: hidden, Last: store.ConfName, Progress: s.progress()}}
}

// lockRm takes the lock of what is to be removed.
func (s *session) lockRm(ref string, e store.Entry) (locks, error) {
	held, err := s.lock(e)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("cannot remove %s: it is gone already", ref)
	}
	return held, err
}

// progress returns what tells on a terminal, on one line and each half second,
// how far a removal is that takes longer than a second; elsewhere nothing.
func (s *session) progress() func(entries int) {
	if s.quiet || !kernel.IsTerminal(os.Stderr) {
		return nil
	}
	next := time.Now().Add(time.Second)
	return func(entries int) {
		if now := time.Now(); now.After(next) {
			next = now.Add(time.Second / 2)
			fmt.Fprintf(s.stderr, "%s: %d entries removed\r", s.name, entries)
		}
	}
}

// finishRm goes on with the removal of ref that was interrupted, unless it is under
// way; without one, notFound is the error.
func (s *session) finishRm(ref string, notFound error) error {
	all, err := s.halfRemoved()
	if err != nil {
		return err
	}
	if ref == "host" {
		ref = store.HostUUID
	}
	e, err := store.Choose(all, ref)
	switch {
	case errors.Is(err, store.ErrNotFound) && slices.ContainsFunc(all, func(e store.Entry) bool { return e.Name() == "" }):
		return withHint(notFound, "cage-check --repair") // its conf is gone already
	case errors.Is(err, store.ErrNotFound):
		return notFound
	case err != nil:
		return withHint(err, "cage-rm UUID")
	}
	held, err := s.lockRm(ref, e)
	if err != nil {
		return err
	}
	defer held.release()
	return s.carryOut(s.planRemove(e.Dir))
}

// halfRemoved lists what was renamed aside to be removed.
func (s *session) halfRemoved() (all []store.Entry, err error) {
	dirs, err := listIfThere(s.store.Data)
	if err != nil {
		return nil, err
	}
	for _, d := range dirs {
		if uuid, what := fromAside(d.Name()); what == "rm" && d.IsDir() {
			all = append(all, store.Entry{UUID: uuid, Dir: filepath.Join(s.store.Data, d.Name())})
		}
	}
	return all, nil
}

// downFirst takes a cage down that is not.
func (s *session) downFirst(e store.Entry) error {
	c, err := e.Load()
	if err != nil {
		return nil // what cannot be read is looked at mount by mount
	}
	f, err := look(c)
	if err != nil || f.state == down {
		return err
	}
	return runDown(s, downOptions{seconds: graceDefault}, e.UUID)
}
