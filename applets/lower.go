package applets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"cage/applets/internal/kernel"
	"cage/applets/internal/store"
)

// checkLower compares the lower directories with those that the cage last stood
// on, by device and inode. write tells that the record is to be renewed.
func (s *session) checkLower(o upOptions, c *store.Cage, layers []store.Layer) (write bool, err error) {
	before, err := readLower(c)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	now := layerDirs(layers)
	if slices.Equal(before, now) {
		return false, nil
	}
	if o.rebase || slices.EqualFunc(before, layers, sameDir) {
		return true, nil
	}
	pristine, err := s.isPristine(c)
	if err != nil || pristine {
		return true, err
	}
	return false, withHint(fmt.Errorf("cannot bring up %s: it last stood on %s and would now stand on %s",
		c.Label(), strings.Join(before, ":"), strings.Join(now, ":")), "cage-up --rebase %s", c.Label())
}

// sameDir tells whether a path and a layer are one directory.
func sameDir(path string, l store.Layer) bool {
	a, errA := os.Stat(path)
	b, errB := os.Stat(l.Dir)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

func lowerPath(c *store.Cage) string { return filepath.Join(c.Dir, "lower") }

// readLower returns the directories that a cage last stood on, from the top down.
func readLower(c *store.Cage) ([]string, error) {
	data, err := os.ReadFile(lowerPath(c))
	if err != nil {
		return nil, kernel.Cannot("read", lowerPath(c), err)
	}
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n"), nil
}

// lowerText is the content of the file `lower`: a real path a line, the top one first.
func lowerText(layers []store.Layer) string {
	return strings.Join(layerDirs(layers), "\n") + "\n"
}
