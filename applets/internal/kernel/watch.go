package kernel

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Watch tells of changes in a directory (inotify(7)).
type Watch struct{ fd int }

// WatchDir begins to watch what is in dir.
func WatchDir(dir string) (*Watch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		return nil, Cannot("watch", dir, err)
	}
	const mask = unix.IN_CREATE | unix.IN_MODIFY | unix.IN_MOVED_TO | unix.IN_MOVE_SELF | unix.IN_DELETE_SELF | unix.IN_ONLYDIR
	if _, err := unix.InotifyAddWatch(fd, dir, mask); err != nil {
		unix.Close(fd)
		return nil, Cannot("watch", dir, err)
	}
	return &Watch{fd}, nil
}

// Wait returns when something changed since the last Wait; gone tells that the
// directory itself was removed or has another name.
func (w *Watch) Wait() (gone bool, err error) {
	var buf [4096]byte
	n, err := unix.Read(w.fd, buf[:])
	for err == unix.EINTR {
		n, err = unix.Read(w.fd, buf[:])
	}
	if err != nil {
		return false, Cannot("wait for", "a change", err)
	}
	// struct inotify_event: int wd; uint32_t mask, cookie, len; char name[len]
	for at := 0; at+unix.SizeofInotifyEvent <= n; {
		mask := binary.NativeEndian.Uint32(buf[at+4:])
		gone = gone || mask&(unix.IN_MOVE_SELF|unix.IN_DELETE_SELF|unix.IN_IGNORED|unix.IN_UNMOUNT) != 0
		at += unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(buf[at+12:]))
	}
	return gone, nil
}

// Close ends the watch.
func (w *Watch) Close() error { return unix.Close(w.fd) }
