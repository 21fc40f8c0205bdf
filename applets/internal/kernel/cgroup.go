package kernel

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

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

// Populated reports whether a process lives in the cgroup or one below it;
// zombies do not count. A missing cgroup is an error that is fs.ErrNotExist.
func (c Cgroup) Populated() (bool, error) {
	if c.dir == "" {
		return false, errNoCgroup
	}
	events, err := os.ReadFile(filepath.Join(c.dir, "cgroup.events"))
	if err != nil {
		return false, Cannot("read cgroup", c.dir, err)
	}
	return bytes.Contains(events, []byte("populated 1")), nil
}

// Join moves a process into the cgroup; pid 0 is the caller.
func (c Cgroup) Join(pid int) error {
	return c.set("cgroup.procs", strconv.Itoa(pid))
}

// Freeze stops every process of the cgroup, or lets them run on (Linux 5.2).
// The processes are stopped some time after it returns, not before.
func (c Cgroup) Freeze(on bool) error {
	if on {
		return c.set("cgroup.freeze", "1")
	}
	return c.set("cgroup.freeze", "0")
}

// Kill sends SIGKILL to every process of the cgroup and of those below, also
// to the ones that are just being forked. A missing cgroup is no error.
func (c Cgroup) Kill() error {
	err := c.set("cgroup.kill", "1") // Linux 5.14
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(c.dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return c.killFrozen()
}

// killFrozen is Kill before Linux 5.14. Frozen, the members fork no more
// while they are looked up; who was in the middle of a fork needs another call.
func (c Cgroup) killFrozen() error {
	if err := c.Freeze(true); err != nil {
		return err
	}
	pids, err := c.PIDs()
	for _, pid := range pids {
		if h, ok := hold(pid, c.member); ok {
			h.signal(unix.SIGKILL)
			h.close()
		}
	}
	return errors.Join(err, c.Freeze(false))
}

// PIDs lists the processes of the cgroup and of those below it. A missing
// cgroup has none.
func (c Cgroup) PIDs() ([]int, error) {
	dirs, err := c.groups()
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, dir := range dirs {
		procs, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		// gone meanwhile, or threaded: a threaded group's processes stand in the one above
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.EOPNOTSUPP) {
			continue
		}
		if err != nil {
			return nil, Cannot("read cgroup", dir, err)
		}
		for _, line := range strings.Fields(string(procs)) {
			// 0 stands for a process outside the reader's pid namespace
			if pid, err := strconv.Atoi(line); err == nil && pid > 0 {
				pids = append(pids, pid)
			}
		}
	}
	return pids, nil
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

// member reports whether the process whose /proc/PID is dir belongs to the
// cgroup. In /proc/PID/cgroup the line of version 2 is "0::/cage/NAME".
func (c Cgroup) member(dir int) bool {
	lines, err := readAt(dir, "cgroup")
	if err != nil || c.rel == "" {
		return false
	}
	for line := range strings.Lines(string(lines)) {
		if path, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::"); ok {
			return path == c.rel || strings.HasPrefix(path, c.rel+"/")
		}
	}
	return false
}
