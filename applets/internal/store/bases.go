package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Layer is one lower directory of a cage.
type Layer struct {
	Base *Cage
	Dir  string // the real path of its root
}

// Layers returns what c stands on, from the top down: its bases in the order of
// the C3 linearization, each directory once, below all that stand on it. Where C3
// has no answer the written order is taken and warning says so.
func (s *Store) Layers(c *Cage) (layers []Layer, warning string, err error) {
	if c.Writable && len(c.Base) == 0 {
		return nil, "", cannot("use", c.ConfPath(), errors.New("it has no base"))
	}
	r := resolver{store: s, cages: map[string]*Cage{}, orders: map[string][]string{}}
	order, err := r.linearize(c, []string{c.Label()})
	if errors.Is(err, errNoOrder) {
		warning = fmt.Sprintf("the bases of %s contradict each other in their order; taking the written one", c.Label())
		order, err = r.written(c), nil
	}
	if err != nil {
		return nil, "", err
	}
	for _, id := range order[1:] {
		base := r.cages[id]
		dir, err := base.RealRoot()
		if there, e := isDir(base.Dir); e == nil && !there { // removed since its conf was read
			return nil, "", cannotUse(r.chainTo(c, id), ErrNotFound)
		}
		if err != nil {
			return nil, "", cannotUse(append(r.chainTo(c, id), "root"), err)
		}
		// The kernel takes no directory twice ("too many levels of symbolic links").
		// Two bases have the same one while a cage-snapshot is between its steps.
		layers = slices.DeleteFunc(layers, func(l Layer) bool { return l.Dir == dir })
		layers = append(layers, Layer{base, dir})
	}
	return layers, warning, nil
}

// cannotUse is the error of a base that a chain of cages leads to.
func cannotUse(chain []string, err error) error {
	return cannot("use the base", strings.Join(chain, " -> "), err)
}

// Label names a cage in a message.
func (c *Cage) Label() string {
	if c.Name != "" {
		return c.Name
	}
	return c.UUID
}

// RealRoot returns the real path of a base's root directory, which must be there.
func (c *Cage) RealRoot() (string, error) {
	if info, err := os.Lstat(c.Root); err == nil && info.IsDir() {
		return c.Root, nil // the store's own path is real
	}
	dir, err := filepath.EvalSymlinks(c.Root)
	if err != nil {
		if target, e := os.Readlink(c.Root); e == nil {
			return "", fmt.Errorf("it points to %s, which is not there", target)
		}
		return "", errors.Unwrap(err)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return "", fmt.Errorf("%s is not a directory", dir)
	}
	if strings.Contains(dir, "\n") {
		return "", errors.New("its real path has a newline")
	}
	return dir, nil
}

// resolver reads each base once.
type resolver struct {
	store  *Store
	cages  map[string]*Cage
	orders map[string][]string
}

// errNoOrder says that C3 has no answer.
var errNoOrder = errors.New("no order")

// bases loads the bases of c; chain names the cages that led to c, c last.
func (r *resolver) bases(c *Cage, chain []string) ([]*Cage, error) {
	var list []*Cage
	for _, id := range c.Base {
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
		list = append(list, base)
	}
	return list, nil
}

// linearize returns c's uuid and those of its bases in C3 order:
// L(c) = c, merge(L(b1), ..., L(bn), b1...bn).
func (r *resolver) linearize(c *Cage, chain []string) ([]string, error) {
	if order, ok := r.orders[c.UUID]; ok {
		if order == nil {
			return nil, cannotUse(chain, errors.New("it stands on itself"))
		}
		return order, nil
	}
	r.orders[c.UUID] = nil // on the way
	bases, err := r.bases(c, chain)
	if err != nil {
		return nil, err
	}
	var lists [][]string
	var noOrder error
	for _, b := range bases {
		order, err := r.linearize(b, append(slices.Clone(chain), b.Label()))
		if errors.Is(err, errNoOrder) {
			noOrder = err // go on: a cycle or a missing base is worse
			continue
		}
		if err != nil {
			return nil, err
		}
		lists = append(lists, order)
	}
	r.orders[c.UUID] = []string{c.UUID}
	if noOrder != nil {
		return nil, noOrder
	}
	order, err := merge(append(lists, c.Base))
	if err != nil {
		return nil, err
	}
	r.orders[c.UUID] = append([]string{c.UUID}, order...)
	return r.orders[c.UUID], nil
}

// merge takes, again and again, the first head of a list that is in no list's tail.
func merge(lists [][]string) ([]string, error) {
	lists = slices.Clone(lists)
	tails := map[string]int{} // how many lists have it behind their head
	for _, l := range lists {
		for _, id := range l[min(1, len(l)):] {
			tails[id]++
		}
	}
	var order []string
	for {
		lists = slices.DeleteFunc(lists, func(l []string) bool { return len(l) == 0 })
		if len(lists) == 0 {
			return order, nil
		}
		i := slices.IndexFunc(lists, func(l []string) bool { return tails[l[0]] == 0 })
		if i < 0 {
			return nil, errNoOrder
		}
		head := lists[i][0]
		order = append(order, head)
		for j, l := range lists {
			if l[0] == head {
				if lists[j] = l[1:]; len(l) > 1 {
					tails[l[1]]--
				}
			}
		}
	}
}

// written returns c and its bases depth first in the order of their confs, each
// where it is met last, so that it is below all that stand on it.
func (r *resolver) written(c *Cage) []string {
	var order []string
	seen := map[string]bool{}
	var visit func(c *Cage)
	visit = func(c *Cage) { // from the bottom up, so the last is met first
		if seen[c.UUID] {
			return
		}
		seen[c.UUID] = true
		for _, id := range slices.Backward(c.Base) {
			visit(r.cages[id])
		}
		order = append(order, c.UUID)
	}
	visit(c)
	slices.Reverse(order)
	return order
}

// chainTo names the cages that lead from c to the base id.
func (r *resolver) chainTo(c *Cage, id string) []string {
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
