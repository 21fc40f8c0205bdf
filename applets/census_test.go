package applets

import (
	"fmt"
	"strings"
	"testing"
)

// TestListingReadsOnce: however many cages there are, cage-ls reads the mount
// table and the list of processes once, each conf once, and no base again for
// each that stands on it.
func TestListingReadsOnce(t *testing.T) {
	w := plainWorld(t)
	const cages = 5
	for i := range cages {
		w.must(t, "cage-new", "--base", "base", "--name", fmt.Sprint("c", i))
	}
	w.must(t, "cage-up", "c0", "c1", "c2")
	opened := map[string]int{}
	for _, line := range w.traceFiles(t, "cage-ls", "-s") {
		for _, name := range []string{"thread-self/mountinfo", "</proc>", "cage.conf"} {
			if strings.Contains(line, name) {
				opened[name]++
			}
		}
	}
	// Go reads /proc/self/mountinfo when it starts. The conf of all cages; one of the base for its own line, one for those on it.
	if opened["thread-self/mountinfo"] != 1 || opened["</proc>"] != 1 || opened["cage.conf"] != 1+cages+2 {
		t.Errorf("opened %v", opened)
	}
	w.must(t, "cage-down", "c0", "c1", "c2")
}
