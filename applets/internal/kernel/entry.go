package kernel

import (
	"bytes"
	"errors"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

const openDirFlags = unix.O_RDONLY | unix.O_DIRECTORY

// errMounted is EBUSY and EXDEV in plain words.
var errMounted = errors.New("something is mounted on it")

// openat2 stands apart for the test of what is done without it.
var openat2 = unix.Openat2

// openEntry opens the entry name of an open directory, or its parent by "..", and
// nothing else: no link is followed and no mount crossed (errMounted), a bind mount
// of the same filesystem included. openat2(2), Linux 5.6.
func openEntry(dir int, name string, flags int) (int, error) {
	how := unix.OpenHow{
		Flags:   uint64(flags | unix.O_NOFOLLOW | unix.O_CLOEXEC),
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_XDEV | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	}
	if name == ".." {
		how.Resolve &^= unix.RESOLVE_BENEATH
	}
	for {
		fd, err := openat2(dir, name, &how)
		switch err {
		case unix.EINTR, unix.EAGAIN: // EAGAIN: a rename or mount elsewhere came in between
		case unix.EXDEV:
			return -1, errMounted
		case unix.ENOSYS:
			return openSameMount(dir, name, int(how.Flags))
		default:
			return fd, err
		}
	}
}

// openIn opens name as a process chrooted to root would (openat2(2),
// RESOLVE_IN_ROOT, Linux 5.6): no link inside leads out.
func openIn(root int, name string, flags int) (int, error) {
	for {
		fd, err := unix.Openat2(root, name, &unix.OpenHow{Flags: uint64(flags | unix.O_CLOEXEC), Resolve: unix.RESOLVE_IN_ROOT})
		if err != unix.EINTR && err != unix.EAGAIN { // EAGAIN: a rename was under way
			return fd, err
		}
	}
}

// inParent calls f with the directory of an absolute path inside root, open, and
// the last component.
func inParent(root int, name string, f func(dir int, base string) error) error {
	dir, err := openIn(root, filepath.Dir(name), unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	return f(dir, filepath.Base(name))
}

// openSameMount is openEntry before Linux 5.6: it opens, and then compares the
// mount ids. statx(2) tells them only since 5.8, and device numbers do not tell
// bind mounts apart, so it asks /proc (Linux 3.15).
func openSameMount(dir int, name string, flags int) (int, error) {
	fd, err := unix.Openat(dir, name, flags, 0)
	if err != nil {
		return -1, err
	}
	here, err := mountID(dir)
	if err == nil {
		var there int
		if there, err = mountID(fd); err == nil && there != here {
			err = errMounted
		}
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// mountID returns the id of the mount that an open file is on.
func mountID(fd int) (int, error) {
	info, err := unix.Open("/proc/self/fdinfo/"+strconv.Itoa(fd), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(info)
	var buf [1024]byte
	n, err := unix.Read(info, buf[:])
	if err != nil {
		return 0, err
	}
	// pos:	0\nflags:	0100000\nmnt_id:	28\n...
	_, rest, ok := bytes.Cut(buf[:n], []byte("\nmnt_id:\t"))
	id, _, ok2 := bytes.Cut(rest, []byte("\n"))
	if !ok || !ok2 {
		return 0, errors.New("the kernel does not tell on which mount it is")
	}
	return strconv.Atoi(string(id))
}

// identity tells open directories apart.
func identity(fd int) (dev, ino uint64) {
	var st unix.Stat_t
	unix.Fstat(fd, &st)
	return uint64(st.Dev), st.Ino
}

// unlinkFlagged clears the immutable and append-only flags (chattr(1) +i and +a)
// of an entry, and of its directory when that is to go too, and tries again. A
// file that lives on, under another name or because it cannot be removed all the
// same, gets its flags back.
func unlinkFlagged(dir int, name string, flags int, dirToo bool) error {
	if dirToo {
		clearFlags(dir)
	}
	var st unix.Stat_t
	fd := -1
	if unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil && // opening a device may do something
		(st.Mode&unix.S_IFMT == unix.S_IFREG || st.Mode&unix.S_IFMT == unix.S_IFDIR) {
		fd, _ = openEntry(dir, name, unix.O_RDONLY|unix.O_NONBLOCK)
	}
	if fd < 0 {
		return unix.Unlinkat(dir, name, flags)
	}
	defer unix.Close(fd)
	old, cleared := clearFlags(fd)
	err := unix.Unlinkat(dir, name, flags)
	if cleared && unix.Fstat(fd, &st) == nil && st.Nlink > 0 {
		unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, int(old))
	}
	return err
}

// clearFlags clears the two flags of an open file or directory. The bits are the
// same as in statx(2): FS_IMMUTABLE_FL 0x10, FS_APPEND_FL 0x20.
func clearFlags(fd int) (old uint32, cleared bool) {
	const both = unix.STATX_ATTR_IMMUTABLE | unix.STATX_ATTR_APPEND
	old, err := unix.IoctlGetUint32(fd, unix.FS_IOC_GETFLAGS)
	if err != nil || old&both == 0 {
		return old, false
	}
	return old, unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, int(old&^both)) == nil
}

// unlink removes an entry of the i-th directory, and what stands in its way if
// the kernel says so. The directory Remove was told (0) is not changed for it.
func (r *removal) unlink(i int, name string, flags int) error {
	dir := r.stack[i].fd
	err := unix.Unlinkat(dir, name, flags)
	switch {
	case err == unix.EINTR: // FUSE
		return r.unlink(i, name, flags)
	case err == unix.EISDIR: // no d_type, or a directory by now
		return r.unlink(i, name, unix.AT_REMOVEDIR)
	case err == unix.EROFS && i > 0 && makeWritable(dir):
		return r.unlink(i, name, flags)
	case err == unix.EPERM:
		return unlinkFlagged(dir, name, flags, i > 0)
	case err == unix.EBUSY:
		if fd, err := openEntry(dir, name, unix.O_PATH); err == errMounted {
			return err
		} else if err == nil {
			unix.Close(fd)
		}
	}
	return err
}

// full tells rmdir(2)'s two words for a directory that is not empty.
func full(err error) bool { return err == unix.ENOTEMPTY || err == unix.EEXIST }
