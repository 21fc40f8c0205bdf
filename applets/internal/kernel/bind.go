package kernel

import (
	"errors"
	"strconv"

	"golang.org/x/sys/unix"
)

// newBind returns a detached mount of a directory or file, outside of the peer
// group of what it shows (open_tree(2), Linux 5.2; mount_setattr(2), 5.12).
func newBind(what string, fs FS) (int, error) {
	mnt, err := unix.OpenTree(unix.AT_FDCWD, fs.Source, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return -1, &mountError{what, "", err}
	}
	attr := unix.MountAttr{Propagation: unix.MS_PRIVATE}
	if fs.Flags&ReadOnly != 0 {
		attr.Attr_set = unix.MOUNT_ATTR_RDONLY
	}
	if err := unix.MountSetattr(mnt, "", unix.AT_EMPTY_PATH, &attr); err != nil {
		unix.Close(mnt)
		return -1, &mountError{what, "", err}
	}
	return mnt, nil
}

// mountOwn mounts what a cage has beside the article's. It reaches the place by
// the open directory, which no link can lead elsewhere meanwhile.
func mountOwn(point string, fs FS) error {
	return atPlace(point, fs, func(place int, path string) error {
		if fs.Kind == OwnTmpfs {
			data, err := likeBelow(place)
			if err != nil {
				return err
			}
			return unix.Mount(fs.Source, path, fs.Type, fs.Flags, data)
		}
		if err := unix.Mount(fs.Source, path, "", unix.MS_BIND, ""); err != nil {
			return err
		}
		err := atPlace(point, fs, finishBind(fs)) // what is on top there now
		if err != nil {
			err = errors.Join(err, unix.Unmount(point+"/"+fs.At, unix.UMOUNT_NOFOLLOW))
		}
		return err
	})
}

// atPlace calls f with the place of fs in the tree at point, open, and a path to it.
func atPlace(point string, fs FS, f func(place int, path string) error) error {
	tree, err := unix.Open(point, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(tree)
	place, err := openPlace(tree, fs)
	if err != nil {
		return err
	}
	defer unix.Close(place)
	return f(place, "/proc/self/fd/"+strconv.Itoa(place))
}

// finishBind makes a bind mount that was just made private, and read-only where it
// is to be so.
func finishBind(fs FS) func(place int, path string) error {
	return func(place int, path string) error {
		if err := unix.Mount("", path, "", unix.MS_PRIVATE, ""); err != nil || fs.Flags&ReadOnly == 0 {
			return err
		}
		flags, err := mountFlags(place)
		if err != nil {
			return err
		}
		return unix.Mount("", path, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|flags, "")
	}
}

// mountFlags returns the flags that a mount has from what it shows; a remount
// takes away those that it does not name.
func mountFlags(fd int) (uintptr, error) {
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil {
		return 0, err
	}
	var flags uintptr
	for _, f := range [][2]uintptr{
		{unix.ST_NOSUID, unix.MS_NOSUID}, {unix.ST_NODEV, unix.MS_NODEV}, {unix.ST_NOEXEC, unix.MS_NOEXEC},
		{unix.ST_NOATIME, unix.MS_NOATIME}, {unix.ST_NODIRATIME, unix.MS_NODIRATIME}, {unix.ST_RELATIME, unix.MS_RELATIME},
	} {
		if uintptr(st.Flags)&f[0] != 0 {
			flags |= f[1]
		}
	}
	return flags, nil
}
