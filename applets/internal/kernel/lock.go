package kernel

import (
	"bytes"

	"golang.org/x/sys/unix"
)

// Lock is a lock on one directory or several, held until Unlock or the end of the process.
type Lock struct {
	fds  []int
	free chan<- struct{} // not nil: a thread of its own holds the locks until this is closed
}

// LockDir waits for the lock on a directory (flock(2)), shared or exclusive. Who
// held it before may have renamed the directory meanwhile, so once granted it
// must still be the one of that name, else it starts over. A path that is gone
// gives fs.ErrNotExist.
func LockDir(path string, exclusive bool) (*Lock, error) {
	how := unix.LOCK_SH
	if exclusive {
		how = unix.LOCK_EX
	}
	fd, err := lockAt(unix.AT_FDCWD, path, how)
	if err != nil {
		return nil, Cannot("lock", path, err)
	}
	return &Lock{fds: []int{fd}}, nil
}

// lockAt is LockDir for a path relative to an open directory.
func lockAt(dir int, path string, how int) (fd int, err error) {
	for {
		fd, err := unix.Openat(dir, path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			return -1, err
		}
		for err = unix.EINTR; err == unix.EINTR; {
			err = unix.Flock(fd, how)
		}
		if err != nil {
			unix.Close(fd)
			return -1, err
		}
		var held, named unix.Stat_t
		err = unix.Fstat(fd, &held)
		if err == nil && unix.Fstatat(dir, path, &named, unix.AT_SYMLINK_NOFOLLOW) == nil && held.Dev == named.Dev && held.Ino == named.Ino {
			return fd, nil
		}
		unix.Flock(fd, unix.LOCK_UN)
		unix.Close(fd)
	}
}

// few is how many locks are sure to fit into a new process's table of 64 file
// descriptors. Whenever a table grows that threads share, the kernel waits for every
// processor (expand_fdtable), some milliseconds.
const few = 32

// LockShared takes the lock on each of several directories in dir as LockDir does,
// shared and in the order of names, or on none. Once one is locked, each is told what
// the file in it has, nil where that cannot be read or is longer than a page. Where the
// directories are not few a thread with a table of its own locks and holds them (unshare(2),
// CLONE_FILES), and copies of all that was open, while each looks at those before.
func LockShared(dir string, names []string, file string, each func(i int, data []byte)) (*Lock, error) {
	if len(names) <= few {
		return lockShared(dir, names, file, each)
	}
	free, found := make(chan struct{}), make(chan []byte, len(names))
	var err error
	go onOwnThread(func() {
		_ = unix.Unshare(unix.CLONE_FILES) // if refused, the locks are held in the shared table, only slower
		var held *Lock
		held, err = lockShared(dir, names, file, func(_ int, data []byte) { found <- data })
		close(found)
		if held != nil {
			<-free
			held.close()
		}
	})
	i := 0
	for data := range found {
		each(i, data)
		i++
	}
	if err != nil {
		return nil, err
	}
	return &Lock{free: free}, nil
}

func lockShared(dir string, names []string, file string, each func(i int, data []byte)) (*Lock, error) {
	l := new(Lock)
	if len(names) == 0 {
		return l, nil // and dir need not be there yet
	}
	at, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, Cannot("read", dir, err)
	}
	defer unix.Close(at)
	var page [4096]byte
	for i, name := range names {
		fd, err := lockAt(at, name, unix.LOCK_SH)
		if err != nil {
			l.close()
			return nil, Cannot("lock", dir+"/"+name, err)
		}
		l.fds = append(l.fds, fd)
		each(i, readPage(fd, file, page[:]))
	}
	return l, nil
}

// readPage returns what a file has, nil where that is nothing, or does not fit into page.
func readPage(dir int, file string, page []byte) []byte {
	fd, err := unix.Openat(dir, file, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, page)
	if err != nil || n == 0 || n == len(page) {
		return nil
	}
	return bytes.Clone(page[:n])
}

// close gives back what this process's table holds, whoever has copies of it.
func (l *Lock) close() {
	for _, fd := range l.fds {
		unix.Flock(fd, unix.LOCK_UN)
		unix.Close(fd)
	}
	l.fds = nil
}

// Unlock gives the locks back; those that a thread holds go a moment later. A nil Lock
// holds nothing.
func (l *Lock) Unlock() {
	if l == nil {
		return
	}
	l.close()
	if l.free != nil {
		close(l.free)
		l.free = nil
	}
}

// Locked tells whether somebody holds the lock on a directory.
func Locked(path string) bool {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) == unix.EWOULDBLOCK
}
