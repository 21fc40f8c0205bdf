package applets

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// long tells that scripts/check --long asks for the numbers of the issue.
var long = os.Getenv("CAGE_LONG") != ""

// victim is an applet that is killed.
type victim struct {
	prepare func(t *testing.T) []string // makes something for it to do and returns its command
	dead    func(t *testing.T)          // what must be so when it was killed
	again   func(t *testing.T)          // the next command just works, and undoes what prepare did
}

// victims are the commands that change something. Scripts lets the cages have some.
var victims = []struct {
	name string
	make func(t *testing.T, scripts bool) (*world, victim)
}{{"new", newVictim}, {"up", upVictim}, {"down", downVictim}, {"rm", rmVictim}, {"snapshot", snapshotVictim}, {"delete", pruneVictim}, {"clone", cloneVictim}, {"rebase", rebaseVictim}, {"run", runVictim}}

// TestKilled kills each applet at random moments.
func TestKilled(t *testing.T) {
	t.Parallel()
	want := 20
	if long {
		want = 200
	}
	for _, x := range victims {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			w, v := x.make(t, true)
			took, tries := 20*time.Millisecond, 0
			for hits := 0; hits < want && !t.Failed(); tries++ {
				cmd := w.command(t, v.prepare(t)...)
				began := time.Now()
				ok(t, cmd.Start())
				timer := time.AfterFunc(rand.N(took), func() { cmd.Process.Kill() }) // any moment
				if err := cmd.Wait(); err == nil {
					took = took/3 + time.Since(began) // half as long again as it takes
				} else if cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
					hits++
				} else {
					t.Fatalf("%q: %v", cmd.Args, err)
				}
				timer.Stop()
				w.afterKill(t, v)
			}
			t.Logf("killed %d times that it was alive, of %d", want, tries)
		})
	}
}

// afterKill is what must be so whenever an applet was killed.
func (w *world) afterKill(t *testing.T, v victim) {
	t.Helper()
	w.whole(t)
	v.dead(t)
	v.again(t)
	w.whole(t)
	w.clean(t)
}

// whole wants no file under a proper name to be empty or half, and each cage to
// have all its parts.
func (w *world) whole(t *testing.T) {
	t.Helper()
	dirs, _ := filepath.Glob(w.data + "/[0-9a-f]*")
	for _, dir := range dirs {
		uuid, _, _ := strings.Cut(filepath.Base(dir), ".")
		conf, err := os.ReadFile(dir + "/cage.conf")
		complete := `(?s)^uuid=` + uuid + `\nname=[^\n]+\nmemo=[^\n]+\n(base=[^\n]+\n)?root=root\n`
		if filepath.Ext(dir) == ".w" {
			complete += `work=work\nmountpoint=mnt\nstart=(start)?\nstop=(stop)?\n(bind=[^\n]+:ro\ntmpfs=[^\n]+\n)?`
			for _, part := range []string{"work", "mnt", "root/proc", "root/sys", "root/dev", "root/tmp"} {
				if _, err := os.Lstat(dir + "/" + part); err != nil {
					t.Error("half made: ", err)
				}
			}
		}
		if err != nil || !regexp.MustCompile(complete+"$").Match(conf) {
			t.Errorf("half a conf (%v) in %s: %q", err, dir, conf)
		}
		for name, want := range map[string]string{"start": daemonScript, "stop": byeScript} {
			has, err := os.ReadFile(dir + "/" + name)
			if strings.Contains(string(conf), name+"="+name) && (err != nil || string(has) != want) {
				t.Errorf("half a script (%v): %q", err, has)
			}
		}
		if lower, err := os.ReadFile(dir + "/lower"); err == nil && !regexp.MustCompile(`^(/[^\n]+\n)+$`).Match(lower) {
			t.Errorf("half a file: %s/lower: %q", dir, lower)
		}
	}
	w.wholeSnapshots(t)
}

// wholeSnapshots wants what stands as a snapshot to be one, with its note.
func (w *world) wholeSnapshots(t *testing.T) {
	t.Helper()
	all, _ := filepath.Glob(w.snapshots + "/[0-9]*")
	for _, path := range all {
		stem := strings.TrimSuffix(path, filepath.Ext(path))
		if note, err := os.ReadFile(stem + ".txt"); err != nil || string(note) != "a note\n" {
			t.Errorf("half a note (%v): %q", err, note)
		}
		if filepath.Ext(path) == ".ss" {
			if out, err := exec.Command("btrfs", "property", "get", path, "ro").Output(); err != nil || string(out) != "ro=true\n" {
				t.Errorf("half a snapshot: %s %s %v", path, out, err)
			}
		}
	}
}

const (
	daemonScript = "#!/bin/sh\nsleep 1000 &\necho $! >/pid\n"
	byeScript    = "#!/bin/sh\necho bye\n"
)

// cage makes one that stands on base, and returns its uuid.
func (w *world) cage(t *testing.T, base string, scripts bool) string {
	t.Helper()
	return w.must(t, w.newArgs(t, base, scripts)...)
}

func (w *world) newArgs(t *testing.T, base string, scripts bool) []string {
	args := []string{"cage-new", "--name", fmt.Sprintf("bird%08x", rand.Uint32()), "--base", base}
	if scripts {
		ok(t, os.WriteFile(w.dir+"/start", []byte(daemonScript), 0o755))
		ok(t, os.WriteFile(w.dir+"/stop", []byte(byeScript), 0o755))
		args = append(args, "--start", w.dir+"/start", "--stop", w.dir+"/stop")
	}
	return args
}

// birds returns the uuids of the writable cages.
func (w *world) birds() []string {
	dirs, _ := filepath.Glob(w.data + "/*.w")
	for i, dir := range dirs {
		dirs[i] = strings.TrimSuffix(filepath.Base(dir), ".w")
	}
	return slices.DeleteFunc(dirs, func(uuid string) bool { return strings.HasPrefix(uuid, ".") })
}
