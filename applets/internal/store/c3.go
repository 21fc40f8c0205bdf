package store

import (
	"errors"
	"slices"
)

// errNoOrder says that C3 has no answer.
var errNoOrder = errors.New("no order")

// linearize returns c's uuid and those of its bases in C3 order:
// L(c) = c, merge(L(b1), ..., L(bn), b1...bn).
func (r *ordering) linearize(c *Cage, chain []string) ([]string, error) {
	if order, ok := r.orders[c.UUID]; ok {
		if order == nil {
			return nil, cannotUse(chain, errors.New("it stands on itself"))
		}
		return order, nil
	}
	r.orders[c.UUID] = nil // on the way
	bases, err := r.load(c, chain)
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
func (r *Resolver) written(c *Cage) []string {
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
