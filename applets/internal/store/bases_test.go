package store

import (
	"os"
	"slices"
	"testing"
)

// layersOf is Layers of the cage one.
func layersOf(t *testing.T, s *Store) ([]Layer, string, error) {
	t.Helper()
	e, err := s.Get(one)
	must(t, err)
	c, err := e.Load()
	must(t, err)
	return s.Layers(c)
}

func TestLayersRefuses(t *testing.T) {
	w, r2, r3, r4 := one+".w", two+".r", three+".r", four+".r"
	web := func(base string) string { return "name=web\nbase=" + base + "\n" }
	for name, c := range map[string]struct {
		cages map[string]string
		want  string
	}{
		"no base":         {map[string]string{w: "name=web\n"}, "cannot use DIR/" + w + "/cage.conf: it has no base"},
		"missing":         {map[string]string{w: web(two)}, "cannot use the base web -> " + two + ": no such cage"},
		"missing further": {map[string]string{w: web(two), r2: "name=b\nbase=" + three, r3: "base=" + four}, "cannot use the base web -> b -> " + three + " -> " + four + ": no such cage"},
		"writable":        {map[string]string{w: web(two), two + ".w": ""}, "cannot use the base web -> " + two + ": " + two + ".w is writable and cannot be a base"},
		"both":            {map[string]string{w: web(two), r2: "", two + ".w": ""}, "cannot use the base web -> " + two + ": both " + r2 + " and " + two + ".w are there"},
		"broken":          {map[string]string{w: web(two), r2: "base=x"}, "cannot use the base web -> " + two + ": DIR/" + r2 + "/cage.conf: base=x is not a list of uuids with colons between"},
		"itself":          {map[string]string{w: web(one)}, "cannot use the base web -> " + one + ": " + one + ".w is writable and cannot be a base"},
		"cycle":           {map[string]string{w: web(two), r2: "name=b\nbase=" + three, r3: "name=c\nbase=" + two}, "cannot use the base web -> b -> c -> b: it stands on itself"},
		"cycle of one":    {map[string]string{w: web(two), r2: "base=" + two}, "cannot use the base web -> " + two + " -> " + two + ": it stands on itself"},
		"cycle behind a contradiction": {map[string]string{w: web(two + ":" + three), r2: "name=b\nbase=" + four + ":" + three, r3: "name=c\nbase=" + four, r4: "name=d\nbase=" + three},
			"cannot use the base web -> b -> d -> c -> d: it stands on itself"},
		"missing behind a contradiction": {map[string]string{w: web(three + ":" + two + ":" + HostUUID), r2: "name=b\nbase=" + three, r3: "name=c"},
			"cannot use the base web -> " + HostUUID + ": no such cage"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, c.cages)
			layers, _, err := layersOf(t, s)
			wantError(t, s.Data, err, c.want)
			if layers != nil {
				t.Errorf("layers: %+v", layers)
			}
		})
	}
}

// TestLayersRoots has the root of a base be what it may and may not be.
func TestLayersRoots(t *testing.T) {
	s := newStore(t, map[string]string{one + ".w": "name=web\nbase=" + two, two + ".r": "name=b\nbase=" + three, three + ".r": "name=c"})
	root := s.Data + "/" + three + ".r/root"
	must(t, os.MkdirAll(s.Data+"/real/snap shot", 0o755))
	put(t, s.Data+"/file", "")
	must(t, os.Mkdir(s.Data+"/new\nline", 0o755))
	must(t, os.Symlink("real/snap shot", s.Data+"/link"))
	const chain = "cannot use the base web -> b -> c -> root: "
	for target, want := range map[string]string{
		"../real/snap shot":   "",
		s.Data + "/link":      "",
		"/none/such.ss":       chain + "it points to /none/such.ss, which is not there",
		s.Data + "/file":      chain + "DIR/file is not a directory",
		s.Data + "/new\nline": chain + "its real path has a newline",
	} {
		must(t, os.Remove(root))
		must(t, os.Symlink(target, root))
		layers, warning, err := layersOf(t, s)
		if want != "" {
			wantError(t, s.Data, err, want)
		} else if err != nil || warning != "" || len(layers) != 2 || layers[1].Dir != s.Data+"/real/snap shot" || layers[1].Base.UUID != three {
			t.Errorf("%s: %+v, %q, %v", target, layers, warning, err)
		}
	}
	must(t, os.Remove(root))
	_, _, err := layersOf(t, s)
	wantError(t, s.Data, err, chain+"no such file or directory")
}

// TestLayersOfABase may be none.
func TestLayersOfABase(t *testing.T) {
	s := newStore(t, map[string]string{one + ".r": ""})
	if layers, warning, err := layersOf(t, s); layers != nil || warning != "" || err != nil {
		t.Errorf("Layers = %+v, %q, %v", layers, warning, err)
	}
}

// TestLayersOnce has two bases of one directory, as a cage-snapshot that was killed
// between its steps leaves them.
func TestLayersOnce(t *testing.T) {
	s := newStore(t, map[string]string{one + ".w": "base=" + two + ":" + HostUUID, two + ".r": "base=" + three, three + ".r": "", HostUUID + ".r": ""})
	must(t, os.Remove(s.Data+"/"+three+".r/root"))
	must(t, os.Symlink("../"+HostUUID+".r/root", s.Data+"/"+three+".r/root"))
	layers, _, err := layersOf(t, s)
	must(t, err)
	if len(layers) != 2 || layers[0].Base.UUID != two || layers[1].Base.UUID != HostUUID {
		t.Errorf("layers: %+v", layers)
	}
}

// TestManyBases are as many as an overlay takes, side by side over one, and in a chain.
func TestManyBases(t *testing.T) {
	const n = 400
	flat, chain := make(graph, n+1), make(graph, n+1)
	for i := range n {
		chain[i] = []int{i + 1}
		flat[0] = append(flat[0], i+1)
		if i > 0 {
			flat[i] = []int{n}
		}
	}
	for _, g := range []graph{flat, chain} {
		got, warning := g.layers(t)
		if !slices.Equal(got, flat[0]) || warning != "" {
			t.Errorf("%v, %q", got, warning)
		}
	}
}

// TestResolver resolves several cages with one, a broken one before a sound one
// of the same bases, and after it.
func TestResolver(t *testing.T) {
	s := newStore(t, map[string]string{
		one + ".r": "base=" + two, two + ".r": "", three + ".w": "base=" + one,
	})
	r := s.Resolver()
	load := func(id string) *Cage {
		e, err := s.Get(id)
		must(t, err)
		c, err := e.Load()
		must(t, err)
		return c
	}
	c := load(three)
	broken := *c
	broken.Base = []string{one, two + "x"}
	for range 2 {
		if _, _, err := r.Bases(&broken); err == nil {
			t.Error("a missing base is none")
		}
		bases, _, err := r.Bases(c)
		must(t, err)
		layers, err := r.Layers(c, bases)
		if err != nil || len(layers) != 2 || layers[0].Base.UUID != one || layers[1].Base.UUID != two {
			t.Errorf("Layers = %+v, %v", layers, err)
		}
	}
	if bases, _, err := r.Bases(load(one)); err != nil || len(bases) != 1 || bases[0] != r.cages[two] {
		t.Errorf("Bases of a base = %+v, %v; want those read before", bases, err)
	}
}
