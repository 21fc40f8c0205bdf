package store

import (
	"fmt"
	"math/rand"
	"os"
	"slices"
	"strings"
	"testing"
)

// id is the uuid of the node n of a graph.
func id(n int) string { return fmt.Sprintf("%08d-0000-4000-8000-000000000000", n+1) }

// graph says what each node stands on. Node 0 is a .w, the others are .r.
type graph [][]int

// layers returns the order of a graph's nodes, node 0 left out, as Layers has it.
func (g graph) layers(t *testing.T) (order []int, warning string) {
	t.Helper()
	s := &Store{Data: t.TempDir()}
	for n, bases := range g {
		var ids []string
		for _, b := range bases {
			ids = append(ids, id(b))
		}
		dir := s.Data + "/" + id(n) + map[bool]string{true: ".w", false: ".r"}[n == 0]
		put(t, dir+"/cage.conf", "uuid="+id(n)+"\nname=n"+fmt.Sprint(n)+"\nbase="+strings.Join(ids, ":")+"\n")
		must(t, os.Mkdir(dir+"/root", 0o755))
	}
	e, err := s.Get(id(0))
	must(t, err)
	c, err := e.Load()
	must(t, err)
	layers, warning, err := s.Layers(c)
	if err != nil {
		t.Fatalf("%v: %v", g, err)
	}
	for _, l := range layers {
		var n int
		if _, err := fmt.Sscanf(l.Base.Name, "n%d", &n); err != nil || l.Dir != s.Data+"/"+id(n)+".r/root" {
			t.Errorf("layer %+v, %v", l, err)
		}
		order = append(order, n)
	}
	return order, warning
}

// below returns all nodes that n stands on.
func (g graph) below(n int) []int {
	var all []int
	for _, b := range g[n] {
		for _, x := range append([]int{b}, g.below(b)...) {
			if !slices.Contains(all, x) {
				all = append(all, x)
			}
		}
	}
	return all
}

// c3 is the order of n and all below it, worked out from what C3 promises and
// not from how it is done: of all orders that keep those of the bases and that in
// which the bases are written, the one that, place by place, prefers what is
// found further to the left. It returns nil where there is none.
func (g graph) c3(n int) []int {
	var lists [][]int
	for _, b := range g[n] {
		l := g.c3(b)
		if l == nil {
			return nil
		}
		lists = append(lists, l)
	}
	lists = append(lists, g[n])
	left := func(x int) int { return slices.IndexFunc(lists, func(l []int) bool { return slices.Contains(l, x) }) }
	var best []int
	permute(g.below(n), func(order []int) {
		for _, l := range lists {
			if !subsequence(l, order) {
				return
			}
		}
		if best == nil || slices.CompareFunc(order, best, func(a, b int) int { return left(a) - left(b) }) < 0 {
			best = slices.Clone(order)
		}
	})
	if best == nil && len(g[n]) > 0 {
		return nil
	}
	return append([]int{n}, best...)
}

// permute calls f with every order of set.
func permute(set []int, f func([]int)) {
	var visit func(int)
	visit = func(k int) {
		if k == len(set) {
			f(set)
		}
		for i := k; i < len(set); i++ {
			set[k], set[i] = set[i], set[k]
			visit(k + 1)
			set[k], set[i] = set[i], set[k]
		}
	}
	visit(0)
}

func subsequence(part, whole []int) bool {
	for _, x := range whole {
		if len(part) > 0 && part[0] == x {
			part = part[1:]
		}
	}
	return len(part) == 0
}

// check compares with the oracle, and where that has no answer wants every node
// once, below all that stand on it.
func (g graph) check(t *testing.T) (warned bool) {
	t.Helper()
	got, warning := g.layers(t)
	if want := g.c3(0); want != nil {
		if !slices.Equal(got, want[1:]) || warning != "" {
			t.Errorf("%v: %v, %q; want %v", g, got, warning, want[1:])
		}
		return false
	}
	if want := "the bases of n0 contradict each other in their order; taking the written one"; warning != want {
		t.Errorf("%v: warning %q, want %q", g, warning, want)
	}
	all := g.below(0)
	slices.Sort(all)
	if sorted := slices.Sorted(slices.Values(got)); !slices.Equal(sorted, all) {
		t.Errorf("%v: %v, want each of %v once", g, got, all)
	}
	for i, n := range got {
		for _, b := range g[n] {
			if slices.Index(got, b) < i {
				t.Errorf("%v: %v, with %d above %d that stands on it", g, got, b, n)
			}
		}
	}
	return true
}

// TestC3Textbook has the orders that Python gives for classes; object is the
// last node where they have it.
func TestC3Textbook(t *testing.T) {
	for name, c := range map[string]struct {
		g    graph
		want []int
	}{
		"one":         {graph{{1}, {}}, []int{1}},
		"as written":  {graph{{2, 1}, {}, {}}, []int{2, 1}},
		"chain":       {graph{{1}, {2}, {3}, {}}, []int{1, 2, 3}},
		"diamond":     {graph{{1, 2}, {3}, {3}, {}}, []int{1, 2, 3}},
		"two parents": {graph{{1}, {2, 3}, {}, {}}, []int{1, 2, 3}},
		// "The Python 2.3 Method Resolution Order": A B C D E F O, and with B(E, D) A B E C D F O.
		"A(B,C) B(D,E) C(D,F)": {graph{{1, 2}, {3, 4}, {3, 5}, {6}, {6}, {6}, {}}, []int{1, 2, 3, 4, 5, 6}},
		"A(B,C) B(E,D) C(D,F)": {graph{{1, 2}, {4, 3}, {3, 5}, {6}, {6}, {6}, {}}, []int{1, 4, 2, 3, 5, 6}},
		// Z(K1,K3,K2) K1(C,A,B) K3(A,D) K2(B,D,E): Z K1 C K3 A K2 B D E O; here K1 K3 K2 A B C D E O are 1 to 9.
		"Z(K1,K3,K2)": {graph{{1, 2, 3}, {6, 4, 5}, {4, 7}, {5, 7, 8}, {9}, {9}, {9}, {9}, {9}, {}}, []int{1, 6, 2, 4, 3, 5, 7, 8, 9}},
	} {
		if got, warning := c.g.layers(t); !slices.Equal(got, c.want) || warning != "" {
			t.Errorf("%s: %v, %q; want %v", name, got, warning, c.want)
		}
	}
	// No order serves both X(A,B) and Y(B,A); and none a base before what stands on it.
	for _, g := range []graph{{{1, 2}, {3, 4}, {4, 3}, {}, {}}, {{2, 1}, {2}, {}}, {{1}, {2, 3}, {4, 5}, {5, 4}, {}, {}}} {
		if !g.check(t) {
			t.Errorf("%v: no warning", g)
		}
	}
}

func TestC3AgainstOracle(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	warned := 0
	const graphs = 400
	for range graphs {
		g := make(graph, 2+random.Intn(5))
		for n := range g {
			for _, b := range random.Perm(len(g) - n - 1) {
				if n+1+b < len(g) && random.Intn(2) == 0 {
					g[n] = append(g[n], n+1+b)
				}
			}
		}
		if len(g[0]) == 0 {
			g[0] = []int{1}
		}
		if g.check(t) {
			warned++
		}
	}
	if warned == 0 || warned == graphs {
		t.Errorf("%d of %d graphs have no order: these test nothing", warned, graphs)
	}
}
