package kernel

import (
	"golang.org/x/sys/unix"
)

// Lock is a lock on a directory, held until Unlock or the end of the process.
type Lock struct{ fd int }

// LockDir waits for the lock on a directory (flock(2)), shared or exclusive. Who
// held it before may have renamed the directory meanwhile, so once granted it
// must still be the one of that name, else it starts over. A path that is gone
// gives fs.ErrNotExist.
func LockDir(path string, exclusive bool) (*Lock, error) {
	how := unix.LOCK_SH
	if exclusive {
		how = unix.LOCK_EX
	}
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, Cannot("lock", path, err)
		}
		for err = unix.EINTR; err == unix.EINTR; {
			err = unix.Flock(fd, how)
		}
		if err != nil {
			unix.Close(fd)
			return nil, Cannot("lock", path, err)
		}
		var held, named unix.Stat_t
		err = unix.Fstat(fd, &held)
		if err == nil && unix.Lstat(path, &named) == nil && held.Dev == named.Dev && held.Ino == named.Ino {
			return &Lock{fd}, nil
		}
		unix.Close(fd)
	}
}

// Unlock gives the lock back. A nil Lock holds nothing.
func (l *Lock) Unlock() {
	if l != nil && l.fd >= 0 {
		unix.Close(l.fd)
		l.fd = -1
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
