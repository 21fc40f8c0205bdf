package applets

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"cage/applets/internal/kernel"
	"cage/applets/internal/store"
)

// listed is what a listing knows of a cage.
type listed struct {
	store.Entry
	cage *store.Cage // nil where its conf cannot be used
	name string
	err  error // why it is broken

	layers  []store.Layer
	warning string // of their order
	state   state
	facts   facts
	mounts  bool         // facts are known: it is one that can be up
	pids    map[int]bool // who is inside
	size    *int64       // bytes of the upper directory, where asked for
}

// listing is what is printed of the cages.
type listing struct {
	cages  []*listed         // those that pass the filters
	names  map[string]string // of all cages, by uuid
	digits int               // of a uuid, that tell it from all others
}

// census reads the conf of every cage, in the order of their uuids.
func (s *session) census() (listing, error) {
	list := listing{names: map[string]string{}}
	all, err := s.store.List()
	if err != nil {
		return list, err
	}
	for i, e := range all {
		twice := i > 0 && all[i-1].UUID == e.UUID || i+1 < len(all) && all[i+1].UUID == e.UUID
		l := s.read(e, twice)
		if errors.Is(l.err, fs.ErrNotExist) && !exists(e.Dir) {
			continue // removed meanwhile
		}
		list.cages = append(list.cages, l)
		list.names[l.UUID] = l.name
	}
	list.digits = digitsOf(list.cages)
	return list, nil
}

// read reads the conf of a cage; twice says that there may be another directory
// of its uuid.
func (s *session) read(e store.Entry, twice bool) *listed {
	l := &listed{Entry: e, state: broken}
	if twice {
		_, l.err = s.store.Get(e.UUID)
	}
	if l.err == nil {
		l.cage, l.err = e.Load()
	}
	if l.cage != nil {
		l.name = l.cage.Name
	} else {
		l.name = e.Name()
	}
	return l
}

// look finds the state of a cage that was read, by what lookBy takes.
func (l *listed) look(r *store.Resolver, on func(string) (kernel.Mount, bool, error), below func(kernel.Mount) ([]kernel.Mount, error)) {
	if l.cage == nil {
		return
	}
	var bases []*store.Cage
	var err error
	if bases, l.warning, l.err = r.Bases(l.cage); l.err == nil {
		l.layers, l.err = r.Layers(l.cage, bases)
	}
	if l.Writable {
		l.facts, err = lookBy(l.cage, on, below)
		l.mounts, l.state = err == nil, l.facts.state
	} else {
		l.state = isBase
		if _, err = l.cage.RealRoot(); err != nil {
			err = kernel.Cannot("use the root of", l.cage.Label(), err)
		}
	}
	if l.err == nil {
		l.err = err
	}
	if l.err != nil {
		l.state = broken
	}
}

// lookAll finds the state of each cage, by one reading of the mount table.
func (s *session) lookAll(list []*listed) error {
	table, err := kernel.ReadTable()
	if err != nil {
		return err
	}
	r := s.store.Resolver()
	for _, l := range list {
		l.look(r, table.On, table.Below)
	}
	return nil
}

// countAll finds who is inside of each cage, by root directory or cgroup, in one
// pass over the processes.
func countAll(list []*listed) error {
	trees, cages := make([]kernel.Tree, len(list)), map[string]*listed{}
	for i, l := range list {
		trees[i] = l.facts.kernelTree()
		cages[l.UUID] = l
	}
	inside, err := kernel.InsideEach(trees)
	if err != nil {
		return err
	}
	for i, l := range list {
		l.count(inside[i])
	}
	for _, g := range kernel.Cgroups() {
		l := cages[filepath.Base(g.String())]
		if l == nil {
			continue
		}
		if populated, err := g.Populated(); err == nil && populated {
			pids, _ := g.PIDs()
			l.count(pids)
		}
	}
	return nil
}

func (l *listed) count(pids []int) {
	if len(pids) > 0 && l.pids == nil {
		l.pids = map[int]bool{}
	}
	for _, pid := range pids {
		l.pids[pid] = true
	}
}

// nameAll joins the names of cages; one without, or that is not there, has the
// first digits of its uuid.
func (list listing) nameAll(ids []string) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		if names[i] = oneLine(list.names[id]); names[i] == "" {
			names[i] = id[:list.digits]
		}
	}
	return strings.Join(names, ":")
}

// digitsOf returns how many characters of the uuids tell the cages apart: the
// first group, or as many groups as it takes.
func digitsOf(list []*listed) int {
	for _, n := range []int{8, 13, 18, 23} {
		seen := map[string]string{}
		if !slices.ContainsFunc(list, func(l *listed) bool {
			other, there := seen[l.UUID[:n]]
			seen[l.UUID[:n]] = l.UUID
			return there && other != l.UUID
		}) {
			return n
		}
	}
	return 36
}
