package plan

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"cage/applets/internal/kernel"
)

// TestCopyTreeFails by cp's own words, by its status alone, and by a signal, and
// takes back what it made.
func TestCopyTreeFails(t *testing.T) {
	d := t.TempDir()
	must(t, os.Mkdir(d+"/bin", 0o755))
	must(t, os.Mkdir(d+"/from", 0o755))
	t.Setenv("PATH", d+"/bin:"+os.Getenv("PATH"))
	signalled := make(chan os.Signal, 1)
	signalled <- syscall.SIGINT
	for name, x := range map[string]struct {
		cp, want string
		stop     func() <-chan os.Signal
	}{
		"words":  {cp: "echo 'cp: no room' >&2; echo more >&2; exit 1", want: "no room"},
		"status": {cp: "exit 3", want: "exit status 3"},
		"signal": {cp: "exec sleep 1000", want: kernel.ErrInterrupted.Error(), stop: func() <-chan os.Signal { return signalled }},
	} {
		put(t, d+"/bin/cp", "#!/bin/sh\nmkdir \"$6\" \"$6/sub\"\n"+x.cp)
		must(t, os.Chmod(d+"/bin/cp", 0o755))
		step := &CopyTree{From: d + "/from", To: d + "/to", Stop: x.stop}
		err := Plan{step}.Run(nil, nil)
		if want := "cannot copy " + d + "/from: " + x.want; err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
		if errors.Is(err, kernel.ErrInterrupted) != (x.stop != nil) {
			t.Errorf("%s: interrupted? %v", name, err)
		}
		if _, err := os.Lstat(d + "/to"); !os.IsNotExist(err) {
			t.Errorf("%s: the copy is left: %v", name, err)
		}
	}
}
