package applets

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"cage/applets/internal/kernel"
	"cage/applets/internal/plan"
	"cage/applets/internal/store"
	"cage/conf"
)

// planPin makes a base of the snapshot that the host's cage stands on, which
// takes the host's old name and memo, unless there is one already. It returns
// the base's uuid.
func (s *session) planPin(host *store.Cage, target string) (plan.Plan, string, error) {
	all, err := s.store.List()
	if err != nil {
		return nil, "", err
	}
	for _, e := range all {
		if e.Writable || e.UUID == store.HostUUID {
			continue
		}
		c, err := e.Load()
		if err != nil {
			continue
		}
		if link, err := os.Readlink(c.Root); err == nil && link == target && slices.Equal(c.Base, host.Base) {
			return nil, e.UUID, nil
		}
	}
	id := store.NewUUID()
	file := conf.Parse(host.Conf.Bytes())
	if err := file.Set("uuid", id); err != nil {
		return nil, "", err
	}
	dir := s.store.Entry(id, false).Dir
	p, err := s.planR(dir, target, file, host.Name, host.Memo)
	return append(p, &plan.Rename{From: aside(dir, "new"), To: dir}), id, err
}

// planRewrites locks every cage that stands on the host, bases before cages and
// each by uuid, and rewrites its conf to stand on id.
func (s *session) planRewrites(id string) (p plan.Plan, held locks, err error) {
	list, err := s.store.Dependants(store.HostUUID)
	if err != nil {
		return nil, nil, err
	}
	slices.SortFunc(list, func(a, b *store.Cage) int {
		return strings.Compare(filepath.Ext(a.Dir)+a.UUID, filepath.Ext(b.Dir)+b.UUID)
	})
	for _, c := range list {
		lock, err := kernel.LockDir(c.Dir, true)
		if errors.Is(err, os.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, held, err
		}
		held = append(held, lock)
		data, err := c.Read()
		if err != nil {
			return nil, held, err
		}
		file := conf.Parse(data)
		base := strings.Split(file.Get("base"), ":")
		for i, b := range base {
			if b == store.HostUUID {
				base[i] = id
			}
		}
		if err := file.Set("base", strings.Join(base, ":")); err != nil {
			return nil, held, fmt.Errorf("%w (%s)", err, c.ConfPath())
		}
		p = append(p, &plan.Write{Path: c.ConfPath(), Data: file.Bytes(), Mode: 0o644})
	}
	return p, held, nil
}
