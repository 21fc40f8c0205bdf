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
	return s.lockOver(ref, func(c *store.Cage) (*store.Cage, error) { return c, nil })
}

// lockOver finds the cage that ref names and what it is to stand on, the bases of
// next, locks these shared and then the cage for changing it, and returns all as it
// is under the locks. The order (host, bases, cages, each by uuid; the host's is the smallest)
// is what keeps two applets from waiting for each other.
func (s *session) lockOver(ref string, next func(*store.Cage) (*store.Cage, error)) (c *store.Cage, layers []store.Layer, held locks, err error) {
	for {
		if c, err = s.load(ref); err != nil {
			return nil, nil, nil, err
		}
		r := s.store.Resolver()
		n, err := next(c)
		if err != nil {
			return nil, nil, nil, err
		}
		bases, _, err := r.Bases(n)
		if err != nil {
			return nil, nil, nil, err
		}
		held, err := lockBases(bases)
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
			c, err = c.Again()
		}
		if err == nil {
			n, err = next(c)
		}
		if err == nil {
			layers, err = s.layersNow(r, n, bases)
		}
		if err == nil {
			return c, layers, held, nil
		}
		held.release()
		if err != errRebased {
			return nil, nil, nil, err
		}
	}
}

// errRebased says that a cage was re-based before its bases were locked: look again.
var errRebased = errors.New("re-based meanwhile")

// layersNow returns the lower directories of c, whose bases are locked. What r read
// without the locks it need not read again, unless that was changed since.
func (s *session) layersNow(r *store.Resolver, c *store.Cage, locked []*store.Cage) ([]store.Layer, error) {
	r.Renew()
	bases, warning, err := r.Bases(c)
	if err != nil {
		return nil, err
	}
	if !slices.EqualFunc(locked, bases, func(a, b *store.Cage) bool { return a.Dir == b.Dir }) {
		return nil, errRebased
	}
	if warning != "" {
		s.warn("%s", warning)
	}
	return r.Layers(c, bases)
}

// lockBases locks bases shared, by uuid.
func lockBases(bases []*store.Cage) (locks, error) {
	dirs := make([]string, len(bases))
	for i, b := range bases {
		dirs[i] = b.Dir
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
