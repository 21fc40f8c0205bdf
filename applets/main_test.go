package applets

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary the multi-call binary: run under the name of an
// applet it is that applet.
func TestMain(m *testing.M) {
	run := func() { os.Exit(Main(os.Args, os.Stdout, os.Stderr)) }
	commands := map[string]func(){"cage": run}
	for _, a := range table() {
		commands["cage-"+a.name] = run
	}
	testscript.Main(m, commands)
}
