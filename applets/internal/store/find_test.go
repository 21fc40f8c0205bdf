package store

import (
	"errors"
	"os"
	"strings"
	"testing"
)

const (
	one   = "aaaa1111-0000-4000-8000-000000000001"
	two   = "aaaa2222-0000-4000-8000-000000000002"
	three = "bbbb3333-0000-4000-8000-000000000003"
	four  = "cccc4444-0000-4000-8000-000000000004"
)

// newStore makes cages, each "UUID.r" or "UUID.w", with these lines in its conf.
func newStore(t *testing.T, cages map[string]string) *Store {
	t.Helper()
	s := &Store{Data: t.TempDir()}
	for name, lines := range cages {
		put(t, s.Data+"/"+name+"/cage.conf", "uuid="+name[:len(name)-2]+"\n"+lines)
		must(t, os.Mkdir(s.Data+"/"+name+"/root", 0o755))
	}
	return s
}

func TestFind(t *testing.T) {
	s := newStore(t, map[string]string{
		one + ".w": "name=web", two + ".r": "name=same", three + ".w": "name=same", HostUUID + ".r": "name=host_1",
		four + ".w": "name=aaaa1 # a prefix of another",
	})
	// What is no cage.
	put(t, s.Data+"/dddd5555-0000-4000-8000-000000000005.w", "a file")
	must(t, os.Symlink(one+".w", s.Data+"/eeee6666-0000-4000-8000-000000000006.w"))
	for _, name := range []string{"AAAA7777-0000-4000-8000-000000000007.w", "ffff.w", "ffff8888-0000-4000-8000-000000000008", ".ffff8888-0000-4000-8000-000000000008.w", "ffff8888-0000-4000-8000-000000000008.w.r"} {
		put(t, s.Data+"/"+name+"/cage.conf", "name=no cage\n")
	}
	for ref, want := range map[string]string{
		one: one + ".w", two: two + ".r", "web": one + ".w", "host": HostUUID + ".r", "host_1": HostUUID + ".r", "0000": HostUUID + ".r",
		"bbbb": three + ".w", "bbbb3333-0": three + ".w", "aaaa11": one + ".w", "aaaa1": four + ".w", "cccc": four + ".w",
	} {
		e, err := s.Find(ref)
		if err != nil || e.Dir != s.Data+"/"+want || e.UUID+".w" != want && e.Writable || e.UUID+".r" != want && !e.Writable {
			t.Errorf("Find(%s) = %+v, %v; want %s", ref, e, err, want)
		}
	}
	for _, ref := range []string{"''", "bbb", "we", "WEB", "ffff", "dddd5555", "eeee6666", "no cage", "AAAA11", strings.ToUpper(two), "{" + one + "}", "urn:uuid:" + one, strings.ReplaceAll(one, "-", ""), "dddd5555-0000-4000-8000-000000000005"} {
		_, err := s.Find(ref)
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("Find(%s): %v", ref, err)
		}
		wantError(t, s.Data, err, "cannot find "+ref+": no such cage")
	}
	_, err := s.Find("")
	wantError(t, s.Data, err, "cannot find '': no such cage")
	_, err = s.Find("same")
	wantError(t, s.Data, err, "cannot choose same: more than one cage: "+two+" (same), "+three+" (same)")
	_, err = s.Find("aaaa")
	if !errors.Is(err, ErrAmbiguous) {
		t.Errorf("Find(aaaa): %v", err)
	}
	wantError(t, s.Data, err, "cannot choose aaaa: more than one cage: "+one+" (web), "+two+" (same)")

	must(t, os.Mkdir(s.Data+"/"+one+".r", 0o755))
	for _, ref := range []string{one, "web", "aaaa11"} {
		_, err = s.Find(ref)
		wantError(t, s.Data, err, "cannot use "+one+": both "+one+".r and "+one+".w are there")
	}
}

func TestListOfNothing(t *testing.T) {
	dir := t.TempDir()
	s := &Store{Data: dir + "/none"}
	if all, err := s.List(); all != nil || err != nil {
		t.Errorf("List = %v, %v", all, err)
	}
	put(t, dir+"/file", "")
	s.Data = dir + "/file"
	_, err := s.List()
	wantError(t, dir, err, "cannot read DIR/file: not a directory")
	_, err = s.Find("web")
	wantError(t, dir, err, "cannot read DIR/file: not a directory")
}

func TestCheckName(t *testing.T) {
	for name, want := range map[string]string{
		"web": "", "鳥かご": "", "-x": "", "a b": "", "aaaa1111": "", "hosts": "", "Host": "",
		"":                   "it is empty",
		"host":               "it is the name of the host",
		one:                  "it looks like a uuid",
		"{" + one + "}":      "it looks like a uuid",
		strings.ToUpper(two): "it looks like a uuid",
		HostUUID:             "it looks like a uuid",
		"a/b":                "it has a slash",
		"a#b":                "the value holds '#', which begins a comment",
		"a\nb":               "the value holds a newline",
		"a\rb":               "the value holds a carriage return",
		"a\x00b":             "the value holds a NUL byte",
		"\xff":               "the value is not valid UTF-8",
	} {
		if err := CheckName(name); want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("CheckName(%q) = %v, want %s", name, err, want)
		}
	}
	if a, b := NewUUID(), NewUUID(); a == b || !IsUUID(a) {
		t.Errorf("NewUUID = %s, %s", a, b)
	}
}

func TestDependants(t *testing.T) {
	s := newStore(t, map[string]string{
		one + ".r": "", two + ".w": "name=x\nbase=" + one + ":" + three + "\n", three + ".r": "base=" + one, four + ".w": "base=" + three,
	})
	must(t, os.Mkdir(s.Data+"/dddd5555-0000-4000-8000-000000000005.w", 0o755))
	list, err := s.Dependants(one)
	if err != nil || len(list) != 2 || list[0].UUID != two || list[0].Name != "x" || list[1].UUID != three {
		t.Errorf("Dependants = %+v, %v", list, err)
	}
	if list, err := s.Dependants(two); err != nil || len(list) != 0 {
		t.Errorf("Dependants of what nothing stands on = %+v, %v", list, err)
	}
}
