package applets

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// foreground is a cage-up --foreground that a test looks at.
type foreground struct {
	*exec.Cmd
	out  *bufio.Reader
	errs string // the file of its standard error
}

// withScripts makes the cage web with a start and a stop script and returns its uuid.
func (w *world) withScripts(t *testing.T, start, stop string) string {
	t.Helper()
	ok(t, errors.Join(
		os.WriteFile(w.dir+"/begin", []byte("#!/bin/sh\n"+start), 0o755),
		os.WriteFile(w.dir+"/end", []byte("#!/bin/sh\n"+stop), 0o755)))
	return w.must(t, "cage-new", "--name", "web", "--base", "base", "--start", w.dir+"/begin", "--stop", w.dir+"/end")
}

// stay brings up the cage web in the foreground.
func (w *world) stay(t *testing.T) *foreground {
	t.Helper()
	f := &foreground{Cmd: w.command(t, "cage-up", "--foreground", "web"), errs: w.dir + "/errors"}
	errs, err := os.Create(f.errs) // no pipe: what outlives it holds that open
	ok(t, err)
	defer errs.Close()
	f.Stderr = errs
	out, err := f.StdoutPipe()
	ok(t, err)
	f.out = bufio.NewReader(out)
	ok(t, f.Start())
	return f
}

// says wants the next line of its output to be this.
func (f *foreground) says(t *testing.T, want string) {
	t.Helper()
	if line, err := f.out.ReadString('\n'); line != want+"\n" {
		t.Fatalf("it says %q, %v; want %s\n%s", line, err, want, f.complaint(t))
	}
}

// complaint is what it has said on standard error.
func (f *foreground) complaint(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(f.errs)
	ok(t, err)
	return string(text)
}

// ends wants it to end with this status, having said this last.
func (f *foreground) ends(t *testing.T, status int, errs string) {
	t.Helper()
	if rest, err := io.ReadAll(f.out); len(rest) > 0 || err != nil {
		t.Errorf("it says %q too, %v", rest, err)
	}
	_ = f.Wait()
	if got := f.ProcessState.ExitCode(); got != status || f.complaint(t) != errs {
		t.Errorf("exit status %d, want %d; it says %q, want %q", got, status, f.complaint(t), errs)
	}
}

// TestForegroundSignals: each goes to the start script, and not to what that has started.
func TestForegroundSignals(t *testing.T) {
	w := plainWorld(t)
	signals := map[string]syscall.Signal{"HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "QUIT": syscall.SIGQUIT,
		"USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2, "WINCH": syscall.SIGWINCH}
	script := "sleep 1000 & left=$!\ntrap 'kill -0 $left && echo alive; exit 5' TERM\n"
	for name := range signals {
		script += "trap 'echo " + name + "' " + name + "\n"
	}
	uuid := w.withScripts(t, script+"echo ready\nwhile :; do wait $left; done\n", "")
	f := w.stay(t)
	f.says(t, "ready")
	for name, signal := range signals {
		ok(t, f.Process.Signal(signal))
		f.says(t, name)
	}
	ok(t, f.Process.Signal(syscall.SIGTERM))
	f.says(t, "alive")
	f.ends(t, 5, "cage-up: cannot run the start script of web: exit status 5\n")
	w.down(t, uuid)

	f = w.stay(t)
	f.says(t, "ready")
	ok(t, f.Process.Kill())
	_ = f.Wait() // it cannot take the cage down; the script lives on
	if r := w.run(t, "cage-up", "--foreground", "web"); r.status != 0 || r.errs != "cage-up: web is up already\n" {
		t.Errorf("after a kill: %+v", r)
	}
	w.must(t, "cage-down", "web")
}

// TestForegroundDown: a cage-down ends it, is not disturbed by it, and is how it is meant to end.
func TestForegroundDown(t *testing.T) {
	w := plainWorld(t)
	uuid := w.withScripts(t, "echo ready\nexec sleep 1000\n", "")
	f := w.stay(t)
	f.says(t, "ready")
	w.must(t, "cage-down", "web")
	f.ends(t, 0, "")
	w.down(t, uuid)
	w.must(t, "cage-rm", "web")

	// The stop script ends the start script, and has more to do.
	uuid = w.withScripts(t, "echo $$ >/pid\necho ready\nexec sleep 1000\n", "kill -KILL $(cat /pid)\nwhile kill -0 $(cat /pid) 2>/dev/null; do :; done\nsleep 0.3\necho done\n")
	f = w.stay(t)
	f.says(t, "ready")
	if r := w.run(t, "cage-down", "web"); r.status != 0 || r.errs != "" && r.errs != "cage-down: web is down already\n" {
		t.Errorf("cage-down: %+v", r)
	}
	_ = f.Wait()
	w.down(t, uuid)
	log, err := os.ReadFile(w.data + "/" + uuid + ".w/log")
	if string(log) != "done\n" {
		t.Errorf("the stop script says %q, %v", log, err)
	}
}

// TestForegroundDaemon: what a start script leaves behind may go on to write; it is waited for, and ended by a SIGTERM.
func TestForegroundDaemon(t *testing.T) {
	w := plainWorld(t)
	uuid := w.withScripts(t, "touch /began\n(exec 2>/dev/null; trap 'echo bye; exit' TERM; while [ ! -e /ended ]; do sleep 0.1; done; echo gone; while :; do sleep 0.1; done) &\n", "echo stops")
	f := w.stay(t)
	for { // until the script has ended: its copy is gone
		if found, _ := filepath.Glob(w.data + "/" + uuid + ".w/mnt/tmp/cage.*"); exists(w.data+"/"+uuid+".w/root/began") && len(found) == 0 {
			break
		}
	}
	ok(t, os.WriteFile(w.data+"/"+uuid+".w/mnt/ended", nil, 0o644))
	f.says(t, "gone")
	ok(t, f.Process.Signal(syscall.SIGTERM))
	f.says(t, "bye")
	f.ends(t, 143, "")
	w.down(t, uuid)
	if log, err := os.ReadFile(w.data + "/" + uuid + ".w/log"); string(log) != "stops\n" {
		t.Errorf("the stop script says %q, %v", log, err)
	}
}
