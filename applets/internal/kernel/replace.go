package kernel

import (
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Replace makes data the whole content of the file path, with exactly the
// permission bits of mode whatever the umask. A reader sees the old file or the
// new one, and so does whoever looks after a power cut: it writes .NAME.new beside
// it, fsync(2), rename(2), fsync of the directory. On an error the old file stands
// and .NAME.new is gone; one that a killed process left is removed first.
func Replace(path string, data []byte, mode fs.FileMode) error {
	if err := Swap(path, data, mode); err != nil {
		return err
	}
	return Sync(filepath.Dir(path))
}

// Swap is Replace without the last fsync: after a power cut the old file may be
// there again.
func Swap(path string, data []byte, mode fs.FileMode) error {
	err := withDirectory(filepath.Dir(path), func(dir int) error {
		name := filepath.Base(path)
		sibling := "." + name + ".new"
		if err := unix.Unlinkat(dir, sibling, 0); err != nil && err != unix.ENOENT {
			return err
		}
		fd, err := unix.Openat(dir, sibling, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0600)
		if err != nil {
			return err
		}
		if err = fill(fd, data, mode); err == nil {
			err = unix.Fsync(fd)
		}
		if e := unix.Close(fd); err == nil {
			err = e
		}
		if err == nil {
			err = unix.Renameat(dir, sibling, dir, name)
		}
		if err != nil {
			unix.Unlinkat(dir, sibling, 0)
		}
		return err
	})
	if err != nil {
		return Cannot("write", path, err)
	}
	return nil
}

// Create makes a file that is not there yet, with all of data on the disk and
// exactly the permission bits of mode; its name is not durable before a sync of
// its directory, or of one above it after a rename. On an error there is none.
func Create(path string, data []byte, mode fs.FileMode) error {
	return createFile(path, data, mode, unix.Fsync)
}

// CreateVolatile is Create without the disk: a power cut may leave any part of it.
func CreateVolatile(path string, data []byte, mode fs.FileMode) error {
	return createFile(path, data, mode, func(int) error { return nil })
}

func createFile(path string, data []byte, mode fs.FileMode, sync func(fd int) error) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0600)
	if err != nil {
		return Cannot("write", path, err)
	}
	if err = fill(fd, data, mode); err == nil {
		err = sync(fd)
	}
	if e := unix.Close(fd); err == nil {
		err = e
	}
	if err != nil {
		unix.Unlink(path)
		return Cannot("write", path, err)
	}
	return nil
}

// fill writes all of a new file.
func fill(fd int, data []byte, mode fs.FileMode) error {
	for len(data) > 0 {
		n, err := unix.Write(fd, data)
		if err != nil && err != unix.EINTR {
			return err
		}
		data = data[max(n, 0):]
	}
	return unix.Fchmod(fd, uint32(mode.Perm()))
}

// Exchange makes each of two paths of one filesystem name what the other named,
// at once (renameat2(2) RENAME_EXCHANGE, Linux 3.15).
func Exchange(a, b string) error {
	if err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE); err != nil {
		return Cannot("exchange", a+" and "+b, err)
	}
	return nil
}

// RenameNew renames old to new, which must not exist (renameat2(2)
// RENAME_NOREPLACE, Linux 3.15). On a filesystem without it, NFS for one, it looks
// first and then renames.
func RenameNew(old, new string) error {
	err := unix.Renameat2(unix.AT_FDCWD, old, unix.AT_FDCWD, new, unix.RENAME_NOREPLACE)
	if err == unix.EINVAL || err == unix.ENOSYS {
		err = renameAbsent(old, new)
	}
	if err != nil {
		return Cannot("rename", old+" to "+new, err)
	}
	return nil
}

func renameAbsent(old, new string) error {
	var st unix.Stat_t
	switch err := unix.Lstat(new, &st); err {
	case nil:
		return unix.EEXIST
	case unix.ENOENT:
		return unix.Rename(old, new)
	default:
		return err
	}
}

// Sync waits until a file or directory is on the disk (fsync(2)): of a new
// directory all the names in it, at any depth, but not the content of files.
func Sync(path string) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err == nil {
		err = unix.Fsync(fd)
		unix.Close(fd)
	}
	if err != nil {
		return Cannot("sync", path, err)
	}
	return nil
}

// SyncFS waits until all that was written to the filesystem of path is on the disk
// (syncfs(2)); an error of writing that it knows of is returned since Linux 5.8.
func SyncFS(path string) error {
	if err := withDirectory(path, unix.Syncfs); err != nil {
		return Cannot("sync the filesystem of", path, err)
	}
	return nil
}
