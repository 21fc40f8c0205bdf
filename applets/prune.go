package applets

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"cage/applets/internal/kernel"
	"cage/applets/internal/plan"
)

// deleteSnapshots deletes the snapshots of these stamps, unless somebody stands
// on one of them: then none.
func deleteSnapshots(s *session, stamps []string) error {
	return s.prune(func(all []*snapshot) ([]*snapshot, error) {
		var list []*snapshot
		for _, stamp := range stamps {
			i := slices.IndexFunc(all, func(x *snapshot) bool { return x.stamp == stamp })
			if i < 0 {
				return nil, withHint(fmt.Errorf("cannot find the snapshot %s in %s", stamp, s.store.Snapshots), "cage-snapshot --list")
			}
			if err := checkPrune(all[i]); err != nil {
				return nil, err
			}
			if !slices.Contains(list, all[i]) {
				list = append(list, all[i])
			}
		}
		return list, nil
	}, false)
}

// keepSnapshots deletes all but the newest keep snapshots and those that somebody
// stands on, and prints what it deletes.
func keepSnapshots(s *session, keep int) error {
	return s.prune(func(all []*snapshot) ([]*snapshot, error) {
		old := all[:max(0, len(all)-keep)]
		return slices.DeleteFunc(slices.Clone(old), func(x *snapshot) bool { return checkPrune(x) != nil }), nil
	}, true)
}

// prune deletes the snapshots that choose takes of all there are, under the host's
// lock and those of the bases that go with them, so that nobody comes to stand on one meanwhile.
func (s *session) prune(choose func([]*snapshot) ([]*snapshot, error), tell bool) error {
	held, err := s.lockHost()
	if err != nil {
		return err
	}
	defer func() { held.release() }()
	var list []*snapshot
	for locked := map[string]bool{}; ; {
		all, err := s.snapshots()
		if err == nil {
			list, err = choose(all)
		}
		if err != nil {
			return err
		}
		more, err := lockPins(list, locked)
		held = append(held, more...)
		if err != nil {
			return err
		}
		if more == nil {
			break
		}
	}
	s.signals()
	for _, x := range list {
		if err := s.carryOut(planPrune(x)); err != nil {
			return err
		}
		for _, c := range x.pins {
			if err := s.carryOut(plan.Plan{&plan.Remove{Path: aside(c.Dir, "rm")}}); err != nil {
				return err
			}
		}
		if tell {
			if err := s.result(x.stamp); err != nil {
				return err
			}
		}
	}
	return nil
}

// lockPins locks the bases that are to go, by uuid, but for those that are locked
// already, and returns what it locked: nil says that all are as they were seen.
func lockPins(list []*snapshot, locked map[string]bool) (held locks, err error) {
	var dirs []string
	for _, x := range list {
		for _, c := range x.pins {
			if !locked[c.Dir] {
				dirs = append(dirs, c.Dir)
			}
		}
	}
	slices.Sort(dirs)
	for _, dir := range dirs {
		lock, err := kernel.LockDir(dir, true)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // removed meanwhile: the next look is without it
			return held, err
		}
		held = append(held, lock)
		locked[dir] = true
	}
	return held, nil
}

// checkPrune refuses to delete what somebody stands on. The kernel would let it
// go, and with it the files of a cage that is up and what is mounted in it.
func checkPrune(x *snapshot) error {
	if users := x.users(); len(users) > 0 {
		err := fmt.Errorf("cannot delete the snapshot %s: it is the base of %s", x.stamp, strings.Join(users, ", "))
		switch {
		case x.host:
			return withHint(err, "cage-snapshot, after which the host stands on a newer one")
		case len(x.cages) > 0:
			return withHint(err, "cage-rebase %s BASE, or cage-rm %[1]s", x.cages[0].Label())
		}
		return err
	}
	if err := checkMountless("delete", "the snapshot "+x.stamp, x.path); err != nil {
		return err
	}
	nested, err := kernel.NestedSubvolumes(x.path)
	if err != nil {
		return err
	}
	if len(nested) > 0 {
		path := filepath.Join(x.path, nested[0])
		return withHint(fmt.Errorf("cannot delete the snapshot %s: it has a subvolume in it: %s", x.stamp, path), "btrfs subvolume delete %s", path)
	}
	return nil
}

// planPrune is the story of deleting a snapshot: the bases that lead to it lose
// their names first, then it does, so that whatever is left half done is found
// under a hidden name.
func planPrune(x *snapshot) plan.Plan {
	var p plan.Plan
	for _, c := range x.pins {
		p = append(p, &plan.Rename{From: c.Dir, To: aside(c.Dir, "rm")})
	}
	hidden := aside(x.path, "rm")
	p = append(p, &plan.Rename{From: x.path, To: hidden})
	if exists(x.note()) {
		p = append(p, &plan.RemoveFile{Path: x.note()})
	}
	return append(p, &plan.DeleteSnapshot{Path: hidden})
}
