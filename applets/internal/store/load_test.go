package store

import (
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"cage/conf"
)

func TestLoad(t *testing.T) {
	s := newStore(t, map[string]string{one + ".w": "", two + ".r": "", three + ".w": "name=web # x\nmemo=a\\nb\nbase=" + two + ":" + one +
		"\nroot=r\nwork=w k\nmountpoint=/m/../n/\nstart=go\nstop=/sbin/halt\nother=1\nother=2\n" +
		"bind=/srv # the files\ntmpfs=/x:y\nbind=\nbind=/a:/b/c:ro\nenv=A=\nenv=_b1= x=y \nbind=/srv/a:ro\ntmpfs=/tmp/z\nbind=/a:/d\n"})
	w, r, full := s.Data+"/"+one+".w", s.Data+"/"+two+".r", s.Data+"/"+three+".w"
	for _, want := range []Cage{
		{Entry: Entry{one, w, true}, Root: w + "/root", Work: w + "/work", Mountpoint: w + "/mnt"},
		{Entry: Entry{two, r, false}, Root: r + "/root"},
		{Entry: Entry{three, full, true}, Name: "web", Memo: `a\nb`, Base: []string{two, one}, Root: full + "/r", Work: full + "/w k", Mountpoint: "/n", Start: "go", Stop: "/sbin/halt",
			Mounts: []Mount{
				{"/srv", "/srv", false, conf.Line{Number: 12, Key: "bind", Value: "/srv"}},
				{"", "/x:y", false, conf.Line{Number: 13, Key: "tmpfs", Value: "/x:y"}},
				{"/a", "/b/c", true, conf.Line{Number: 15, Key: "bind", Value: "/a:/b/c:ro"}},
				{"/srv/a", "/srv/a", true, conf.Line{Number: 18, Key: "bind", Value: "/srv/a:ro"}},
				{"", "/tmp/z", false, conf.Line{Number: 19, Key: "tmpfs", Value: "/tmp/z"}},
				{"/a", "/d", false, conf.Line{Number: 20, Key: "bind", Value: "/a:/d"}},
			},
			Env: []string{"A=", "_b1= x=y "}},
	} {
		c, err := want.Load()
		if err != nil {
			t.Error(err)
			continue
		}
		if c.InsideDir() != (want.Mountpoint == w+"/mnt") {
			t.Errorf("InsideDir of %s = %v", c.Mountpoint, c.InsideDir())
		}
		c.Conf = nil
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

		uuid + "\nbind=srv":                     "bind=srv on line 3: srv is not an absolute path",
		uuid + "bind=ro":                        "bind=ro on line 2: ro is not an absolute path",
		uuid + "bind=/a:b":                      "bind=/a:b on line 2: b is not an absolute path",
		uuid + "bind=/a:":                       "bind=/a: on line 2: a path is empty",
		uuid + "bind=/a::ro":                    "bind=/a::ro on line 2: a path is empty",
		uuid + "bind=/a:rw":                     "bind=/a:rw on line 2: rw is not an absolute path",
		uuid + "bind=/a:/b:rw":                  "bind=/a:/b:rw on line 2: it is not SRC[:DST][:ro]; a path with a colon cannot be said",
		uuid + "bind=/a:/b:/c:ro":               "bind=/a:/b:/c:ro on line 2: it is not SRC[:DST][:ro]; a path with a colon cannot be said",
		uuid + "bind=/a/:/b":                    "bind=/a/:/b on line 2: /a/ is to be written /a",
		uuid + "bind=/a/../etc":                 "bind=/a/../etc on line 2: /a/../etc is to be written /etc",
		uuid + "bind=/a:/b/..":                  "bind=/a:/b/.. on line 2: /b/.. is to be written /",
		uuid + "bind=/a:/":                      "bind=/a:/ on line 2: / is mounted already",
		uuid + "bind=/":                         "bind=/ on line 2: / is mounted already",
		uuid + "tmpfs=/tmp":                     "tmpfs=/tmp on line 2: /tmp is mounted already",
		uuid + "tmpfs=/run/":                    "tmpfs=/run/ on line 2: /run/ is to be written /run",
		uuid + "tmpfs=run":                      "tmpfs=run on line 2: run is not an absolute path",
		uuid + "bind=/dev":                      "bind=/dev on line 2: nothing can be mounted in /dev",
		uuid + "bind=/a:/proc":                  "bind=/a:/proc on line 2: nothing can be mounted in /proc",
		uuid + "tmpfs=/sys/x":                   "tmpfs=/sys/x on line 2: nothing can be mounted in /sys",
		uuid + "tmpfs=/dev/shm":                 "tmpfs=/dev/shm on line 2: nothing can be mounted in /dev",
		uuid + "bind=/a:/x\ntmpfs=/y\ntmpfs=/x": "tmpfs=/x on line 4: /x is on line 2 already",
		uuid + "bind=/m/x:/a\nmountpoint=/m":    "bind=/m/x:/a on line 2: it lies in the cage's own mountpoint",
		uuid + "env=A":                          "env=A on line 2: it is not KEY=VALUE",
		uuid + "env==x":                         "env==x on line 2: it is not KEY=VALUE",
		uuid + "env=1A=x":                       "env=1A=x on line 2: 1A is not a name that a shell knows",
		uuid + "env=A-B=x":                      "env=A-B=x on line 2: A-B is not a name that a shell knows",
		uuid + "env= A=x":                       "env= A=x on line 2:  A is not a name that a shell knows",
		uuid + "env=あ=x":                        "env=あ=x on line 2: あ is not a name that a shell knows",
		uuid + "env=A=1\nenv=B=1\nenv=A=2":      "env=A=2 on line 4: A is on line 2 already",
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
	if _, err := (Entry{one, e.Dir, false}).Parse([]byte(uuid + "work=a/b\nmountpoint=..\nstart=a/b\nbind=x\nenv=1\n")); err != nil {
		t.Error(err)
	}
}

// TestLoadFIFO waits for nobody who might write to what is in place of a conf.
func TestLoadFIFO(t *testing.T) {
	s := newStore(t, map[string]string{one + ".w": ""})
	e := Entry{one, s.Data + "/" + one + ".w", true}
	if err := os.Remove(e.ConfPath()); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(e.ConfPath(), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Load(); err == nil || !strings.HasSuffix(err.Error(), ": it has no uuid") {
		t.Error(err)
	}
}
