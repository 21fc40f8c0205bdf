package applets

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"cage/applets/internal/kernel"
	"cage/applets/internal/plan"
	"cage/applets/internal/store"
)

// checkCages reads every conf and looks at what it says.
func (s *session) checkCages() (found []finding, err error) {
	all, err := s.store.List()
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		// What was removed meanwhile is nobody's fault.
		if list := s.checkCage(e); len(list) > 0 && lexists(e.Dir) {
			found = append(found, list...)
		}
	}
	return found, nil
}

// checkCage looks at one cage.
func (s *session) checkCage(e store.Entry) (found []finding) {
	if _, err := s.store.Get(e.UUID); err != nil {
		return []finding{{where: e.Dir, what: err.Error()}}
	}
	c, err := e.Load()
	if err != nil {
		return []finding{{where: e.Dir, what: err.Error(), repair: "an editor on " + e.ConfPath()}}
	}
	found = checkSiblings(c)
	layers, _, err := s.store.Layers(c)
	if err != nil {
		found = append(found, finding{where: e.Dir, what: err.Error()})
	}
	if !c.Writable {
		if _, err := c.RealRoot(); err != nil {
			found = append(found, finding{where: c.Root, what: err.Error()})
		}
		return found
	}
	if err := inodeTrap(c.Root, layers); err != nil {
		found = append(found, finding{where: e.Dir, what: err.Error()})
	}
	return append(append(found, checkMarks(c)...), checkState(c)...)
}

// checkSiblings finds the new content of a file that nobody is to put in its place.
func checkSiblings(c *store.Cage) (found []finding) {
	for _, name := range []string{".cage.conf.new", ".lower.new"} {
		if path := filepath.Join(c.Dir, name); lexists(path) && !kernel.Locked(c.Dir) && lexists(path) {
			found = append(found, finding{where: path, what: "a rewrite that was interrupted", mend: plan.Plan{&plan.RemoveFile{Path: path}}})
		}
	}
	return found
}

// checkState finds what is neither up nor down, and what is down and still in use.
func checkState(c *store.Cage) (found []finding) {
	f, err := look(c)
	switch {
	case err != nil:
		return []finding{{where: c.Dir, what: err.Error()}}
	case f.state == half:
		return []finding{{where: c.Dir, what: "half up", repair: "cage-up " + c.UUID + ", or cage-down " + c.UUID}}
	case f.state == up:
		for _, dir := range kernel.LowerDirs(f.mount) {
			if !exists(dir) {
				found = append(found, finding{where: c.Dir, what: "it is up and stands on " + dir + ", which is gone"})
			}
		}
		if checkCut(c) != nil && !kernel.Locked(c.Work) {
			found = append(found, finding{where: c.Dir, what: "it is up and the cage-run that was to throw it away is gone", repair: "cage-rm -f " + c.UUID})
		}
		return found
	}
	if err := checkCut(c); err != nil && !kernel.Locked(c.Dir) { // else it is being thrown away
		found = append(found, finding{where: c.Dir, what: errCut.Error(), repair: "cage-rm " + c.UUID})
	}
	if used, err := kernel.UpperInUse(c.Root); err == nil && used {
		found = append(found, finding{where: c.Root, what: "the cage is down and its root is in use" + strings.Join(append([]string{""}, kernel.UpperHolders(c.Root)...), ", ")})
	}
	if populated, err := cgroupOf(c).Populated(); err == nil && populated {
		pids, _ := cgroupOf(c).PIDs()
		found = append(found, finding{where: c.Dir, what: fmt.Sprintf("the cage is down and processes of it live: %d", pids)})
	}
	return found
}

// checkMarks finds marks in an upper directory that a mount by hand may not follow.
func checkMarks(c *store.Cage) []finding {
	marks, err := kernel.OverlayMarks(c.Root)
	if err != nil {
		return []finding{{where: c.Root, what: err.Error()}}
	}
	if len(marks) == 0 {
		return nil
	}
	return []finding{{where: marks[0], what: fmt.Sprintf("%d entries with a metacopy or redirect mark, which only mounts with those options follow", len(marks))}}
}

// checkCgroups finds cgroups of cages that are down or gone. One whose cage is
// mounted from another data directory is none of ours.
func (s *session) checkCgroups() (found []finding, err error) {
	list := kernel.Cgroups() // before the mounts: a cage is mounted first
	all, err := kernel.Mounts()
	if err != nil {
		return nil, err
	}
	for _, g := range list {
		uuid := filepath.Base(g.String())
		e, err := s.store.Get(uuid)
		gone := err != nil && !slices.ContainsFunc(all, func(m kernel.Mount) bool { return strings.Contains(m.Options, uuid+".w") })
		populated, _ := g.Populated()
		switch {
		case !store.IsUUID(uuid):
		case gone && populated:
			found = append(found, finding{where: g.String(), what: "processes live of a cage that is not there"})
		case !populated && (gone || err == nil && s.isDown(e)):
			found = append(found, finding{where: g.String(), what: "a loose cgroup", mend: plan.Plan{&plan.RemoveCgroup{Cgroup: g}}})
		}
	}
	return found, nil
}

// checkMounts finds overlays whose cage is gone.
func (s *session) checkMounts() (found []finding, err error) {
	all, err := kernel.Mounts()
	if err != nil {
		return nil, err
	}
	for _, m := range all {
		upper, ok := kernel.UpperDir(m)
		dir := filepath.Dir(upper)
		uuid := strings.TrimSuffix(filepath.Base(dir), ".w")
		if ok && filepath.Dir(dir) == s.store.Data && store.IsUUID(uuid) && !exists(dir) {
			found = append(found, finding{where: m.Point, what: "mounted for a cage that is gone", repair: "umount -R " + plan.Quote(m.Point)})
		}
	}
	return found, nil
}
