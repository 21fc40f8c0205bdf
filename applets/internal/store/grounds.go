package store

import (
	"path/filepath"
	"strings"

	"cage/conf"
)

// Ground is a cage and the directories that it stands on.
type Ground struct {
	Cage *Cage
	Dirs []string // real paths of the roots of its bases, and of theirs; of a base its own is the first
}

// Grounds returns every cage with what it stands on as far as the confs tell,
// whether or not that makes a sound cage: it is for who wants to take away a
// directory, and must know who might miss it. A root that is not there is left out.
func (s *Store) Grounds() ([]Ground, error) {
	all, err := s.List()
	if err != nil {
		return nil, err
	}
	cages := make([]*Cage, len(all))
	bases := map[string]*Cage{}
	for i, e := range all {
		data, _ := readFile(e.ConfPath()) // without a conf it has no bases, and a root of the default name
		f := conf.Parse(data)
		c := &Cage{Entry: e, Conf: f, Name: f.Get("name"), Base: strings.Split(f.Get("base"), ":"), Root: "root"}
		if root := f.Get("root"); root != "" {
			c.Root = root
		}
		c.Root = filepath.Join(e.Dir, c.Root)
		cages[i] = c
		if !e.Writable {
			bases[e.UUID] = c
		}
	}
	grounds := make([]Ground, len(all))
	for i, c := range cages {
		seen := map[string]bool{}
		var dirs []string
		var visit func(c *Cage)
		visit = func(c *Cage) {
			if c == nil || seen[c.UUID] {
				return
			}
			seen[c.UUID] = true
			if !c.Writable {
				if dir, err := filepath.EvalSymlinks(c.Root); err == nil {
					dirs = append(dirs, dir)
				}
			}
			for _, id := range c.Base {
				visit(bases[id])
			}
		}
		visit(c)
		grounds[i] = Ground{c, dirs}
	}
	return grounds, nil
}
