package kernel

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// insideNamespace calls f with the mount table of the namespace that the file ns
// stands for, which need not have any process in it. Meanwhile paths are looked up there.
func insideNamespace(ns string, f func(table []Mount)) error {
	fd, err := unix.Open(ns, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	proc, err := unix.Open("/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0) // there it may not be mounted
	if err != nil {
		return err
	}
	defer unix.Close(proc)
	return inPrivateNamespace(func() error {
		if err := unix.Setns(fd, unix.CLONE_NEWNS); err != nil {
			return err
		}
		info, err := unix.Openat(proc, "thread-self/mountinfo", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		file := os.NewFile(uintptr(info), "mountinfo")
		defer file.Close()
		data, err := io.ReadAll(file)
		if err == nil {
			f(parseMountinfo(string(data)))
		}
		return err
	})
}
