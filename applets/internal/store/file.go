package store

import (
	"os"
	"syscall"
)

// readFile is os.ReadFile without its preparations for waiting on what is read,
// which cost more than reading a conf. A command may read a thousand of them.
func readFile(path string) (data []byte, err error) {
	fd, err := open(path)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer syscall.Close(fd)
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return nil, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	data = make([]byte, 0, max(st.Size, 64)) // a file of the kernel's has no size
	for {
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		n, err := syscall.Read(fd, data[len(data):cap(data)])
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return nil, &os.PathError{Op: "read", Path: path, Err: err}
		}
		data = data[:len(data)+n]
		if n == 0 || int64(len(data)) == st.Size {
			return data, nil
		}
	}
}

// open opens a file to be read, again where a signal came between. What is in its
// place, a FIFO that nobody writes to, is not waited for: it is read as empty.
func open(path string) (fd int, err error) {
	for {
		fd, err = syscall.Open(path, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
		if err != syscall.EINTR {
			return fd, err
		}
	}
}

// lstat is lstat(2), again where a signal came between.
func lstat(path string, st *syscall.Stat_t) (err error) {
	for err = syscall.EINTR; err == syscall.EINTR; {
		err = syscall.Lstat(path, st)
	}
	return err
}
