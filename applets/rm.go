package applets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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
	if aside := asidePath(s.store, ref); aside != "" {
		return s.finishRm(ref, aside)
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
	held, err := s.lock(e)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove %s: it is gone already", ref)
	}
	if err != nil {
		return err
	}
	defer held.release()
	if err := s.checkRm(e, o); err != nil {
		return err
	}
	aside := filepath.Join(s.store.Data, "."+filepath.Base(e.Dir)+".rm")
	if err := s.carryOut(plan.Plan{&plan.Rename{From: e.Dir, To: aside, Volatile: true}}); err != nil {
		return err
	}
	if g, ok := kernel.CgroupOf(e.UUID); ok && e.Writable && !s.dryRun {
		_ = g.Remove() // a cage that was unmounted by hand has left it
	}
	return s.carryOut(plan.Plan{&plan.Remove{Path: aside, Progress: s.progress()}})
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
func (s *session) finishRm(ref, aside string) error {
	held, err := s.lock(store.Entry{Dir: aside})
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove %s: it is gone already", ref)
	}
	if err != nil {
		return err
	}
	defer held.release()
	return s.carryOut(plan.Plan{&plan.Remove{Path: aside, Progress: s.progress()}})
}

// asidePath returns the directory of a removal of the uuid that was interrupted.
func asidePath(st *store.Store, ref string) string {
	if !store.IsUUID(ref) {
		return ""
	}
	for _, suffix := range []string{".w", ".r"} {
		path := filepath.Join(st.Data, "."+ref+suffix+".rm")
		if _, err := os.Lstat(path); err == nil && !exists(filepath.Join(st.Data, ref+suffix)) {
			return path
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

// checkRm refuses to remove what is up, what others stand on, and what has a
// mount in it.
func (s *session) checkRm(e store.Entry, o rmOptions) error {
	if s.dryRun && o.force {
		return s.checkDependants(e) // what is printed takes it down first
	}
	if e.Writable {
		if err := s.checkUnused(e); err != nil {
			return err
		}
	} else if err := checkLower(e); err != nil {
		return err
	}
	if err := s.checkDependants(e); err != nil {
		return err
	}
	mounts, err := kernel.Under(e.Dir)
	if err != nil {
		return err
	}
	if len(mounts) > 0 {
		points := make([]string, len(mounts))
		for i, m := range mounts {
			points[i] = m.Point
		}
		return withHint(fmt.Errorf("cannot remove %s: something is mounted in it: %s", label(e), strings.Join(points, ", ")), "umount %s", plan.Quote(points[len(points)-1]))
	}
	return nil
}

// checkUnused refuses a cage that is up, or whose upper directory is in use.
func (s *session) checkUnused(e store.Entry) error {
	c, err := e.Load()
	if err == nil {
		f, err := look(c)
		if err != nil && !errors.Is(err, errForeign) {
			return err
		}
		if err == nil && f.state != down {
			return withHint(fmt.Errorf("cannot remove %s: it is %s", c.Label(), f.state), "cage-down %s, or cage-rm -f %[1]s", c.Label())
		}
		if used, err := kernel.UpperInUse(c.Root); err == nil && used {
			return inUse(c, "remove")
		}
		return nil
	}
	// Which directory was mounted, and where, is no longer to be read.
	entries, err := os.ReadDir(e.Dir)
	if err != nil {
		return kernel.Cannot("read", e.Dir, err)
	}
	for _, d := range entries {
		c := &store.Cage{Entry: e, Root: filepath.Join(e.Dir, d.Name())}
		if !d.IsDir() {
			continue
		}
		if used, err := kernel.UpperInUse(c.Root); err == nil && used {
			return inUse(c, "remove")
		}
	}
	return nil
}

// checkLower refuses a base that an overlay stands on, whatever the confs say by
// now: the kernel lets it go and the files of a running cage with it.
func checkLower(e store.Entry) error {
	mounts, err := kernel.Mounts()
	if err != nil {
		return err
	}
	for _, m := range mounts {
		for _, dir := range kernel.LowerDirs(m) {
			if _, in := below(e.Dir, dir); in && m.Type == "overlay" {
				return fmt.Errorf("cannot remove %s: the overlay on %s stands on it", label(e), m.Point)
			}
		}
	}
	return nil
}

// label names an entry whose conf may be unreadable.
func label(e store.Entry) string {
	if name := e.Name(); name != "" {
		return name
	}
	return e.UUID
}

// checkDependants refuses to remove what others stand on.
func (s *session) checkDependants(e store.Entry) error {
	others, err := s.store.Dependants(e.UUID)
	if err != nil {
		return err
	}
	if len(others) > 0 {
		names := make([]string, len(others))
		for i, c := range others {
			names[i] = c.Label()
		}
		return withHint(fmt.Errorf("cannot remove %s: it is the base of %s", label(e), strings.Join(names, ", ")), "cage-rm %s", strings.Join(names, " "))
	}
	return nil
}
