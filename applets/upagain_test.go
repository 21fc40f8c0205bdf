package applets

import (
	"bytes"
	"syscall"
	"testing"
	"time"

	"cage/applets/internal/kernel"
)

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
		for begun := time.Now(); !exists(dir+"/root/began") || kernel.Locked(dir); {
			if time.Since(begun) > time.Minute {
				t.Fatal("the start script does not begin: ", errs.String())
			}
		}
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
