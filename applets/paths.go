package applets

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"cage/applets/internal/kernel"
	"cage/applets/internal/store"
)

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func lexists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// listIfThere lists a directory; one that is not there is empty.
func listIfThere(dir string) ([]os.DirEntry, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, kernel.Cannot("read", dir, err)
	}
	return entries, nil
}

// nearest returns path or the deepest of its parents that exists.
func nearest(path string) string {
	for !exists(path) {
		path = filepath.Dir(path)
	}
	return path
}

// below returns path relative to dir, if it is below it.
func below(dir, path string) (string, bool) {
	if dir == "/" {
		return strings.TrimPrefix(path, "/"), path != "/"
	}
	return strings.CutPrefix(path, dir+"/")
}

// parents returns path and what leads to it, the shortest first.
func parents(path string) []string {
	var list []string
	for i, c := range path + "/" {
		if c == '/' {
			list = append(list, path[:i])
		}
	}
	return list
}

// aside is the hidden name of a cage's directory while it is made ("new") or removed ("rm").
func aside(dir, what string) string {
	return filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir)+"."+what)
}

// fromAside takes the last component of what aside gives apart; what is "" where it
// is another's.
func fromAside(name string) (uuid, what string) {
	dir := strings.TrimSuffix(name, filepath.Ext(name))
	stem, isR := strings.CutSuffix(dir, ".r")
	stem, isW := strings.CutSuffix(stem, ".w")
	uuid, hidden := strings.CutPrefix(stem, ".")
	if !hidden || isR == isW || !store.IsUUID(uuid) {
		return "", ""
	}
	return uuid, strings.TrimPrefix(filepath.Ext(name), ".")
}
