package applets

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary the multi-call binary: run under the name of an
// applet it is that applet.
func TestMain(m *testing.M) {
	run := func() { os.Exit(Main(os.Args, os.Stdout, os.Stderr)) }
	commands := map[string]func(){"cage": run, "as-nobody": asNobody}
	for _, a := range table() {
		commands["cage-"+a.name] = run
	}
	testscript.Main(underNohup{m}, commands)
}

// underNohup lets what the tests start heed SIGHUP, also where this program was
// started to ignore it (nohup(1)).
type underNohup struct{ *testing.M }

func (m underNohup) Run() int {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	return m.M.Run()
}

// asNobody gives up root's rights and is the applet that its arguments name.
func asNobody() {
	const nobody = 65534
	if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(125)
	}
	os.Exit(Main(os.Args[1:], os.Stdout, os.Stderr))
}
