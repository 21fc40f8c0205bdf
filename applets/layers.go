package applets

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"cage/applets/internal/kernel"
	"cage/applets/internal/plan"
	"cage/applets/internal/store"
)

// hiddenDir is a directory of a new upper layer that keeps a cage from seeing
// the cages and snapshots of what it stands on, or leads to one that does, or to
// a policy-rc.d.
type hiddenDir struct {
	path   string // relative to the root
	info   os.FileInfo
	opaque bool
}

// hidden returns the directories to lay over, parents first.
func (s *session) hidden(layers []store.Layer) []hiddenDir {
	var list []hiddenDir
	add := func(h hiddenDir) {
		if !slices.ContainsFunc(list, func(x hiddenDir) bool { return x.path == h.path }) {
			list = append(list, h)
		}
	}
	for _, l := range layers {
		for _, dir := range []string{s.store.Data, s.store.Snapshots} {
			rel, ok := below(l.Dir, dir)
			if !ok && s.isSnapshot(l.Dir) {
				rel, ok = below(s.store.Host, dir)
			}
			if !ok {
				continue
			}
			if info, err := os.Lstat(filepath.Join(l.Dir, rel)); err != nil || !info.IsDir() {
				continue
			}
			for _, part := range parents(rel) {
				if info, err := os.Lstat(filepath.Join(l.Dir, part)); err == nil {
					add(hiddenDir{part, info, part == rel})
				}
			}
		}
	}
	return list
}

// isSnapshot tells whether dir is one of the snapshots of the host.
func (s *session) isSnapshot(dir string) bool {
	return filepath.Dir(dir) == s.store.Snapshots
}

// baseOf returns what the root of a new cage is to look like: the root of the
// topmost layer.
func baseOf(layers []store.Layer) os.FileInfo {
	info, err := os.Stat(layers[0].Dir)
	if err != nil {
		return nil
	}
	return info
}

// like makes a directory with the mode and owner of another.
func like(path string, info os.FileInfo) *plan.Mkdir {
	m := &plan.Mkdir{Path: path, Mode: 0o755}
	if info != nil {
		m.Mode = info.Mode() &^ os.ModeDir
		st := info.Sys().(*syscall.Stat_t)
		m.UID, m.GID = int(st.Uid), int(st.Gid)
	}
	return m
}

// inodeTrap returns an error where a lower directory is in another subvolume of
// the btrfs that upper is in. Overlayfs takes both for one filesystem and shows
// their inode numbers as they are, and btrfs counts those in each subvolume anew:
// two files with one number look like one to find, cp, tar and du.
func inodeTrap(upper string, layers []store.Layer) error {
	own, ok, err := kernel.SubvolumeOf(upper)
	if err != nil || !ok {
		return err
	}
	for _, l := range layers {
		lower, ok, err := kernel.SubvolumeOf(l.Dir)
		if err != nil {
			return err
		}
		// A snapshot of the upper's own subvolume has the numbers that were given
		// before, and the upper gets later ones.
		if !ok || lower.Filesystem != own.Filesystem || lower.ID == own.ID || lower.ParentUUID == own.UUID {
			continue
		}
		return withHint(fmt.Errorf("cannot tell files apart over %s: %s is in another subvolume of the same btrfs, where different files have the same inode number, "+
			"so that find, cp and tar would confuse them", l.Base.Label(), upper),
			"cage.conf(5): data= in the subvolume that is snapshotted, or on another filesystem; or the same with --force")
	}
	return nil
}

// warnOfNewer warns of the inode trap that inodeTrap does not see: a snapshot of
// the cage's own subvolume that was taken when the cage was there has its inode numbers.
func (s *session) warnOfNewer(c *store.Cage, layers []store.Layer) error {
	own, ok, err := kernel.SubvolumeOf(c.Root)
	if err != nil || !ok {
		return err
	}
	for _, l := range layers {
		lower, ok, err := kernel.SubvolumeOf(l.Dir)
		if err != nil || !ok || lower.Filesystem != own.Filesystem || lower.ParentUUID != own.UUID {
			continue
		}
		newer, err := kernel.HasInode(l.Dir, c.Root)
		if err != nil {
			return err
		}
		if newer {
			s.warn("%s is newer than %s: different files inside may have the same inode number, so that find, cp and tar confuse them",
				l.Dir, c.Label())
		}
	}
	return nil
}

// layerDirs returns the directories of layers, from the top down.
func layerDirs(layers []store.Layer) []string {
	dirs := make([]string, len(layers))
	for i, l := range layers {
		dirs[i] = l.Dir
	}
	return dirs
}

// hideable are the places, relative to a root, where a copy of this host has its
// cages and snapshots: as the machine sees them, and as the host subvolume does.
func hideable(s *store.Store) []string {
	var places []string
	for _, dir := range []string{s.Data, s.Snapshots} {
		places = append(places, strings.TrimPrefix(dir, "/"))
		if rel, ok := below(s.Host, dir); ok {
			places = append(places, rel)
		}
	}
	return places
}
