package applets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

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
		return s.carryOut(plan.Plan{&plan.Remove{Path: aside}})
	}
	e, err := s.find(ref)
	if err != nil {
		return err
	}
	isDown := true
	if o.force && e.Writable {
		if isDown, err = s.downFirst(e); err != nil {
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
	if err := s.checkRm(e, isDown || !s.dryRun); err != nil {
		return err
	}
	aside := filepath.Join(s.store.Data, "."+filepath.Base(e.Dir)+".rm")
	if err := s.carryOut(plan.Plan{&plan.Rename{From: e.Dir, To: aside, Volatile: true}}); err != nil {
		return err
	}
	return s.carryOut(plan.Plan{&plan.Remove{Path: aside}})
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

// downFirst takes a cage down that is not, and tells whether it was.
func (s *session) downFirst(e store.Entry) (was bool, err error) {
	c, err := e.Load()
	if err != nil {
		return true, nil // what cannot be read is looked at mount by mount
	}
	f, err := look(c)
	if err != nil || f.state == down {
		return true, err
	}
	return false, runDown(s, downOptions{seconds: graceDefault}, e.UUID)
}

// checkRm refuses to remove what is up, what others stand on, and what has a
// mount in it. What was only printed to be taken down (isDown is false) is still up.
func (s *session) checkRm(e store.Entry, isDown bool) error {
	if c, err := e.Load(); err == nil && e.Writable && isDown {
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
	}
	name := e.Name()
	if name == "" {
		name = e.UUID
	}
	others, err := s.store.Dependants(e.UUID)
	if err != nil {
		return err
	}
	if len(others) > 0 {
		names := make([]string, len(others))
		for i, c := range others {
			names[i] = c.Label()
		}
		return withHint(fmt.Errorf("cannot remove %s: it is the base of %s", name, strings.Join(names, ", ")), "cage-rm %s", strings.Join(names, " "))
	}
	mounts, err := kernel.Under(e.Dir)
	if err != nil {
		return err
	}
	if len(mounts) > 0 && isDown {
		points := make([]string, len(mounts))
		for i, m := range mounts {
			points[i] = m.Point
		}
		return withHint(fmt.Errorf("cannot remove %s: something is mounted in it: %s", name, strings.Join(points, ", ")), "umount %s", plan.Quote(points[len(points)-1]))
	}
	return nil
}
