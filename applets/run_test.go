package applets

import (
	"os"
	"testing"
)

// runVictim is a throw-away cage: whatever is left of it, cage-rm -f and
// cage-check --repair take away.
func runVictim(t *testing.T, _ bool) (*world, victim) {
	w := plainWorld(t)
	return w, victim{
		prepare: func(*testing.T) []string { return []string{"cage-run", "--rm", "--base", "base", "true"} },
		dead:    func(*testing.T) {},
		again: func(t *testing.T) {
			for _, uuid := range w.birds() {
				w.must(t, "cage-rm", "-f", uuid)
			}
		},
	}
}

// TestRunUnheard: a warning that nobody reads keeps no command from running.
func TestRunUnheard(t *testing.T) {
	t.Parallel()
	w := plainWorld(t)
	w.must(t, "cage-new", "--name", "twin", "--base", "base")
	for range 20 {
		r, out, err := os.Pipe()
		ok(t, err)
		ok(t, r.Close())
		cmd := w.command(t, "cage-run", "--rm", "--name", "twin", "--base", "base", "true")
		cmd.Stderr = out
		ok(t, cmd.Run())
		ok(t, out.Close())
	}
}
