package applets

import (
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cage/applets/internal/kernel"
)

// TestDownBesideStart puts a process into the cage's cgroup, as a cage-up does that
// is about to run the start script, when the last unmount is all that is left to do.
func TestDownBesideStart(t *testing.T) {
	t.Parallel()
	w := plainWorld(t)
	uuid := w.cage(t, "base", false)
	w.must(t, "cage-up", uuid)
	late := exec.Command("sleep", "1000")
	status := traced(t, w.command(t, "cage-down", uuid), func(call string) {
		if call == "umount2" && w.mounts(uuid) == 1 && late.Process == nil {
			started := make(chan error)
			go func() { started <- late.Start() }() // no child of the thread that traces
			ok(t, <-started)
			ok(t, os.WriteFile(w.cgroups+"/"+uuid+"/cgroup.procs", []byte(strconv.Itoa(late.Process.Pid)), 0o644))
		}
	})
	if status.ExitStatus() != 0 || late.Process == nil {
		t.Errorf("cage-down ends with %d", status.ExitStatus())
	}
	w.down(t, uuid)
	_ = late.Process.Kill()
	if err := late.Wait(); err == nil || err.Error() != "signal: terminated" {
		t.Errorf("who came late ended by %v", err)
	}
}

// TestUpBesideDown takes a cage down when its start script is about to be copied into it.
func TestUpBesideDown(t *testing.T) {
	t.Parallel()
	w := plainWorld(t)
	uuid := w.cage(t, "base", true)
	cmd := w.command(t, "cage-up", uuid)
	errs, err := os.Create(w.dir + "/errs")
	ok(t, err)
	defer errs.Close()
	cmd.Stderr = errs
	done := false
	status := traced(t, cmd, func(call string) {
		if call == "mkdirat" && w.mounts(uuid) == 7 && !done && exists(w.cgroups+"/"+uuid) {
			done = true
			w.down(t, uuid)
		}
	})
	said, err := os.ReadFile(errs.Name())
	ok(t, err)
	if want := "cage-up: cannot run the start script of "; !done || status.ExitStatus() != 1 ||
		!strings.HasPrefix(string(said), want) || !strings.HasSuffix(string(said), ": the cage was taken down meanwhile\n") {
		t.Errorf("cage-up ends with %d, saying %q", status.ExitStatus(), said)
	}
	w.clean(t)
}

// TestRebasedWhileWaiting: while a cage-up waits for a base, the cage gets another one,
// and one that it stood on is removed.
func TestRebasedWhileWaiting(t *testing.T) {
	t.Parallel()
	w := plainWorld(t)
	bases := []string{w.must(t, "cage-new", "--ro", w.base), w.must(t, "cage-new", "--ro", w.base)}
	slices.Sort(bases) // the first is locked first
	uuid := w.must(t, "cage-new", "--base", bases[1]+":"+bases[0])
	dir := w.data + "/" + bases[0] + ".r"
	lock, err := kernel.LockDir(dir, true)
	ok(t, err)
	done := make(chan result)
	go func() { done <- finish(t, w.command(t, "cage-up", uuid)) }()
	for !awaited(t, dir) {
		select {
		case r := <-done:
			t.Fatalf("cage-up does not wait: %+v", r)
		default:
		}
	}
	w.must(t, "cage-rebase", uuid, "base")
	w.must(t, "cage-rm", bases[1])
	lock.Unlock()
	if r := <-done; r.status != 0 {
		t.Errorf("cage-up: %+v", r)
	}
	w.must(t, "cage-down", uuid)
}
