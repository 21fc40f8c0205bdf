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
		if len(b.Base) == 0 {
			continue // its place in c.Base says all
		}
		order, err := r.linearize(b, append(chain, b.Label()))
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
	order := c.Base
	if len(bases) > 1 {
		order, err = merge(append(lists, c.Base))
	} else if len(lists) > 0 {
		order = lists[0] // the merge of L(b) and b
	}
	if err != nil {
		return nil, err
	}
	r.orders[c.UUID] = append([]string{c.UUID}, order...)
	return r.orders[c.UUID], nil
}

// merge takes, again and again, the first head of a list that is in no list's tail.
func merge(lists [][]string) ([]string, error) {
	rows, names := numbered(lists)
	tails := make([]int, len(names)) // how many rows have it behind their head
	for _, row := range rows {
		for _, n := range row[min(1, len(row)):] {
			tails[n]++
		}
	}
	var order []string
	for {
		rows = slices.DeleteFunc(rows, func(row []int) bool { return len(row) == 0 })
		if len(rows) == 0 {
			return order, nil
		}
		i := slices.IndexFunc(rows, func(row []int) bool { return tails[row[0]] == 0 })
		if i < 0 {
			return nil, errNoOrder
		}
		head := rows[i][0]
		order = append(order, names[head])
		for j, row := range rows {
			if row[0] == head {
				if rows[j] = row[1:]; len(row) > 1 {
					tails[row[1]]--
				}
			}
		}
	}
}

// numbered returns lists with a number in place of each name: of many bases the
// merge compares each with each, and numbers are compared faster.
func numbered(lists [][]string) (rows [][]int, names []string) {
	numbers := map[string]int{}
	for _, list := range lists {
		row := make([]int, len(list))
		for i, name := range list {
			n, ok := numbers[name]
			if !ok {
				n = len(names)
				names, numbers[name] = append(names, name), n
			}
			row[i] = n
		}
		rows = append(rows, row)
	}
	return rows, names
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
