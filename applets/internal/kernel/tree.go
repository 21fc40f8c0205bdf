package kernel

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// Layers are what an overlay is made of; all paths are absolute.
type Layers struct {
	Lower       []string // from the top down
	Upper, Work string
	Volatile    bool // nothing is ever synced (overlayfs, "volatile", Linux 5.10)
}

// mountError says which call could not mount what; the cause is the kernel's own
// words where it has some (the log of an fs context), else the errno.
type mountError struct {
	what  string // "overlay on /mnt"
	log   string
	cause error
}

func (e *mountError) Error() string { return "cannot mount " + e.what + ": " + e.reason().Error() }

func (e *mountError) reason() error {
	if e.log != "" {
		return errors.New(e.log)
	}
	return e.cause
}

func (e *mountError) Unwrap() error { return e.cause }

// lacking tells whether err says that this kernel, or a filter in front of it,
// does not know the call, rather than that the mount is wrong. What keeps the words
// for a filesystem of the old interface (overlay before 6.5) refuses a comma, or more
// than a page, itself: "VFS: Legacy: Option 'lowerdir+' contained comma".
func lacking(err error) bool {
	var m *mountError
	if errors.As(err, &m) && m.log != "" && !strings.HasPrefix(m.log, "VFS: Legacy: ") {
		return false
	}
	for _, e := range []error{unix.ENOSYS, unix.EINVAL, unix.EOPNOTSUPP, unix.EPERM, unix.ENODEV} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// MountTree mounts an overlay at point and the filesystems in it, all at once:
// whoever dies or fails on the way leaves nothing mounted. The tree is built
// detached (Linux 6.15), else in a mount namespace of its own and cloned from
// there (5.2), else mounted one by one and taken back on an error.
func MountTree(point string, o Layers, inside []FS) error {
	err := mountDetached(point, o, inside)
	if lacking(err) {
		err = mountCloned(point, o, inside)
	}
	if lacking(err) {
		err = mountInTurn(point, o, inside)
	}
	return err
}

// mountDetached builds the tree out of detached mounts and attaches its root.
func mountDetached(point string, o Layers, inside []FS) error {
	root, err := newOverlay("overlay on "+point, o)
	if err != nil {
		return err
	}
	defer unix.Close(root)
	for _, fs := range inside {
		if err := attachInside(point, fs, root); err != nil {
			return err
		}
	}
	return attach(root, unix.AT_FDCWD, point, "overlay on "+point)
}

// mountCloned mounts the tree at point in a private mount namespace, takes a
// clone of it, comes back and attaches that.
func mountCloned(point string, o Layers, inside []FS) error {
	tree := -1
	err := inPrivateNamespace(func() error {
		err := mountInTurn(point, o, inside)
		if err == nil {
			tree, err = unix.OpenTree(unix.AT_FDCWD, point, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
		}
		return err
	})
	if err != nil {
		return err
	}
	defer unix.Close(tree)
	return attach(tree, unix.AT_FDCWD, point, "overlay on "+point)
}

// mountInTurn is the written procedure, one mount(2) after the other.
func mountInTurn(point string, o Layers, inside []FS) (err error) {
	if err := mountOverlay(point, o); err != nil {
		return err
	}
	mounted := []string{point}
	for _, fs := range inside {
		if err = MountInside(point, fs); err != nil {
			for i := len(mounted) - 1; i >= 0; i-- {
				err = errors.Join(err, Unmount(mounted[i]))
			}
			return err
		}
		mounted = append(mounted, point+"/"+fs.At)
	}
	return nil
}

// mountOverlay mounts the overlay alone: with one lowerdir+ a layer where the
// kernel has that, else by mount(2).
func mountOverlay(point string, o Layers) error {
	// What this leaves on an error is gone with it: a second overlay of the same
	// upper directory would not be counted as using it.
	err := mountDetached(point, o, nil)
	if !lacking(err) {
		return err
	}
	options, err := OverlayOptions(o)
	if err == nil {
		err = unix.Mount("overlay", point, "overlay", 0, options)
	}
	if err != nil {
		return &mountError{"overlay on " + point, "", err}
	}
	return nil
}
