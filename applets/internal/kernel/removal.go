package kernel

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// leave removes the directory being emptied and goes up; failed is why it could
// not be read to its end. What is not empty is read again first, as long as that
// helps: some filesystems skip entries while others go, and btrfs shows none that
// was renamed since the directory was opened.
func (r *removal) leave(failed error) {
	i := len(r.stack) - 1
	d, up := &r.stack[i], &r.stack[i-1]
	if up.fd < 0 && !r.reopen(up) {
		return
	}
	err := failed
	if err == nil && len(d.kept) == 0 {
		if i == 1 && r.last != "" {
			_ = r.unlink(i, r.last, 0) // what stays is met in another pass
			r.last = ""
		}
		err = r.unlink(i-1, d.name, unix.AT_REMOVEDIR)
	}
	if failed == nil && (full(err) || len(d.kept) > 0 && d.changed) && d.passes < maxPasses {
		d.changed = false
		d.passes++
		unix.Seek(d.fd, 0, unix.SEEK_SET)
		return
	}
	unix.Close(d.fd)
	r.stack = r.stack[:i]
	if err == nil && len(d.kept) > 0 {
		up.keep(d.name)
	} else {
		r.settle(d.name, err)
	}
}

// reopen opens up again from the directory below it, the one being emptied. If
// that one was moved elsewhere meanwhile, there is no safe way on.
func (r *removal) reopen(up *openDir) bool {
	d := r.stack[len(r.stack)-1]
	fd, err := openEntry(d.fd, "..", openDirFlags)
	if err == nil {
		if dev, ino := identity(fd); dev == up.dev && ino == up.ino {
			up.fd = fd
			return true
		}
		unix.Close(fd)
		err = errors.New("its directory was moved")
	}
	r.stack = r.stack[:len(r.stack)-1]
	r.fail(d.name, err)
	unix.Close(d.fd)
	for _, d := range r.stack[1:] {
		if d.fd >= 0 {
			unix.Close(d.fd)
		}
	}
	r.stack = r.stack[:1]
	return false
}

// settle notes what became of an entry of the directory being emptied.
func (r *removal) settle(name string, err error) {
	d := &r.stack[len(r.stack)-1]
	switch {
	case err == nil:
		d.changed = true
		if r.removed++; r.progress != nil && r.removed%1024 == 0 {
			r.progress(r.removed)
		}
	case len(r.stack) > 1 && (err == unix.ENOENT || err == unix.ENOTDIR || err == unix.ELOOP):
		d.changed = true // gone, or a file or a link by now: the next pass sees it as such
	default:
		r.fail(name, err)
		d.keep(name)
	}
}

// fail notes that an entry of the directory being emptied is left, and why.
func (r *removal) fail(name string, cause error) {
	if r.left++; r.first == nil {
		var path strings.Builder
		for _, d := range r.stack {
			path.WriteString(d.name + "/")
		}
		r.first = Cannot("remove", path.String()+name, cause)
	}
}

// keep makes the next pass skip an entry.
func (d *openDir) keep(name string) {
	if d.kept == nil {
		d.kept = map[string]struct{}{}
	}
	d.kept[name] = struct{}{}
}
