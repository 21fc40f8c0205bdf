package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// LentMark begins the first line of a file that was lent to a tree. Behind it
// stand the directories that were made for the file, the deepest first.
const LentMark = "# lent by cage-up, taken back by cage-down; made:"

// Lent is a file that was lent to a tree.
type Lent struct {
	Path string   // as the tree sees it
	Made []string // the directories made for it, likewise, the deepest first
}

// target follows the link root/name and every link on the way, as readlink -m does
// in a chroot, and returns the path behind them all, there or not, which has no
// link; ok is false where name itself is no link.
func target(root int, name string) (file string, ok bool, err error) {
	file = "/"
	rest := strings.Split(name, "/")
	for links := 0; len(rest) > 0; {
		next := filepath.Join(file, rest[0])
		rest = rest[1:]
		buf := make([]byte, unix.PathMax)
		n := 0
		err := inParent(root, next, func(dir int, base string) (err error) {
			n, err = unix.Readlinkat(dir, base, buf)
			return err
		})
		if err == unix.EINVAL || err == unix.ENOENT { // no link, or nothing
			file = next
			continue
		}
		if links++; err == nil && links > 40 { // as many as the kernel follows
			err = unix.ELOOP
		}
		if err != nil {
			return file, ok, err
		}
		link := string(buf[:n])
		if filepath.IsAbs(link) {
			file = "/"
		}
		ok = ok || len(rest) == 0
		rest = append(strings.Split(link, "/"), rest...)
	}
	return file, ok, nil
}

// lentPlace is target, and ok is false where that is below one of binds.
func lentPlace(root int, link string, binds []string) (file string, ok bool, err error) {
	file, ok, err = target(root, link)
	if slices.ContainsFunc(binds, func(dir string) bool { return strings.HasPrefix(file, dir+"/") }) {
		ok = false
	}
	return file, ok, err
}

// Lend writes data to where the symbolic link root/link points to, if nothing is
// there but what was lent before, with a mark and the missing directories. It
// never leaves root, nor writes below one of binds, directories that are the host's.
func Lend(root, link string, data []byte, binds []string) error {
	top, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(top)
	file, ok, err := lentPlace(top, link, binds)
	if err == unix.ENOSYS || err == nil && !ok {
		return nil // no place, or no openat2(2) to do it safely
	}
	if err != nil {
		return err
	}
	if stale, ok := lentAt(top, file); ok { // left by an unmount by hand, or a power cut
		if err := stale.TakeBack(root); err != nil {
			return err
		}
	}
	made, err := makeParents(top, file)
	if err != nil {
		return err
	}
	mark := LentMark
	for _, dir := range made {
		mark += " " + dir
	}
	return inParent(top, file, func(dir int, base string) error {
		fd, err := unix.Openat(dir, base, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o644)
		if err == unix.EEXIST {
			return nil
		}
		if err != nil {
			return err
		}
		f := os.NewFile(uintptr(fd), file)
		defer f.Close()
		_, err = f.Write(append([]byte(mark+"\n"), data...))
		if err = errors.Join(err, f.Chmod(0o644)); err != nil {
			unix.Unlinkat(dir, base, 0)
		}
		return err
	})
}

// makeParents makes the missing parents of file and returns them, the deepest first.
func makeParents(root int, file string) (made []string, err error) {
	for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
		fd, err := openIn(root, dir, unix.O_PATH|unix.O_DIRECTORY)
		if err == nil {
			unix.Close(fd)
			break
		}
		if err != unix.ENOENT {
			return nil, err
		}
		made = append(made, dir)
	}
	for i := len(made) - 1; i >= 0; i-- {
		err := inParent(root, made[i], func(dir int, base string) error {
			if err := unix.Mkdirat(dir, base, 0o755); err != nil {
				return err
			}
			return unix.Fchmodat(dir, base, 0o755, 0)
		})
		if err != nil {
			return nil, err
		}
	}
	return made, nil
}

// FindLent tells whether the link root/link leads to a file that was lent, which
// is none of those below binds.
func FindLent(root, link string, binds []string) (Lent, bool) {
	top, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return Lent{}, false
	}
	defer unix.Close(top)
	file, ok, err := lentPlace(top, link, binds)
	if err != nil || !ok {
		return Lent{}, false
	}
	return lentAt(top, file)
}

// lentAt tells whether a file in an open tree is one that was lent.
func lentAt(top int, file string) (Lent, bool) {
	fd, err := openIn(top, file, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK)
	if err != nil {
		return Lent{}, false
	}
	defer unix.Close(fd)
	buf := make([]byte, 4096)
	n, _ := unix.Read(fd, buf)
	rest, ok := strings.CutPrefix(string(buf[:max(n, 0)]), LentMark)
	lent := Lent{Path: file}
	// Only the parents of the file are believed, and so their names can hold anything.
	for dir := filepath.Dir(file); strings.HasPrefix(rest, " "+dir+" ") || strings.HasPrefix(rest, " "+dir+"\n"); dir = filepath.Dir(dir) {
		lent.Made = append(lent.Made, dir)
		rest = rest[len(" "+dir):]
	}
	return lent, ok
}

// TakeBack removes the file and, as far as they are empty, the directories that
// were made for it.
func (l Lent) TakeBack(root string) error {
	top, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(top)
	err = inParent(top, l.Path, func(dir int, base string) error { return unix.Unlinkat(dir, base, 0) })
	if err != nil {
		return err
	}
	for _, made := range l.Made {
		err := inParent(top, made, func(dir int, base string) error { return unix.Unlinkat(dir, base, unix.AT_REMOVEDIR) })
		if err != nil {
			break // somebody uses it
		}
	}
	return nil
}
