package kernel

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// cgroupRoot is the directory below the cgroup2 mount that holds the cages'.
const cgroupRoot = "cage"

// Cgroup is the control group of a cage, cgroups(7) version 2. It needs no
// controller, so it works where version 1 has them all. It need not exist.
type Cgroup struct {
	dir string // where it is in the file system; empty: there is no cgroup2 mount
	rel string // as /proc/PID/cgroup shows it
}

// errNoCgroup stands for the missing directory of a zero Cgroup. It is no
// fmt.Errorf: that would be formatted at the start of every applet.
var errNoCgroup error = &fs.PathError{Op: "find", Path: "a cgroup2 mount", Err: fs.ErrNotExist}

// CgroupOf returns the cgroup of the cage of that name. It is not ok on a
// system without cgroup2 at its usual places, /sys/fs/cgroup or, beside
// version 1, /sys/fs/cgroup/unified.
func CgroupOf(name string) (Cgroup, bool) {
	for _, mount := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		var st unix.Statfs_t
		if unix.Statfs(mount, &st) == nil && st.Type == unix.CGROUP2_SUPER_MAGIC {
			rel := filepath.Join("/", cgroupRoot, name)
			return Cgroup{dir: mount + rel, rel: rel}, true
		}
	}
	return Cgroup{}, false
}

// Cgroups returns the cgroups of all cages.
func Cgroups() []Cgroup {
	parent, ok := CgroupOf("")
	if !ok {
		return nil
	}
	var list []Cgroup
	entries, _ := os.ReadDir(parent.dir)
	for _, e := range entries {
		if g, ok := CgroupOf(e.Name()); ok && e.IsDir() {
			list = append(list, g)
		}
	}
	return list
}

// String returns the directory of the cgroup.
func (c Cgroup) String() string { return c.dir }

// Make makes the cgroup where it is missing and returns an O_PATH descriptor
// of it, for SysProcAttr.CgroupFD (CLONE_INTO_CGROUP, Linux 5.7). In a
// container the root is often not writable: a cage works without.
func (c Cgroup) Make() (int, error) {
	var err error
	// another command's Remove may take the parent away in between
	for range 10 {
		if err = os.MkdirAll(c.dir, 0o755); err != nil {
			continue
		}
		var fd int
		if fd, err = unix.Open(c.dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err == nil {
			return fd, nil
		}
	}
	return -1, Cannot("make cgroup", c.dir, err)
}

// Ensure makes the cgroup where it is missing.
func (c Cgroup) Ensure() error {
	fd, err := c.Make()
	if err == nil {
		unix.Close(fd)
	}
	return err
}

// Remove removes the empty cgroup, those below it, and the parent of all
// cages' cgroups when this was the last. A missing one is no error.
func (c Cgroup) Remove() error {
	if c.dir == "" {
		return nil
	}
	if err := unix.Rmdir(c.dir); err == nil || err == unix.ENOENT {
		_ = unix.Rmdir(filepath.Dir(c.dir)) // busy while another cage has one
		return nil
	}
	dirs, err := c.groups()
	if err != nil {
		return err
	}
	for _, dir := range slices.Backward(dirs) {
		if err := unix.Rmdir(dir); err != nil && err != unix.ENOENT {
			return Cannot("remove cgroup", dir, err)
		}
	}
	_ = unix.Rmdir(filepath.Dir(c.dir))
	return nil
}

// groups lists the directories of the cgroup, each before those below it.
func (c Cgroup) groups() ([]string, error) {
	if c.dir == "" {
		return nil, nil
	}
	var dirs []string
	err := filepath.WalkDir(c.dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return err
	})
	if err != nil {
		return nil, Cannot("list cgroup", c.dir, err)
	}
	return dirs, nil
}

// set writes a file of the cgroup, without making it where it is missing.
func (c Cgroup) set(file, value string) error {
	if c.dir == "" {
		return errNoCgroup
	}
	f, err := os.OpenFile(filepath.Join(c.dir, file), os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(value)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return Cannot("write", value+" to "+file+" of cgroup "+c.dir, err)
	}
	return nil
}
