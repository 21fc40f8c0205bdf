package applets

import (
	"bytes"
	"os"
	"syscall"
	"testing"
	"time"

	"cage/applets/internal/kernel"
)

// until waits for what is to come, a minute at most.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for begun := time.Now(); !is(); {
		if time.Since(begun) > time.Minute {
			t.Fatal("in vain until ", what)
		}
	}
}

// TestUpAgain: a cage-down ends the start script, and the cage is brought up anew
// before the cage-up that ran that script sees it. It takes nobody else's mounts down.
func TestUpAgain(t *testing.T) {
	needsLinux(t, 6, 8) // or one mount cannot be told from a later one
	for _, c := range []struct {
		flags  []string
		status int
		errs   string
	}{
		{nil, 1, "cage-up: cannot run the start script of web: the cage was taken down meanwhile\n"},
		{[]string{"--foreground"}, 0, ""},
	} {
		w := plainWorld(t)
		uuid := w.withScripts(t, "[ ! -e /began ] || exit 0\n: >/began\nexec sleep 1000\n", "")
		dir := w.data + "/" + uuid + ".w"
		var errs bytes.Buffer
		first := w.command(t, append(append([]string{"cage-up"}, c.flags...), "web")...)
		first.Stderr = &errs
		ok(t, first.Start())
		until(t, "the start script begins", func() bool { return exists(dir+"/root/began") && !kernel.Locked(dir) })
		ok(t, first.Process.Signal(syscall.SIGSTOP))
		var status syscall.WaitStatus
		_, err := syscall.Wait4(first.Process.Pid, &status, syscall.WUNTRACED, nil)
		if err != nil || !status.Stopped() {
			t.Fatal("it does not stop: ", err)
		}
		w.must(t, "cage-down", "web")
		w.must(t, "cage-up", "web")
		ok(t, first.Process.Signal(syscall.SIGCONT))
		_ = first.Wait()
		if got := first.ProcessState.ExitCode(); got != c.status || errs.String() != c.errs {
			t.Errorf("%q: exit status %d, want %d; it says %q, want %q", c.flags, got, c.status, errs.String(), c.errs)
		}
		if n := w.mounts(uuid); n != 7 {
			t.Errorf("%q: %d mounts are left of the cage that was brought up anew", c.flags, n)
		}
		w.must(t, "cage-down", "web")
	}
}

// TestDownWhileStarting: a cage-down that ends the start script is what cage-up speaks of.
func TestDownWhileStarting(t *testing.T) {
	needsLinux(t, 6, 8) // as above
	w := plainWorld(t)
	uuid := w.withScripts(t, ": >/began\nexec sleep 1000\n", "")
	dir := w.data + "/" + uuid + ".w"
	for range 5 {
		ok(t, os.RemoveAll(dir+"/root/began"))
		up := w.command(t, "cage-up", "web")
		var errs bytes.Buffer
		up.Stderr = &errs
		ok(t, up.Start())
		until(t, "the start script begins", func() bool { return exists(dir + "/root/began") })
		w.must(t, "cage-down", "web")
		_ = up.Wait()
		const want = "cage-up: cannot run the start script of web: the cage was taken down meanwhile\n"
		if got := up.ProcessState.ExitCode(); got != 1 || errs.String() != want {
			t.Errorf("exit status %d; it says %q, want %q", got, errs.String(), want)
		}
	}
}

// TestInterruptedWhileDown: a signal to a cage-up that waits for a cage-down is heard.
func TestInterruptedWhileDown(t *testing.T) {
	needsLinux(t, 6, 8) // as above
	w := plainWorld(t)
	uuid := w.withScripts(t, "trap '' TERM HUP\n: >/began\nwhile :; do sleep 1; done\n", "")
	next := w.cage(t, "base", false)
	up := w.command(t, "cage-up", "web", next)
	ok(t, up.Start())
	until(t, "the start script begins", func() bool { return exists(w.data + "/" + uuid + ".w/root/began") })
	down := w.command(t, "cage-down", "-t", "1", "web")
	ok(t, down.Start())
	until(t, "cage-down has the lock", func() bool { return kernel.Locked(w.data + "/" + uuid + ".w") })
	ok(t, up.Process.Signal(syscall.SIGTERM))
	_ = up.Wait()
	ok(t, down.Wait())
	if n := w.mounts(uuid) + w.mounts(next); n != 0 {
		t.Errorf("%d mounts", n)
	}
}

// TestStopScriptEnds: the stop script that ends the start script is not ended with it.
func TestStopScriptEnds(t *testing.T) {
	w := plainWorld(t)
	uuid := w.withScripts(t, "echo $$ >/pid.new; mv /pid.new /began\nexec sleep 1000\n", "kill $(cat /began); sleep 0.2; : >/stopped\n")
	dir := w.data + "/" + uuid + ".w/root"
	up := w.command(t, "cage-up", "web")
	ok(t, up.Start())
	until(t, "the start script begins", func() bool { return exists(dir + "/began") })
	w.must(t, "cage-down", "web")
	_ = up.Wait()
	if !exists(dir + "/stopped") {
		t.Error("it was ended")
	}
}

// TestStartMountsOver: what a start script that fails has mounted over its cage does
// not make that one somebody else's.
func TestStartMountsOver(t *testing.T) {
	w := plainWorld(t)
	uuid := w.withScripts(t, "mount --bind / /\nexit 1\n", "")
	for _, flags := range [][]string{nil, {"--foreground"}} {
		r := w.run(t, append(append([]string{"cage-up"}, flags...), "web")...)
		if r.status != 1 || r.errs != "cage-up: cannot run the start script of web: exit status 1\n" {
			t.Errorf("%q: %+v", flags, r)
		}
		w.down(t, uuid)
	}
}
