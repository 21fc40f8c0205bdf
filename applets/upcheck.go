package applets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"cage/applets/internal/kernel"
	"cage/applets/internal/store"
)

// upNeeds is what cage-up found missing.
type upNeeds struct {
	mountpoint bool // to be made
	lower      bool // to be written
	resolv     bool // the host has a resolv.conf to lend
	own        []kernel.FS

	stale []string // pid files to be removed
}

// checkUp refuses what must not be mounted.
func (s *session) checkUp(o upOptions, c *store.Cage, layers []store.Layer) (needs upNeeds, err error) {
	needs.resolv = exists(resolvConf)
	if needs.own, err = mountsOf(c, c.Mounts); err != nil || o.throwAway { // that one was made a moment ago
		return needs, err
	}
	for _, dir := range []struct{ key, path string }{{"root", c.Root}, {"work", c.Work}} {
		if info, err := os.Lstat(dir.path); err != nil {
			return needs, kernel.Cannot("use "+dir.key, dir.path, err)
		} else if !info.IsDir() {
			return needs, fmt.Errorf("cannot use %s %s: it is not a directory", dir.key, dir.path)
		}
	}
	entries, err := os.ReadDir(c.Mountpoint)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		needs.mountpoint = true
	case err != nil:
		return needs, kernel.Cannot("use the mountpoint", c.Mountpoint, err)
	case len(entries) > 0:
		return needs, fmt.Errorf("cannot use the mountpoint %s: it is not empty (%s)", c.Mountpoint, entries[0].Name())
	}
	if err := checkCut(c); err != nil {
		return needs, err
	}
	if used, err := kernel.UpperInUse(c.Root); err != nil {
		return needs, err
	} else if used {
		return needs, inUse(c, "bring up")
	}
	if needs.lower, err = s.checkLower(o, c, layers); err != nil {
		return needs, err
	}
	if lexists(c.Root + "/run") {
		needs.stale = kernel.PIDFiles(c.Root, "run") // nobody is inside
	}
	return needs, nil
}
