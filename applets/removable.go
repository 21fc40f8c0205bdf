package applets

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"cage/applets/internal/kernel"
	"cage/applets/internal/plan"
	"cage/applets/internal/store"
)

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
	return checkMountless("remove", e.Label(), e.Dir)
}

// checkMountless refuses a directory, that of what, which has a mount in it.
func checkMountless(verb, what, dir string) error {
	mounts, err := kernel.Under(dir)
	if err != nil {
		return err
	}
	if len(mounts) > 0 {
		points := make([]string, len(mounts))
		for i, m := range mounts {
			points[i] = m.Point
		}
		return withHint(fmt.Errorf("cannot %s %s: something is mounted in it: %s", verb, what, strings.Join(points, ", ")), "umount %s", points[len(points)-1])
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
				return fmt.Errorf("cannot remove %s: the overlay on %s stands on it", e.Label(), m.Point)
			}
		}
	}
	return nil
}

// checkDependants refuses to remove what others stand on, which is a base.
func (s *session) checkDependants(e store.Entry) error {
	if e.Writable {
		return nil
	}
	others, err := s.store.Dependants(e.UUID)
	if err != nil {
		return err
	}
	if len(others) > 0 {
		names, words := make([]string, len(others)), make([]string, len(others))
		for i, c := range others {
			names[i], words[i] = c.Label(), plan.Quote(c.Label())
		}
		return hinted{fmt.Errorf("cannot remove %s: it is the base of %s", e.Label(), strings.Join(names, ", ")), "cage-rm " + strings.Join(words, " ")}
	}
	return nil
}
