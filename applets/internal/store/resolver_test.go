package store

import (
	"os"
	"testing"
	"time"
)

// TestRenew reads again what was changed since, however it was changed, and that alone.
func TestRenew(t *testing.T) {
	confs := map[string]string{one + ".w": "name=web\nbase=" + two + ":" + three, two + ".r": "name=b\n", three + ".r": "name=c\n", four + ".r": "name=d\n"}
	old := time.Unix(1e9, 0)
	path := "/" + two + ".r/cage.conf"
	for name, c := range map[string]struct {
		change func(t *testing.T, s *Store)
		want   string // the names of the bases, or the error
	}{
		"nothing": {func(*testing.T, *Store) {}, "b c"},
		"in place, to the same size": {func(t *testing.T, s *Store) {
			put(t, s.Data+path, "uuid="+two+"\nname=e\n")
		}, "e c"},
		"by another file, as old": {func(t *testing.T, s *Store) {
			info, err := os.Stat(s.Data + path)
			must(t, err)
			put(t, s.Data+"/new", "uuid="+two+"\nname=e\n")
			must(t, os.Chtimes(s.Data+"/new", info.ModTime(), info.ModTime()))
			must(t, os.Rename(s.Data+"/new", s.Data+path))
		}, "e c"},
		"to stand on another": {func(t *testing.T, s *Store) {
			put(t, s.Data+path, "uuid="+two+"\nname=b\nbase="+four+"\n")
		}, "b d c"},
		"to none": {func(t *testing.T, s *Store) {
			must(t, os.Remove(s.Data+path))
		}, "cannot use the base web -> " + two + ": DIR" + path + ": no such file or directory"},
		"removed": {func(t *testing.T, s *Store) {
			must(t, os.RemoveAll(s.Data+"/"+two+".r"))
		}, "cannot use the base web -> " + two + ": no such cage"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, confs)
			must(t, os.Chtimes(s.Data+path, old, old)) // before Linux 6.13 two changes can have one time
			e, err := s.Get(one)
			must(t, err)
			web, err := e.Load()
			must(t, err)
			r := s.Resolver()
			before, _, err := r.Bases(web)
			must(t, err)
			c.change(t, s)
			r.Renew()
			after, _, err := r.Bases(web)
			if err != nil {
				wantError(t, s.Data, err, c.want)
				return
			}
			names := ""
			for _, b := range after {
				names += " " + b.Name
			}
			if names != " "+c.want {
				t.Errorf("bases:%s, want %s", names, c.want)
			}
			if last := len(after) - 1; after[last] != before[1] || (after[0] == before[0]) != (name == "nothing") {
				t.Error("what was not changed was read again, or what was is not")
			}
		})
	}
}

// TestAgain is a cage itself where nobody changed its conf.
func TestAgain(t *testing.T) {
	old := time.Unix(1e9, 0)
	s := newStore(t, map[string]string{one + ".w": "name=web\n"})
	e, err := s.Get(one)
	must(t, err)
	must(t, os.Chtimes(e.ConfPath(), old, old))
	web, err := e.Load()
	must(t, err)
	if again, err := web.Again(); again != web || err != nil {
		t.Errorf("Again = %p, %v; want %p", again, err, web)
	}
	put(t, web.ConfPath(), "uuid="+one+"\nname=bew\n")
	if again, err := web.Again(); err != nil || again.Name != "bew" {
		t.Errorf("Again = %+v, %v", again, err)
	}
}
