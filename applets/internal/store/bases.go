package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Layer is one lower directory of a cage.
type Layer struct {
	Base *Cage
	Dir  string // the real path of its root
}

// Resolver resolves the bases of many cages and reads each base once.
type Resolver struct {
	store *Store
	cages map[string]*Cage
	roots map[string]string // the real ones

	parents realDirs
}

// Resolver returns one that has read nothing yet.
func (s *Store) Resolver() *Resolver {
	return &Resolver{store: s, cages: map[string]*Cage{}, roots: map[string]string{}, parents: realDirs{}}
}

// Know spares r the reading of a base whose conf is known, and whose directory is one and
// no link. Of what is wrong with it r tells when it is asked for.
func (r *Resolver) Know(id string, conf []byte) {
	if twin, err := isDir(r.store.Entry(id, true).Dir); err != nil || twin {
		return
	}
	c, err := r.store.Entry(id, false).Parse(conf)
	if err != nil {
		return
	}
	r.cages[id] = c
	if dir, err := c.realRoot(r.parents); err == nil {
		r.roots[id] = dir
	}
}

// Layers is what the Resolver's Bases and Layers say, from nothing.
func (s *Store) Layers(c *Cage) (layers []Layer, warning string, err error) {
	r := s.Resolver()
	bases, warning, err := r.Bases(c)
	if err == nil {
		layers, err = r.Layers(c, bases)
	}
	if err != nil {
		warning = ""
	}
	return layers, warning, err
}

// Bases returns what c stands on, from the top down, in the order of the C3
// linearization, each once, below all that stand on it. Where C3 has no answer the
// written order is taken and warning says so.
func (r *Resolver) Bases(c *Cage) (bases []*Cage, warning string, err error) {
	if c.Writable && len(c.Base) == 0 {
		return nil, "", cannot("use", c.ConfPath(), errors.New("it has no base"))
	}
	o := ordering{r, map[string][]string{}}
	order, err := o.linearize(c, []string{c.Label()})
	if errors.Is(err, errNoOrder) {
		warning = fmt.Sprintf("the bases of %s contradict each other in their order; taking the written one", c.Label())
		order, err = r.written(c), nil
	}
	if err != nil {
		return nil, "", err
	}
	bases = make([]*Cage, len(order)-1)
	for i, id := range order[1:] {
		bases[i] = r.cages[id]
	}
	return bases, warning, nil
}

// Layers returns the lower directories of c, which stands on bases.
func (r *Resolver) Layers(c *Cage, bases []*Cage) (layers []Layer, err error) {
	seen := make(map[string]bool, len(bases))
	layers = slices.Grow(layers, len(bases))
	for _, base := range slices.Backward(bases) {
		dir, known := r.roots[base.UUID]
		if !known {
			dir, err = base.realRoot(r.parents)
		}
		if err != nil {
			if there, e := isDir(base.Dir); e == nil && !there { // removed since its conf was read
				return nil, cannotUse(r.chainTo(c, base.UUID), ErrNotFound)
			}
			return nil, cannotUse(append(r.chainTo(c, base.UUID), "root"), err)
		}
		r.roots[base.UUID] = dir
		// The kernel takes no directory twice ("too many levels of symbolic links").
		// Two bases have the same one while a cage-snapshot is between its steps.
		if !seen[dir] {
			seen[dir] = true
			layers = append(layers, Layer{base, dir})
		}
	}
	slices.Reverse(layers)
	return layers, nil
}

// cannotUse is the error of a base that a chain of cages leads to.
func cannotUse(chain []string, err error) error {
	return cannot("use the base", strings.Join(chain, " -> "), err)
}

// ordering is one linearization under way.
type ordering struct {
	*Resolver
	orders map[string][]string
}

// load loads the bases of c; chain names the cages that led to c, c last.
func (r *Resolver) load(c *Cage, chain []string) ([]*Cage, error) {
	list := make([]*Cage, len(c.Base))
	for i, id := range c.Base {
		base, ok := r.cages[id]
		if !ok {
			e, err := r.store.Get(id)
			if err == nil && e.Writable {
				err = fmt.Errorf("%s.w is writable and cannot be a base", id)
			}
			if err == nil {
				base, err = e.Load()
			}
			var f *fault
			if errors.As(err, &f) {
				if err = f.cause; f.object != id {
					err = fmt.Errorf("%s: %w", f.object, f.cause)
				}
			}
			if err != nil {
				return nil, cannotUse(append(slices.Clone(chain), id), err)
			}
			r.cages[id] = base
		}
		list[i] = base
	}
	return list, nil
}

// chainTo names the cages that lead from c to the base id.
func (r *Resolver) chainTo(c *Cage, id string) []string {
	seen := map[string]bool{}
	var visit func(c *Cage) []string
	visit = func(c *Cage) []string {
		if seen[c.UUID] {
			return nil
		}
		seen[c.UUID] = true
		if c.UUID == id {
			return []string{c.Label()}
		}
		for _, b := range c.Base {
			if chain := visit(r.cages[b]); chain != nil {
				return append([]string{c.Label()}, chain...)
			}
		}
		return nil
	}
	return visit(c)
}
