package kernel

import "golang.org/x/sys/unix"

// DiskUsage returns how many bytes the directory dir and all in it take on the
// disk, as du -x counts: a file with several names once, and nothing of what is
// mounted in it, bind mounts of the same filesystem included.
func DiskUsage(dir string) (int64, error) {
	u := usage{seen: map[inode]bool{}}
	err := withDirectory(dir, func(fd int) error {
		var st unix.Statx_t
		if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_BASIC_STATS, &st); err != nil {
			return err
		}
		u.add(&st)
		return u.in(fd)
	})
	if err != nil {
		return 0, Cannot("measure", dir, err)
	}
	return u.bytes, nil
}

// usage is one DiskUsage on its way.
type usage struct {
	bytes int64
	seen  map[inode]bool // files with several names
}

// inode tells files apart.
type inode struct{ dev, ino uint64 }

// add counts a file, unless it was met under another name.
func (u *usage) add(st *unix.Statx_t) {
	if st.Nlink > 1 && st.Mode&unix.S_IFMT != unix.S_IFDIR {
		id := inode{unix.Mkdev(st.Dev_major, st.Dev_minor), st.Ino}
		if u.seen[id] {
			return
		}
		u.seen[id] = true
	}
	u.bytes += int64(st.Blocks) * 512 // whatever the filesystem's blocks are
}

// in counts what is in an open directory. What goes meanwhile is left out.
func (u *usage) in(dir int) error {
	names, err := namesIn(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		var st unix.Statx_t
		err := unix.Statx(dir, name, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT, unix.STATX_BASIC_STATS, &st)
		if err == nil && st.Attributes&unix.STATX_ATTR_MOUNT_ROOT == 0 {
			if st.Mode&unix.S_IFMT == unix.S_IFDIR {
				err = u.directory(dir, name, &st)
			} else {
				u.add(&st)
			}
		}
		if err != nil && err != unix.ENOENT {
			return err
		}
	}
	return nil
}

// namesIn lists an open directory.
func namesIn(dir int) ([]string, error) {
	buf := make([]byte, 8<<10)
	var names []string
	for {
		n, err := unix.ReadDirent(dir, buf)
		if err != nil || n == 0 {
			return names, err
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}

// directory counts a directory and what is in it.
func (u *usage) directory(parent int, name string, st *unix.Statx_t) error {
	fd, err := openEntry(parent, name, openDirFlags)
	switch err {
	case errMounted, unix.ENOTDIR, unix.ELOOP: // since Linux 5.8 statx told; or something else by now
		return nil
	case nil:
	default:
		return err
	}
	defer unix.Close(fd)
	u.add(st)
	return u.in(fd)
}
