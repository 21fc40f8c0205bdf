package kernel

import (
	"slices"
	"testing"
)

// What is below / begins with one slash, not with two.
func TestUnderRoot(t *testing.T) {
	list := must1(Under("/"))
	for _, want := range []string{"/", "/proc"} {
		if !slices.ContainsFunc(list, func(m Mount) bool { return m.Point == want }) {
			t.Errorf("Under(/) is without %s: %+v", want, list)
		}
	}
}
