package applets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"cage/applets/internal/kernel"
	"cage/applets/internal/plan"
	"cage/applets/internal/store"

	"github.com/urfave/cli/v2"
)

type rmOptions struct{ force bool }

func newRm(s *session) *cli.App {
	var o rmOptions
	app := s.app(boolFlag("force", "f", "take a cage down first", &o.force))
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
	if hidden := halfRemoved(s.store, ref); hidden != "" {
		return s.finishRm(ref, hidden)
	}
	e, err := s.find(ref)
	if err != nil {
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
	hidden := aside(e.Dir, "rm")
	if err := s.carryOut(plan.Plan{&plan.Rename{From: e.Dir, To: hidden, Volatile: true}}); err != nil {
		return err
	}
	if g, ok := kernel.CgroupOf(e.UUID); ok && e.Writable && !s.dryRun {
		_ = g.Remove() // a cage that was unmounted by hand has left it
	}
	return s.carryOut(plan.Plan{&plan.Remove{Path: hidden, Progress: s.progress()}})
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

// finishRm goes on with a removal that was interrupted, unless it is under way.
func (s *session) finishRm(ref, hidden string) error {
	held, err := s.lockRm(ref, store.Entry{Dir: hidden})
	if err != nil {
		return err
	}
	defer held.release()
	return s.carryOut(plan.Plan{&plan.Remove{Path: hidden, Progress: s.progress()}})
}

// halfRemoved returns the directory of a removal of the uuid that was interrupted.
func halfRemoved(st *store.Store, ref string) string {
	if !store.IsUUID(ref) {
		return ""
	}
	for _, suffix := range []string{".w", ".r"} {
		dir := filepath.Join(st.Data, ref+suffix)
		if hidden := aside(dir, "rm"); lexists(hidden) && !exists(dir) {
			return hidden
		}
	}
	return ""
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
