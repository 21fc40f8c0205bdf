package applets

import "testing"

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
