package kernel

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// FSType returns the name of the filesystem that path is on, as mount(8) calls it,
// from the magic number of statfs(2); a number not listed here as 0x....
func FSType(path string) (string, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return "", Cannot("tell the filesystem of", path, err)
	}
	switch magic := uint32(st.Type); magic {
	case unix.BTRFS_SUPER_MAGIC:
		return "btrfs", nil
	case unix.EXT4_SUPER_MAGIC: // ext2 and ext3 have the same
		return "ext4", nil
	case unix.XFS_SUPER_MAGIC:
		return "xfs", nil
	case unix.F2FS_SUPER_MAGIC:
		return "f2fs", nil
	case unix.BCACHEFS_SUPER_MAGIC:
		return "bcachefs", nil
	case 0x2fc12fc1: // not in linux/magic.h
		return "zfs", nil
	case unix.REISERFS_SUPER_MAGIC:
		return "reiserfs", nil
	case 0x3153464a: // not in linux/magic.h
		return "jfs", nil
	case unix.MSDOS_SUPER_MAGIC:
		return "vfat", nil
	case unix.EXFAT_SUPER_MAGIC:
		return "exfat", nil
	case unix.ISOFS_SUPER_MAGIC:
		return "iso9660", nil
	case unix.SQUASHFS_MAGIC:
		return "squashfs", nil
	case unix.EROFS_SUPER_MAGIC_V1:
		return "erofs", nil
	case unix.TMPFS_MAGIC:
		return "tmpfs", nil
	case unix.RAMFS_MAGIC:
		return "ramfs", nil
	case unix.OVERLAYFS_SUPER_MAGIC:
		return "overlay", nil
	case unix.NFS_SUPER_MAGIC:
		return "nfs", nil
	case unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC:
		return "cifs", nil
	case unix.CEPH_SUPER_MAGIC:
		return "ceph", nil
	case unix.V9FS_MAGIC:
		return "9p", nil
	case unix.FUSE_SUPER_MAGIC:
		return "fuse", nil
	default:
		return fmt.Sprintf("%#x", magic), nil
	}
}
