package kernel

import (
	"bytes"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// pidFileMax is more bytes than the number of a process and some blanks have.
const pidFileMax = 64

// PIDFiles returns the paths of the pid files in the directory name of the
// directory parent and below it: the regular files pid and *.pid that hold a
// number and nothing else. It follows no link in them and crosses no mount, and
// what cannot be read has none.
func PIDFiles(parent, name string) (found []string) {
	top, err := unix.Open(parent, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(top)
	var walk func(dir int, name, path string)
	walk = func(dir int, name, path string) {
		fd, err := openEntry(dir, name, openDirFlags)
		if err != nil {
			return
		}
		f := os.NewFile(uintptr(fd), path)
		defer f.Close()
		entries, _ := f.ReadDir(-1)
		for _, e := range entries {
			at := path + "/" + e.Name()
			switch {
			case e.IsDir():
				walk(fd, e.Name(), at)
			case e.Type().IsRegular() && strings.HasSuffix("."+e.Name(), ".pid") && holdsNumber(fd, e.Name()):
				found = append(found, at)
			}
		}
	}
	walk(top, name, parent+"/"+name)
	return found
}

// holdsNumber tells whether a regular file of an open directory holds one number
// and nothing else.
func holdsNumber(dir int, name string) bool {
	fd, err := openEntry(dir, name, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	var buf [pidFileMax + 1]byte
	n, err := unix.Read(fd, buf[:])
	text := bytes.TrimSpace(buf[:max(n, 0)])
	return err == nil && n <= pidFileMax && len(text) > 0 && len(bytes.Trim(text, "0123456789")) == 0
}
