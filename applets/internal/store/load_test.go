package store

import (
	"os"
	"reflect"
	"testing"
)

func TestLoad(t *testing.T) {
	s := newStore(t, map[string]string{one + ".w": "", two + ".r": "", three + ".w": "name=web # x\nmemo=a\\nb\nbase=" + two + ":" + one +
		"\nroot=r\nwork=w k\nmountpoint=/m/../n/\nstart=go\nstop=/sbin/halt\nother=1\nother=2\n"})
	w, r, full := s.Data+"/"+one+".w", s.Data+"/"+two+".r", s.Data+"/"+three+".w"
	for _, want := range []Cage{
		{Entry: Entry{one, w, true}, Root: w + "/root", Work: w + "/work", Mountpoint: w + "/mnt"},
		{Entry: Entry{two, r, false}, Root: r + "/root"},
		{Entry: Entry{three, full, true}, Name: "web", Memo: `a\nb`, Base: []string{two, one}, Root: full + "/r", Work: full + "/w k", Mountpoint: "/n", Start: "go", Stop: "/sbin/halt"},
	} {
		c, err := want.Load()
		if err != nil {
			t.Error(err)
			continue
		}
		if c.InsideDir() != (want.Mountpoint == w+"/mnt") {
			t.Errorf("InsideDir of %s = %v", c.Mountpoint, c.InsideDir())
		}
		c.Conf, c.read = nil, stamp{}
		if !reflect.DeepEqual(*c, want) {
			t.Errorf("Load = %+v\nwant %+v", *c, want)
		}
	}
}

// TestLoadRefuses has a conf a line, for a .w; "uuid=..." stands in the first one.
func TestLoadRefuses(t *testing.T) {
	const uuid = "uuid=" + one + "\n"
	e := Entry{one, t.TempDir(), true}
	for text, want := range map[string]string{
		"":                      "it has no uuid",
		"uuid=\n":               "it has no uuid",
		"uuid=" + two + "\n":    "uuid=" + two + " is not that of its directory",
		"uuid=AAAA\n":           "uuid=AAAA is not that of its directory",
		uuid + "name=a\nname=b": "name= stands on line 2 and on line 3",
		uuid + uuid:             "uuid= stands on line 1 and on line 2",
		uuid + "memo=\nmemo=\n": "memo= stands on line 2 and on line 3",
		uuid + "x=\r\n":         "line 2 holds a carriage return",
		uuid + "\xff":           "line 2 is not valid UTF-8",
		uuid + "# \x00":         "line 2 holds a NUL byte",

		uuid + "base=host":                   "base=host is not a list of uuids with colons between",
		uuid + "base=" + two + ":":           "base=" + two + ": is not a list of uuids with colons between",
		uuid + "base=" + two + " : " + three: "base=" + two + " : " + three + " is not a list of uuids with colons between",
		uuid + "base=AAAA" + two[4:]:         "base=AAAA" + two[4:] + " is not a list of uuids with colons between",

		uuid + "root=/":                          "root=/ is not the name of something in its directory",
		uuid + "root=../x":                       "root=../x is not the name of something in its directory",
		uuid + "root=..":                         "root=.. is not the name of something in its directory",
		uuid + "work=a/b":                        "work=a/b is not the name of something in its directory",
		uuid + "work=.":                          "work=. is not the name of something in its directory",
		uuid + "mountpoint=a/b":                  "mountpoint=a/b is not the name of something in its directory",
		uuid + "mountpoint=..":                   "mountpoint=.. is not the name of something in its directory",
		uuid + "root=work":                       "root, work and mountpoint must be three directories",
		uuid + "mountpoint=" + e.Dir + "/./work": "root, work and mountpoint must be three directories",
		uuid + "mountpoint=root":                 "root, work and mountpoint must be three directories",
		uuid + "start=a/b":                       "start=a/b is neither a file beside the conf nor an absolute path",
		uuid + "stop=..":                         "stop=.. is neither a file beside the conf nor an absolute path",
	} {
		put(t, e.ConfPath(), text)
		_, err := e.Load()
		wantError(t, e.Dir, err, "cannot use DIR/cage.conf: "+want)
		if _, err := e.Parse([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("Parse(%q): %v", text, err)
		}
	}
	must(t, os.Remove(e.ConfPath()))
	_, err := e.Load()
	wantError(t, e.Dir, err, "cannot read DIR/cage.conf: no such file or directory")
	// What a .r does not have is not looked at.
	if _, err := (Entry{one, e.Dir, false}).Parse([]byte(uuid + "work=a/b\nmountpoint=..\nstart=a/b\n")); err != nil {
		t.Error(err)
	}
}
