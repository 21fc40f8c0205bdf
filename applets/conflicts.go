package applets

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"cage/applets/internal/kernel"
	"cage/applets/internal/store"
)

// conflicts returns the paths, relative to the root, at which the cage hides
// something that the directories old show otherwise than the directories next: its
// files, its whiteouts and its opaque directories. What cage-new lays over the
// cages and snapshots is meant to hide them.
func (s *session) conflicts(c *store.Cage, old, next []string) ([]string, error) {
	var found []string
	skip := hideable(s.store)
	var walk func(rel string, a, b view) error
	walk = func(rel string, a, b view) error {
		if slices.Equal(a.dirs, b.dirs) {
			return nil
		}
		entries, err := os.ReadDir(filepath.Join(c.Root, rel))
		if err != nil {
			return kernel.Cannot("read", filepath.Join(c.Root, rel), err)
		}
		for _, e := range entries {
			path := filepath.Join(rel, e.Name())
			if slices.Contains(skip, path) {
				continue
			}
			info, err := e.Info()
			if err != nil {
				return kernel.Cannot("read", filepath.Join(c.Root, path), err)
			}
			a, errA := a.child(e.Name())
			b, errB := b.child(e.Name())
			if err := errors.Join(errA, errB); err != nil {
				return err
			}
			merged := e.IsDir() && !kernel.IsOpaque(filepath.Join(c.Root, path))
			switch {
			case merged && (b.info == nil || b.info.IsDir()):
				// Its mode and owner are the cage's, whoever's the entries are.
				if a.info != nil && b.info != nil && a.isAnother(b) {
					found = append(found, path)
				}
				err = walk(path, a, b)
			case kernel.IsWhiteout(info) && b.info == nil:
				// it hides nothing any more
			default:
				var differ bool
				if differ, err = a.differs(b); differ {
					found = append(found, path)
				}
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return found, walk("", view{dirs: old}, view{dirs: next})
}

// view is what lower directories together show at a path, as overlayfs merges them.
type view struct {
	info fs.FileInfo // nil: nothing
	path string      // where that is
	dirs []string    // of a directory: those that are merged in it, from the top down
}

// child returns what is shown at a name in a directory.
func (v view) child(name string) (view, error) {
	var got view
	for _, dir := range v.dirs {
		path := filepath.Join(dir, name)
		info, err := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return view{}, kernel.Cannot("read", path, err)
		case kernel.IsWhiteout(info):
			return got, nil
		case got.info == nil:
			got.info, got.path = info, path
		}
		if !info.IsDir() { // below a directory, it is hidden
			return got, nil
		}
		if got.dirs = append(got.dirs, path); kernel.IsOpaque(path) {
			return got, nil
		}
	}
	return got, nil
}

// differs tells whether another view shows something else: in type, mode, owner,
// size or content. Of directories all that is in them counts.
func (v view) differs(other view) (bool, error) {
	if v.info == nil || other.info == nil {
		return v.info != other.info, nil
	}
	if v.isAnother(other) {
		return true, nil
	}
	a, b := v.info.Sys().(*syscall.Stat_t), other.info.Sys().(*syscall.Stat_t)
	switch mode := v.info.Mode(); {
	case mode.IsDir():
		return v.contentDiffers(other)
	case mode.Type() == fs.ModeSymlink:
		to, errA := os.Readlink(v.path)
		otherTo, errB := os.Readlink(other.path)
		return to != otherTo, errors.Join(errA, errB)
	case !mode.IsRegular() || os.SameFile(v.info, other.info):
		return false, nil
	case a.Size != b.Size:
		return true, nil
	}
	// Two snapshots have both times of a file in common until one changes. The time
	// of modification alone may be anything: packages of one source share it.
	if a.Mtim == b.Mtim && a.Ctim == b.Ctim {
		return false, nil
	}
	return filesDiffer(v.path, other.path)
}

// isAnother tells whether two views differ in type, mode or owner.
func (v view) isAnother(other view) bool {
	a, b := v.info.Sys().(*syscall.Stat_t), other.info.Sys().(*syscall.Stat_t)
	return a.Mode != b.Mode || a.Uid != b.Uid || a.Gid != b.Gid || a.Rdev != b.Rdev
}

// contentDiffers compares all that is in two directories.
func (v view) contentDiffers(other view) (bool, error) {
	if slices.Equal(v.dirs, other.dirs) {
		return false, nil
	}
	names := map[string]bool{}
	for _, dir := range slices.Concat(v.dirs, other.dirs) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return false, kernel.Cannot("read", dir, err)
		}
		for _, e := range entries {
			names[e.Name()] = true
		}
	}
	for name := range names {
		a, errA := v.child(name)
		b, errB := other.child(name)
		if err := errors.Join(errA, errB); err != nil {
			return false, err
		}
		if differ, err := a.differs(b); differ || err != nil {
			return differ, err
		}
	}
	return false, nil
}

// filesDiffer compares two files of one size.
func filesDiffer(a, b string) (bool, error) {
	f, err := os.Open(a)
	if err != nil {
		return false, kernel.Cannot("read", a, err)
	}
	defer f.Close()
	g, err := os.Open(b)
	if err != nil {
		return false, kernel.Cannot("read", b, err)
	}
	defer g.Close()
	x, y := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, errF := f.Read(x)
		m, errG := io.ReadFull(g, y[:n])
		switch {
		case n != m || !bytes.Equal(x[:n], y[:m]):
			return true, nil
		case errF == io.EOF:
			return false, nil
		case errF != nil:
			return false, kernel.Cannot("read", a, errF)
		case errG != nil:
			return false, kernel.Cannot("read", b, errG)
		}
	}
}
