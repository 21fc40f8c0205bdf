package applets

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDurable holds what gets its name by rename(2) to being on the disk before,
// and the name to being there after: a power cut leaves no file empty.
func TestDurable(t *testing.T) {
	t.Parallel()
	w := plainWorld(t)
	ok(t, os.Mkdir(w.dir+"/host", 0o755))
	w.must(t, "cage-snapshot", "-q", "--live")
	w.must(t, "cage-new", "--name", "on-host")
	copied := w.cage(t, "base", true)
	ok(t, os.WriteFile(w.data+"/"+copied+".w/root/file", []byte("text"), 0o644))
	sh(t, `sed -i "s,^host=.*,host=$1/host," "$2"`, w.dir, w.conf)
	renames := 0
	for _, args := range [][]string{
		w.newArgs(t, "base", true), {"cage-new", "--name", "opt", "--ro", w.base}, {"cage-up", "on-host"}, {"cage-snapshot", "-q", "--live"}, {"cage-clone", copied}, {"cage-rebase", copied, "opt"},
	} {
		renames += durable(t, w.traceFiles(t, args...))
	}
	// A cage and a base; `lower`; the conf of on-host, which gets `base`, and the new host; a copy; a conf and `lower`.
	if renames != 2+1+2+1+2 {
		t.Errorf("%d renames", renames)
	}
	w.down(t, w.find(t, "on-host"))
}

// find returns the uuid of the cage of a name.
func (w *world) find(t *testing.T, name string) string {
	t.Helper()
	uuid := w.must(t, "cage-ls", "-q", "--filter", "name="+name)
	if uuid == "" {
		t.Fatal("no cage is named ", name)
	}
	return uuid
}

// traceFiles runs an applet and returns its calls on files, with the paths of
// descriptors, those that failed left out.
func (w *world) traceFiles(t *testing.T, args ...string) []string {
	t.Helper()
	self, err := os.Executable()
	ok(t, err)
	link, log := w.dir+"/"+args[0], w.dir+"/strace"
	os.Remove(link)
	ok(t, os.Symlink(self, link))
	cmd := exec.Command("strace", append([]string{"-f", "-y", "-qq", "-z", "-s", "4096", "-o", log, "-e", "trace=openat,fsync,syncfs,rename,renameat,renameat2", link}, args[1:]...)...)
	cmd.Env = w.env()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	data, err := os.ReadFile(log)
	ok(t, err)
	return strings.Split(string(data), "\n")
}

var (
	created = regexp.MustCompile(` openat\(.*O_CREAT.* = \d+<(.*)>$`)
	synced  = regexp.MustCompile(` fsync\(\d+<(.*)>\) += 0$`)
	renamed = regexp.MustCompile(` renameat2?\((?:AT_FDCWD|\d+)<(.*?)>, "(.*?)", (?:AT_FDCWD|\d+)<(.*?)>, "(.*?)".*\) += 0$`)
)

// durable reads a trace and returns how many renames there are in it.
func durable(t *testing.T, trace []string) (renames int) {
	t.Helper()
	unsynced := map[string]bool{}
	for i, line := range trace {
		if m := created.FindStringSubmatch(line); m != nil {
			unsynced[m[1]] = true
		} else if m := synced.FindStringSubmatch(line); m != nil {
			delete(unsynced, m[1])
		} else if strings.Contains(line, " syncfs(") {
			clear(unsynced)
		} else if m := renamed.FindStringSubmatch(line); m != nil {
			renames++
			for path := range unsynced {
				for _, from := range []string{absolute(m[1], m[2]), absolute(m[3], m[4])} { // an exchange has two
					if path == from || strings.HasPrefix(path, from+"/") {
						t.Errorf("%s is not on the disk before\n%s", path, line)
					}
				}
			}
			if m[4] == "lower" {
				continue // a power cut may bring the old one back, whole
			}
			dir := filepath.Dir(absolute(m[3], m[4]))
			if after := strings.Join(trace[i+1:min(i+3, len(trace))], "\n"); !strings.Contains(after, " fsync(") || !strings.Contains(after, "<"+dir+">") {
				t.Errorf("%s is not on the disk after\n%s\n%s", dir, line, after)
			}
		}
	}
	return renames
}

// absolute is a path relative to an open directory.
func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// TestNothingSynced: what is thrown away is not waited for.
func TestNothingSynced(t *testing.T) {
	t.Parallel()
	w := plainWorld(t)
	sh(t, `mkdir -p "$1/usr/sbin"; touch "$1/usr/sbin/invoke-rc.d"`, w.dir+"/debian")
	w.must(t, "cage-new", "--name", "debian", "--ro", w.dir+"/debian")
	trace := strings.Join(w.traceFiles(t, "cage-run", "--rm", "--base", "debian:base", "touch", "/file"), "\n")
	if !strings.Contains(trace, "cage.conf") || !strings.Contains(trace, "policy-rc.d") || strings.Contains(trace, "fsync(") {
		t.Error(trace)
	}
}
