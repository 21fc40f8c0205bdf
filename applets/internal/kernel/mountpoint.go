package kernel

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// openPlace opens the place in an open tree where fs is to be mounted, component by
// component and through no link, and makes what is missing.
func openPlace(tree int, fs FS) (int, error) {
	parts := strings.Split(fs.At, "/")
	at, err := unix.Openat(tree, ".", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	for i, name := range parts {
		if err != nil {
			break
		}
		asFile := fs.Kind == BindFile && i == len(parts)-1
		var next int
		next, err = openOrMake(at, name, asFile)
		unix.Close(at)
		at = next
		if err == unix.ELOOP {
			return -1, linkOnTheWay(tree, parts, i)
		}
	}
	if err == nil {
		err = fits(at, fs)
	}
	if err != nil {
		unix.Close(at)
		return -1, err
	}
	return at, nil
}

// fits refuses a file where a directory is to be mounted, and the reverse.
func fits(place int, fs FS) error {
	var st unix.Stat_t
	err := unix.Fstat(place, &st)
	isDir := st.Mode&unix.S_IFMT == unix.S_IFDIR
	switch {
	case err != nil:
		return err
	case isDir && fs.Kind == BindFile:
		return errors.New("it is a directory inside")
	case !isDir && fs.Kind != BindFile:
		return errors.New("it is no directory inside")
	}
	return nil
}

// openOrMake opens an entry of an open directory, and makes it where it is
// missing: a directory, or an empty file. ELOOP says that it is a link.
func openOrMake(dir int, name string, asFile bool) (int, error) {
	const flags = unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Openat(dir, name, flags, 0)
	if err == unix.ENOENT {
		if err = makeEntry(dir, name, asFile); err == nil {
			fd, err = unix.Openat(dir, name, flags, 0)
		}
	}
	if err != nil {
		return -1, err
	}
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK {
		err = unix.ELOOP
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// makeEntry makes a directory or an empty file, of root and with a mode that is
// not the umask's.
func makeEntry(dir int, name string, asFile bool) error {
	if !asFile {
		if err := unix.Mkdirat(dir, name, 0o755); err != nil {
			return err
		}
		return unix.Fchmodat(dir, name, 0o755, 0)
	}
	fd, err := unix.Openat(dir, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Fchmod(fd, 0o644)
}

// linkOnTheWay is the refusal of a place that a link leads to, parts[n], with what
// to write instead.
func linkOnTheWay(tree int, parts []string, n int) error {
	link := "/" + strings.Join(parts[:n+1], "/")
	place := "/" + strings.Join(parts, "/")
	if file, _, err := target(tree, place); err == nil && file != place {
		return fmt.Errorf("%s is a link inside; the place is %s", link, file)
	}
	return fmt.Errorf("%s is a link inside", link)
}

// likeBelow returns the options that give a tmpfs the mode and the owner of the
// directory that it is to cover.
func likeBelow(place int) (string, error) {
	var st unix.Stat_t
	if err := unix.Fstat(place, &st); err != nil {
		return "", err
	}
	return fmt.Sprintf("mode=%o,uid=%d,gid=%d", st.Mode&0o7777, st.Uid, st.Gid), nil
}
