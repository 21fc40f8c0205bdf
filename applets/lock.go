package applets

import (
	"errors"
	"io/fs"
	"path/filepath"
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
func (s *session) lockAll(ref string) (*store.Cage, []store.Layer, locks, error) {
	return s.lockOver(ref, func(c *store.Cage) (*store.Cage, error) { return c, nil })
}

// lockOver finds the cage that ref names and what it is to stand on, the bases of
// next, locks these shared and then the cage for changing it, and returns all as it
// is under the locks. The order (host, bases, cages, each by uuid; the host's is the smallest)
// is what keeps two applets from waiting for each other.
func (s *session) lockOver(ref string, next func(*store.Cage) (*store.Cage, error)) (*store.Cage, []store.Layer, locks, error) {
	for {
		c, err := s.load(ref)
		if err != nil {
			return nil, nil, nil, err
		}
		drafted, err := next(c)
		if err != nil {
			return nil, nil, nil, err
		}
		layers, warning, held, err := s.lockBases(drafted)
		if err == nil {
			var own locks
			own, err = s.lock(c.Entry)
			held = append(held, own...)
		}
		// While waiting it may have been removed, or re-based: then look again.
		now, errNow := c.Load()
		if errNow == nil {
			c = now
			now, errNow = next(c)
		}
		if errNow == nil && slices.Equal(now.Base, drafted.Base) {
			if err != nil {
				held.release()
				return nil, nil, nil, err
			}
			s.warnOf(warning)
			return c, layers, held, nil
		}
		held.release()
	}
}

// lockBases locks all that c stands on, shared and by uuid, and returns the lower
// directories as they are under the locks. Those that its conf names are locked before
// they are read. If these stand on further bases, or one was removed meanwhile, it lets
// go and locks the whole set. The warning is that of Resolver.Bases.
func (s *session) lockBases(c *store.Cage) (layers []store.Layer, warning string, held locks, err error) {
	for uuids := sorted(c.Base); ; {
		r, held, errLock := s.lockShared(uuids)
		bases, warning, err := r.Bases(c)
		if err == nil && !errors.Is(errLock, fs.ErrNotExist) {
			err = errLock // that of Bases tells more of a base that is missing
		}
		if err != nil {
			held.release()
			return nil, "", nil, err
		}
		locked := uuids
		if uuids = uuidsOf(bases); errLock != nil || !slices.Equal(locked, uuids) {
			held.release()
			continue
		}
		layers, err := r.Layers(c, bases)
		if err != nil {
			held.release()
			return nil, "", nil, err
		}
		return layers, warning, held, nil
	}
}

// warnOf passes on a warning, if there is one.
func (s *session) warnOf(warning string) {
	if warning != "" {
		s.warn("%s", warning)
	}
}

// uuidsOf returns the uuids of bases in the order of locking.
func uuidsOf(bases []*store.Cage) []string {
	uuids := make([]string, len(bases))
	for i, b := range bases {
		uuids[i] = b.UUID
	}
	return sorted(uuids)
}

// sorted returns each of uuids once, in the order of locking.
func sorted(uuids []string) []string {
	uuids = slices.Clone(uuids)
	slices.Sort(uuids)
	return slices.Compact(uuids)
}

// lockShared locks bases shared, and returns who knows them then.
func (s *session) lockShared(uuids []string) (*store.Resolver, locks, error) {
	r := s.store.Resolver()
	names := make([]string, len(uuids))
	for i, id := range uuids {
		names[i] = filepath.Base(s.store.Entry(id, false).Dir)
	}
	lock, err := kernel.LockShared(s.store.Data, names, store.ConfName, func(i int, conf []byte) { r.Know(uuids[i], conf) })
	return r, locks{lock}, err
}
