package applets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"cage/applets/internal/kernel"
	"cage/applets/internal/plan"
	"cage/applets/internal/store"
	"cage/conf"
)

// hostCage is what the host's cage is to become.
type hostCage struct{ target, name, memo string }

// lockHost takes the lock of the host's cage, and the data directory's as all do
// who make something in it; where there is no host's cage yet, that one alone, so
// that of several commands only one makes it.
func (s *session) lockHost() (locks, error) {
	for {
		e, err := s.store.Get(store.HostUUID)
		first := errors.Is(err, store.ErrNotFound)
		if first {
			e.Dir = s.store.Data
		} else if err != nil {
			return nil, err
		}
		held, err := s.lock(e)
		if first && errors.Is(err, fs.ErrNotExist) {
			return nil, nil // Mkdir of the data directory tells who is first
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err == nil && !(first && exists(s.store.Entry(store.HostUUID, false).Dir)) {
			if !first {
				data, err := s.lockData()
				return append(held, data), err
			}
			return held, nil
		}
		held.release() // made, or removed, while waiting
	}
}

// planHost makes the host's cage, or lets it move on: those born on the old
// snapshot are first given a base of their own on it, and at every moment in
// between each still mounts what it was born on. It returns the locks it took.
func (s *session) planHost(h hostCage) (plan.Plan, locks, error) {
	old, err := s.store.Get(store.HostUUID)
	dir := s.store.Entry(store.HostUUID, false).Dir
	if errors.Is(err, store.ErrNotFound) {
		p, err := s.planR(dir, h.target, conf.Parse([]byte("uuid="+store.HostUUID+"\nname=\nmemo=\nroot=root\n")), h.name, h.memo)
		return append(p, &plan.Rename{From: aside(dir, "new"), To: dir}), nil, err
	}
	if err != nil {
		return nil, nil, err
	}
	c, err := old.Load()
	if err != nil {
		return nil, nil, err
	}
	target, err := linkOnly(c)
	if err != nil {
		return nil, nil, err
	}
	if target == h.target {
		return nil, nil, nil
	}
	pin, id, err := s.planPin(c, target)
	if err != nil {
		return nil, nil, err
	}
	rewrites, held, err := s.planRewrites(id)
	if err != nil {
		return nil, held, err
	}
	next, err := s.planR(dir, h.target, conf.Parse(c.Conf.Bytes()), h.name, h.memo)
	if err != nil {
		return nil, held, err
	}
	p := slices.Concat(pin, rewrites, next)
	return append(p, &plan.Exchange{A: dir, B: aside(dir, "new")}), held, nil
}

// removeOld removes the host's old directory, where p ended in an exchange. It is
// no step of p: half removed, the old one must not be put back.
func (s *session) removeOld(p plan.Plan) error {
	if len(p) == 0 {
		return nil
	}
	if x, ok := p[len(p)-1].(*plan.Exchange); ok {
		return s.carryOut(plan.Plan{&plan.Remove{Path: x.B}})
	}
	return nil
}

// prepareBase makes the directory of a base under its hidden name.
func prepareBase(dir, root, target string, file *conf.File) plan.Plan {
	hidden := aside(dir, "new")
	return plan.Plan{
		&plan.Mkdir{Path: hidden, Mode: 0o755},
		&plan.Symlink{Target: target, Path: filepath.Join(hidden, root)},
		&plan.Write{Path: filepath.Join(hidden, "cage.conf"), New: true, Data: file.Bytes(), Mode: 0o644},
	}
}

// planR prepares a base under its hidden name: a conf, and a root that is a link.
func (s *session) planR(dir, target string, file *conf.File, name, memo string) (plan.Plan, error) {
	if err := errors.Join(file.Set("name", name), file.Set("memo", memo)); err != nil {
		return nil, err
	}
	root := file.Get("root")
	if root == "" {
		root = "root"
	}
	var p plan.Plan
	if lexists(aside(dir, "new")) { // one that was interrupted
		p = append(p, &plan.Remove{Path: aside(dir, "new")})
	}
	return append(p, prepareBase(dir, root, target, file)...), nil
}

// linkOnly returns where the host's root points to. A directory of its own, or
// anything else beside the conf, is not cage's to throw away.
func linkOnly(c *store.Cage) (string, error) {
	entries, err := os.ReadDir(c.Dir)
	if err != nil {
		return "", kernel.Cannot("read", c.Dir, err)
	}
	for _, e := range entries {
		if path := filepath.Join(c.Dir, e.Name()); path != c.Root && path != c.ConfPath() {
			return "", fmt.Errorf("cannot replace %s: it holds more than a conf and a link: %s", c.Dir, e.Name())
		}
	}
	target, err := os.Readlink(c.Root)
	if err != nil {
		return "", fmt.Errorf("cannot replace %s: its root is not a link", c.Dir)
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(c.Dir, target)
	}
	return target, nil
}
