package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	maxOpen    = 64       // directories of the tree held open at once
	direntsBuf = 64 << 10 // bytes of names read at once, for each of them
	maxPasses  = 100      // over a directory that somebody keeps filling
)

// Remove removes the directory name of the directory parent and all that is in
// it, as rm -r does, but never what is mounted in it: every directory is entered
// with openat2(2) RESOLVE_NO_XDEV (Linux 5.6; before, the mount ids are compared),
// so that bind mounts of the same filesystem are seen too, and what is mounted on
// is kept. Immutable and append-only flags and the read-only flag of a nested
// btrfs subvolume are cleared where they stand in the way.
//
// A failure does not stop it: all that can be removed is, and the error names the
// first entry that is left and counts the others. progress, when not nil, is told
// now and then how many entries are gone. Memory grows with what is left and with
// the depth, not with what is removed. The entry last of the directory goes when
// nothing else is left in it, and so tells whose it was until then; "" is none.
func Remove(parent, name, last string, progress func(entries int)) error {
	path := strings.TrimRight(parent, "/") + "/" + name
	if name == "" || name == "." || name == ".." || strings.Contains(name, "/") {
		return Cannot("remove", path, errors.New("not the name of an entry"))
	}
	fd, err := unix.Open(parent, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return Cannot("remove", path, err)
	}
	r := removal{last: last, progress: progress, stack: []openDir{{fd: fd, name: strings.TrimRight(parent, "/")}}}
	for r.entry(name, unix.DT_DIR); len(r.stack) > 1; {
		r.step()
	}
	unix.Close(fd)
	switch r.left {
	case 0:
		return nil
	case 1:
		return r.first
	}
	return fmt.Errorf("%w (and %d more)", r.first, r.left-1)
}

// removal is one Remove on its way through the tree, without recursion: a tree
// can be deeper than there are descriptors, and than PATH_MAX.
type removal struct {
	stack         []openDir // from parent, which stays, to the directory being emptied
	buf           [maxOpen][]byte
	last          string // in the directory that Remove was told; "" once it was its turn
	removed, left int
	first         error
	progress      func(int)
}

// openDir is a directory on that way.
type openDir struct {
	fd       int // -1 while it is more than maxOpen levels up
	name     string
	dev, ino uint64              // to know it again, set when fd is closed
	unread   []byte              // names read and not yet looked at
	kept     map[string]struct{} // entries that could not be removed: not to be tried again
	changed  bool                // in this pass an entry went, or was not what it had been
	passes   int
}

// step takes one entry of the directory being emptied, or leaves the directory.
func (r *removal) step() {
	name, typ, err := r.next()
	if name == "" {
		r.leave(err)
	} else {
		r.entry(name, typ)
	}
}

// next returns the next entry of the directory being emptied, "" at its end.
//
//	struct linux_dirent64 { u64 d_ino; s64 d_off; u16 d_reclen; u8 d_type; char d_name[]; }
func (r *removal) next() (name string, typ byte, err error) {
	i := len(r.stack) - 1
	d, buf := &r.stack[i], &r.buf[i%maxOpen]
	for {
		if len(d.unread) == 0 {
			if *buf == nil {
				*buf = make([]byte, direntsBuf)
			}
			n, err := unix.Getdents(d.fd, *buf)
			if err == unix.EINTR { // FUSE
				continue
			}
			if err != nil || n == 0 {
				return "", 0, err
			}
			d.unread = (*buf)[:n]
		}
		size := binary.NativeEndian.Uint16(d.unread[16:])
		typ, text := d.unread[18], d.unread[19:size]
		d.unread = d.unread[size:]
		name := string(text[:bytes.IndexByte(text, 0)])
		if _, kept := d.kept[name]; !kept && name != "." && name != ".." && !(i == 1 && name == r.last) {
			return name, typ, nil
		}
	}
}

// entry removes an entry of the directory being emptied, or enters it.
func (r *removal) entry(name string, typ byte) {
	i, flags := len(r.stack)-1, 0
	if typ == unix.DT_DIR {
		flags = unix.AT_REMOVEDIR // an empty one need not be opened
	}
	err := r.unlink(i, name, flags)
	if full(err) {
		var fd int
		if fd, err = openEntry(r.stack[i].fd, name, openDirFlags); err == nil {
			r.enter(fd, name)
			return
		}
	}
	r.settle(name, err)
}

// enter goes down into an opened directory; the one maxOpen levels up is closed.
func (r *removal) enter(fd int, name string) {
	r.stack = append(r.stack, openDir{fd: fd, name: name})
	if i := len(r.stack) - 1 - maxOpen; i > 0 {
		d := &r.stack[i]
		d.dev, d.ino = identity(d.fd)
		unix.Close(d.fd)
		d.fd, d.unread = -1, nil
	}
}
