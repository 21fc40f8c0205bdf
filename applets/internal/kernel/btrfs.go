package kernel

import (
	"errors"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The ioctls of linux/btrfs.h, as _IOW and _IOR number them on x86, arm and riscv.
const (
	snapDestroy      = 0x5000940f
	snapCreateV2     = 0x50009417
	subvolGetFlags   = 0x80089419
	subvolSetFlags   = 0x4008941a
	fsInfo           = 0x8400941f
	getSubvolInfo    = 0x81f8943c // Linux 4.18, as the next two
	getSubvolRootref = 0xd000943d
	inoLookupUser    = 0xd000943e
	inoLookup        = 0xd0009412

	subvolReadOnly  = 1 << 1 // in the ioctls' flags; in the root item it is 1 << 0
	subvolTop       = 256    // inode of the top directory of every subvolume
	subvolNameBytes = 255
)

var errNoSubvolume = errors.New("not the top of a btrfs subvolume")

// SubvolumeInfo is what btrfs knows of a subvolume.
type SubvolumeInfo struct {
	Filesystem [16]byte // uuid of the filesystem
	UUID       [16]byte // uuid of the subvolume
	ParentUUID [16]byte // of the subvolume it is a snapshot of; zero if of none
	ID         uint64   // its number in the filesystem
	ReadOnly   bool
}

// Subvolume returns the subvolume whose top is the directory path. ok is false
// where path is no such directory: a plain one, or not on btrfs. Linux 4.18.
func Subvolume(path string) (info SubvolumeInfo, ok bool, err error) {
	return subvolumeIf(isSubvolume, path)
}

// SubvolumeOf returns the subvolume that the directory path is in. ok is false
// where path is not on btrfs. Linux 4.18.
func SubvolumeOf(path string) (info SubvolumeInfo, ok bool, err error) {
	return subvolumeIf(onBtrfs, path)
}

func subvolumeIf(holds func(fd int) bool, path string) (info SubvolumeInfo, ok bool, err error) {
	err = withDirectory(path, func(fd int) (err error) {
		if holds(fd) {
			info, err = subvolumeInfo(fd)
			ok = err == nil
		}
		return err
	})
	if err != nil {
		err = Cannot("read the btrfs subvolume of", path, err)
	}
	return info, ok, err
}

func onBtrfs(fd int) bool {
	var st unix.Statfs_t
	return unix.Fstatfs(fd, &st) == nil && uint32(st.Type) == unix.BTRFS_SUPER_MAGIC
}

func isSubvolume(fd int) bool {
	_, ino := identity(fd)
	return ino == subvolTop && onBtrfs(fd)
}

func subvolumeInfo(fd int) (SubvolumeInfo, error) {
	var fs struct { // btrfs_ioctl_fs_info_args
		maxID, numDevices uint64
		fsid              [16]byte
		_                 [992]byte
	}
	var sub struct { // btrfs_ioctl_get_subvol_info_args
		treeid                             uint64
		name                               [subvolNameBytes + 1]byte
		parentID, dirid, generation, flags uint64
		uuid, parentUUID, receivedUUID     [16]byte
		_                                  [160]byte // transaction ids and times
	}
	err := ioctl(fd, fsInfo, unsafe.Pointer(&fs))
	if err == nil {
		err = ioctl(fd, getSubvolInfo, unsafe.Pointer(&sub))
	}
	return SubvolumeInfo{fs.fsid, sub.uuid, sub.parentUUID, sub.treeid, sub.flags&1 != 0}, err
}

// Snapshot makes a read-only snapshot, name in the directory dstDir, of the btrfs
// subvolume whose top is src. Nested subvolumes and what is mounted in src are
// empty directories in it. It waits for the filesystem to commit.
func Snapshot(src, dstDir, name string) error {
	args := struct { // btrfs_ioctl_vol_args_v2
		fd             int64
		transid, flags uint64
		unused         [4]uint64
		name           [4040]byte
	}{flags: subvolReadOnly}
	err := volArgs(args.name[:], name)
	if err == nil {
		err = withDirectory(src, func(from int) error {
			if !isSubvolume(from) {
				return errNoSubvolume
			}
			args.fd = int64(from)
			return withDirectory(dstDir, func(to int) error {
				return ioctl(to, snapCreateV2, unsafe.Pointer(&args))
			})
		})
	}
	if err != nil {
		return Cannot("snapshot", src+" as "+filepath.Join(dstDir, name), err)
	}
	return nil
}

// DeleteSubvolume deletes the btrfs subvolume name of the directory dir with all
// that is in it, read-only or not. Nested subvolumes make it fail; mounts in it do
// not, the kernel detaches them without a word: the caller has to look first.
func DeleteSubvolume(dir, name string) error {
	var args struct { // btrfs_ioctl_vol_args
		fd   int64
		name [4088]byte
	}
	err := volArgs(args.name[:], name)
	if err == nil {
		err = withDirectory(dir, func(fd int) error {
			return ioctl(fd, snapDestroy, unsafe.Pointer(&args))
		})
	}
	if err != nil {
		return Cannot("delete subvolume", filepath.Join(dir, name), err)
	}
	return nil
}

// HasInode tells whether the btrfs subvolume that dir is in has an inode of the
// number that the file path has, which may be in another.
func HasInode(dir, path string) (bool, error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return false, Cannot("look at", path, err)
	}
	args := struct { // btrfs_ioctl_ino_lookup_args; a treeid of 0 is that of the open directory
		treeid, objectid uint64
		name             [4080]byte
	}{objectid: st.Ino}
	err := withDirectory(dir, func(fd int) error { return ioctl(fd, inoLookup, unsafe.Pointer(&args)) })
	if err == unix.ENOENT {
		return false, nil
	}
	if err != nil {
		return false, Cannot("look for an inode in", dir, err)
	}
	return true, nil
}

func volArgs(field []byte, name string) error {
	if len(name) > subvolNameBytes {
		return unix.ENAMETOOLONG
	}
	copy(field, name)
	return nil
}

func withDirectory(path string, f func(fd int) error) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return f(fd)
}

// makeWritable clears the read-only flag of the subvolume that an open directory
// is the top of, and says whether it did.
func makeWritable(fd int) bool {
	var flags uint64
	if ioctl(fd, subvolGetFlags, unsafe.Pointer(&flags)) != nil || flags&subvolReadOnly == 0 {
		return false
	}
	flags &^= subvolReadOnly
	return ioctl(fd, subvolSetFlags, unsafe.Pointer(&flags)) == nil
}

func ioctl(fd int, request uintptr, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}
