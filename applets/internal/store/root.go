package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// RealRoot returns the real path of a base's root directory, which must be there.
func (c *Cage) RealRoot() (string, error) { return c.realRoot(realDirs{}) }

func (c *Cage) realRoot(parents realDirs) (string, error) {
	dir := parents.of(c.Root)
	if dir == "" {
		if is, err := isDir(c.Root); err == nil && is {
			return c.Root, nil // the store's own path is real
		}
		var err error
		if dir, err = realDir(c.Root); err != nil {
			return "", err
		}
	}
	if strings.Contains(dir, "\n") {
		return "", errors.New("its real path has a newline")
	}
	return dir, nil
}

// realDir returns the real path of the directory that the link root leads to.
func realDir(root string) (string, error) {
	dir, err := filepath.EvalSymlinks(root)
	if err != nil {
		if target, e := os.Readlink(root); e == nil {
			return "", fmt.Errorf("it points to %s, which is not there", target)
		}
		return "", errors.Unwrap(err)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return "", fmt.Errorf("%s is not a directory", dir)
	}
	return dir, nil
}

// realDirs remembers the real paths of directories: the roots of many bases lie
// beside each other.
type realDirs map[string]string

// of returns the real path of the directory that the link root leads to, if that
// takes one step to an absolute path.
func (known realDirs) of(root string) string {
	target, err := os.Readlink(root)
	if err != nil || !filepath.IsAbs(target) || filepath.Clean(target) != target {
		return ""
	}
	parent := filepath.Dir(target)
	real, ok := known[parent]
	if !ok {
		if real, err = filepath.EvalSymlinks(parent); err != nil {
			return ""
		}
		known[parent] = real
	}
	dir := filepath.Join(real, filepath.Base(target))
	if is, err := isDir(dir); err != nil || !is {
		return ""
	}
	return dir
}
