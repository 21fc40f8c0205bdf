package applets

import (
	"errors"
	"io/fs"
	"slices"

	"cage/applets/internal/kernel"
	"cage/applets/internal/store"
)

// locks are the directories that one applet holds.
type locks []*kernel.Lock

func (l locks) release() {
	for _, x := range l {
		x.Unlock()
	}
}

// lock takes the lock of one cage for changing it.
func (s *session) lock(e store.Entry) (locks, error) {
	l, err := kernel.LockDir(e.Dir, true)
	if err != nil {
		return nil, err
	}
	return locks{l}, nil
}

// lockData keeps cage-check from taking what is being made for a leftover. It is
// the last lock that an applet takes.
func (s *session) lockData() (*kernel.Lock, error) {
	lock, err := kernel.LockDir(s.store.Data, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return lock, err
}

// lockAll finds the cage that ref names and locks it and what it stands on.
func (s *session) lockAll(ref string) (c *store.Cage, layers []store.Layer, held locks, err error) {
	return s.lockOver(ref, s.store.Layers)
}

// lockOver finds the cage that ref names and what it is to stand on, locks the bases
// shared and then the cage for changing it, and returns all as it is under the
// locks. The order (host, bases, cages, each by uuid; the host's is the smallest)
// is what keeps two applets from waiting for each other.
func (s *session) lockOver(ref string, standOn func(*store.Cage) ([]store.Layer, string, error)) (c *store.Cage, layers []store.Layer, held locks, err error) {
	for {
		if c, err = s.load(ref); err != nil {
			return nil, nil, nil, err
		}
		before, _, err := standOn(c)
		if err != nil {
			return nil, nil, nil, err
		}
		held, err := lockLayers(before)
		if err == nil {
			var own locks
			own, err = s.lock(c.Entry)
			held = append(held, own...)
		}
		if errors.Is(err, fs.ErrNotExist) {
			held.release()
			continue // something was removed while waiting: look again
		}
		if err == nil {
			c, err = c.Entry.Load()
		}
		var warning string
		if err == nil {
			layers, warning, err = standOn(c)
		}
		if err == nil && !slices.EqualFunc(before, layers, func(a, b store.Layer) bool { return a.Base.Dir == b.Base.Dir }) {
			held.release()
			continue // re-based while waiting
		}
		if err != nil {
			held.release()
			return nil, nil, nil, err
		}
		if warning != "" {
			s.warn("%s", warning)
		}
		return c, layers, held, nil
	}
}

// lockLayers locks bases shared, by uuid.
func lockLayers(layers []store.Layer) (locks, error) {
	dirs := make([]string, len(layers))
	for i, l := range layers {
		dirs[i] = l.Base.Dir
	}
	slices.Sort(dirs)
	var held locks
	for _, dir := range dirs {
		lock, err := kernel.LockDir(dir, false)
		if err != nil {
			held.release()
			return nil, err
		}
		held = append(held, lock)
	}
	return held, nil
}
