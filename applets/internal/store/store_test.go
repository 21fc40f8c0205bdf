package store

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// must is for what the test itself makes.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(content), 0o644))
}

// wantError wants exactly this error, without a trace of the test's directory.
func wantError(t *testing.T, dir string, err error, want string) {
	t.Helper()
	if err == nil || strings.ReplaceAll(err.Error(), dir, "DIR") != want {
		t.Errorf("error: %v\nwant   %s", err, want)
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	file := dir + "/cage.conf"
	builtIn := Store{Tool: "/opt/cage", Data: "/var/opt/cage", Host: "/", Snapshots: "/.snapshots"}
	must(t, os.Mkdir(dir+"/real", 0o755))
	must(t, os.Symlink("real", dir+"/link"))
	for text, want := range map[string]Store{
		"":                              builtIn,
		"# nothing\nother=x\ndata=\n":   builtIn,
		"data=/none/a//b/../c/ # there": {"/opt/cage", "/none/a/c", "/", "/.snapshots"},
		"tool=/t\ndata=" + dir + "/link\nhost=/h/\nsnapshots=/s s": {"/t", dir + "/real", "/h", "/s s"},
	} {
		put(t, file, text)
		if s, err := Open(file); err != nil || *s != want {
			t.Errorf("%q: %+v, %v; want %+v", text, s, err, want)
		}
	}
	for text, want := range map[string]string{
		"data=var\n":          "cannot use DIR/cage.conf: data=var is not an absolute path",
		"x\nhost=./\n":        "cannot use DIR/cage.conf: host=./ is not an absolute path",
		"snapshots= /s\n":     "cannot use DIR/cage.conf: snapshots= /s is not an absolute path",
		"tool=~/cage":         "cannot use DIR/cage.conf: tool=~/cage is not an absolute path",
		"data=/a\n\ndata=/b":  "cannot use DIR/cage.conf: data= stands on line 1 and on line 3",
		"host=/\ndata=/a\r\n": "cannot use DIR/cage.conf: line 2 holds a carriage return",
		"data=/\xff\n":        "cannot use DIR/cage.conf: line 1 is not valid UTF-8",
		"data=/a\x00\n":       "cannot use DIR/cage.conf: line 1 holds a NUL byte",
	} {
		put(t, file, text)
		_, err := Open(file)
		wantError(t, dir, err, want)
	}
	_, err := Open(dir + "/none")
	wantError(t, dir, err, "cannot read DIR/none: no such file or directory")
	_, err = Open(dir + "/real")
	wantError(t, dir, err, "cannot read DIR/real: is a directory")
}

// TestOpenUsual has a tmpfs for /etc/opt in a mount namespace of its own.
func TestOpenUsual(t *testing.T) {
	if os.Getenv("CAGE_TEST_ETC") == "" {
		if os.Geteuid() != 0 {
			t.Skip("not root")
		}
		cmd := exec.Command("unshare", "-m", "--propagation", "private", "sh", "-c",
			`mkdir -p /etc/opt && mount -t tmpfs cage /etc/opt && exec "$0" -test.v -test.run '^TestOpenUsual$'`, "/proc/self/exe")
		cmd.Args[len(cmd.Args)-1], _ = os.Executable()
		cmd.Env = append(os.Environ(), "CAGE_TEST_ETC=1")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestOpenUsual") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	for _, step := range []struct{ file, text, data, err string }{
		{"", "", "/var/opt/cage", ""},
		{"conf", "data=/from/the/article\n", "/from/the/article", ""},
		{"cage.conf", "data=/from/cage\n", "/from/cage", ""},
		{"cage.conf", "", "/var/opt/cage", ""}, // there, though empty
		{"conf", "data=relative\n", "/var/opt/cage", ""},
		{"cage.conf", "data=x\n", "", "cannot use /etc/opt/cage/cage.conf: data=x is not an absolute path"},
	} {
		if step.file != "" {
			put(t, "/etc/opt/cage/"+step.file, step.text)
		}
		s, err := Open("")
		if step.err != "" {
			wantError(t, "/none", err, step.err)
		} else if err != nil || s.Data != step.data {
			t.Errorf("%+v: %+v, %v", step, s, err)
		}
	}
	must(t, os.Remove("/etc/opt/cage/cage.conf"))
	_, err := Open("")
	wantError(t, "/none", err, "cannot use /etc/opt/cage/conf: data=relative is not an absolute path")
}
