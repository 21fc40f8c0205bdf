package kernel

import (
	"bytes"
	"errors"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// NestedSubvolumes returns the subvolumes in the btrfs subvolume whose top is
// path, and those in them, sorted, as paths relative to it. Of one that a mount
// hides only the path is known, not what is in it. Linux 4.18.
func NestedSubvolumes(path string) ([]string, error) {
	var found []string
	err := withDirectory(path, func(fd int) error {
		if !isSubvolume(fd) {
			return errNoSubvolume
		}
		return nestedIn(fd, "", &found)
	})
	if err != nil {
		return nil, Cannot("list the subvolumes in", path, err)
	}
	slices.Sort(found)
	return found, nil
}

// nestedIn appends to found the subvolumes in the one whose top is fd, and above
// the paths of which prefix stands.
func nestedIn(fd int, prefix string, found *[]string) error {
	var refs struct { // btrfs_ioctl_get_subvol_rootref_args
		minTreeid uint64
		rootref   [255]struct{ treeid, dirid uint64 }
		n         uint8
		_         [7]byte
	}
	for more := true; more; {
		err := ioctl(fd, getSubvolRootref, unsafe.Pointer(&refs))
		more = errors.Is(err, unix.EOVERFLOW) // there are more, from minTreeid on
		if err != nil && !more {
			return err
		}
		for _, ref := range refs.rootref[:refs.n] {
			name, err := subvolumePath(fd, ref.treeid, ref.dirid)
			if err == unix.ENOENT { // deleted since
				continue
			}
			if err != nil {
				return err
			}
			*found = append(*found, prefix+name)
			child, err := openEntry(fd, name, openDirFlags)
			if err == errMounted || err == unix.ENOENT {
				continue
			}
			if err != nil {
				return err
			}
			err = nestedIn(child, prefix+name+"/", found)
			unix.Close(child)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// subvolumePath returns the path, below the top of the subvolume that fd is, of
// the subvolume with the number treeid, which is in the directory dirid of it.
func subvolumePath(fd int, treeid, dirid uint64) (string, error) {
	args := struct { // btrfs_ioctl_ino_lookup_user_args
		dirid, treeid uint64
		name          [subvolNameBytes + 1]byte
		path          [4080 - subvolNameBytes - 1]byte // ends in a slash, or empty
	}{dirid: dirid, treeid: treeid}
	if err := ioctl(fd, inoLookupUser, unsafe.Pointer(&args)); err != nil {
		return "", err
	}
	return cString(args.path[:]) + cString(args.name[:]), nil
}

// cString is a C string in its field.
func cString(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}
