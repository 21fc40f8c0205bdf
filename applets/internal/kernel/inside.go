package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// FS is what is mounted inside an overlay: a filesystem, or one of the kind Bind
// or OwnTmpfs, that a cage has beside the article's.
type FS struct {
	Type   string
	Source string
	At     string  // relative to the root of the overlay
	Flags  uintptr // MS_NOSUID, MS_NODEV, MS_NOEXEC of mount(2); of a bind MS_RDONLY
	Data   string  // its options, k=v separated by commas
	Kind   Kind
}

// Kind says how an FS comes to its place.
type Kind int

// Where a Bind or a tmpfs of a cage's own is to be, a directory (Bind, OwnTmpfs)
// or a file (BindFile) is made if it is missing, and no link is followed.
const (
	New      Kind = iota // a new filesystem of the type
	Bind                 // the directory Source, without what is mounted in it, private
	BindFile             // the file Source
	OwnTmpfs             // a new tmpfs with the mode and owner of the directory below it
)

// on names the filesystem and its place, in the tree at point, for a message.
func (fs FS) on(point string) string {
	what := fs.Type
	if fs.Kind == Bind || fs.Kind == BindFile {
		what = fs.Source
	}
	return what + " on " + point + "/" + fs.At
}

// Flags of an FS, mount(2).
const (
	NoSuid   = unix.MS_NOSUID
	NoDev    = unix.MS_NODEV
	NoExec   = unix.MS_NOEXEC
	ReadOnly = unix.MS_RDONLY
)

// attachInside makes fs and mounts it in the detached tree that is to be at point.
func attachInside(point string, fs FS, tree int) error {
	what := fs.on(point)
	if fs.Kind == New {
		mnt, err := newFS(what, fs)
		if err != nil {
			return err
		}
		defer unix.Close(mnt)
		if strings.HasPrefix(fs.At, "dev/") {
			// The one devtmpfs of the machine: systemd or udev make these, else nobody does.
			if err := unix.Mkdirat(tree, fs.At, 0o755); err != nil && !errors.Is(err, unix.EEXIST) {
				return &mountError{what, "", err}
			}
		}
		return attach(mnt, tree, fs.At, what)
	}
	place, err := openPlace(tree, fs)
	if err != nil {
		return &mountError{what, "", err}
	}
	defer unix.Close(place)
	var mnt int
	if fs.Kind == OwnTmpfs {
		if fs.Data, err = likeBelow(place); err == nil {
			mnt, err = newFS(what, fs)
		}
	} else {
		mnt, err = newBind(what, fs)
	}
	if err != nil {
		return err
	}
	defer unix.Close(mnt)
	if err := unix.MoveMount(mnt, "", place, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH); err != nil {
		return &mountError{what, "", err}
	}
	return nil
}

// noLink refuses a directory of the tree in whose place is a link: mount(2) would
// follow it out of the tree and mount on the host.
func noLink(point, at string) error {
	for ; at != "."; at = filepath.Dir(at) {
		if _, err := os.Readlink(point + "/" + at); err == nil {
			return Cannot("mount on", point+"/"+at, errors.New("it is a link"))
		}
	}
	return nil
}

// MountInside mounts one filesystem inside the tree at point, by mount(2). It
// makes the directory for it where a fresh devtmpfs may lack it.
func MountInside(point string, fs FS) error {
	if fs.Kind != New {
		if err := mountOwn(point, fs); err != nil {
			return &mountError{fs.on(point), "", err}
		}
		return nil
	}
	dir := point + "/" + fs.At
	if err := noLink(point, fs.At); err != nil {
		return err
	}
	if strings.HasPrefix(fs.At, "dev/") {
		if err := unix.Mkdir(dir, 0o755); err != nil && err != unix.EEXIST {
			return &mountError{fs.on(point), "", err}
		}
	}
	if err := unix.Mount(fs.Source, dir, fs.Type, fs.Flags, fs.Data); err != nil {
		return &mountError{fs.on(point), "", err}
	}
	return nil
}
