package kernel

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Populated reports whether a process lives in the cgroup or one below it;
// zombies do not count. A missing cgroup is an error that is fs.ErrNotExist.
func (c Cgroup) Populated() (bool, error) {
	if c.dir == "" {
		return false, errNoCgroup
	}
	events, err := readAt(unix.AT_FDCWD, filepath.Join(c.dir, "cgroup.events"))
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

// member reports whether the process whose /proc/PID is dir belongs to the
// cgroup. In /proc/PID/cgroup the line of version 2 is "0::/cage/NAME".
func (c Cgroup) member(dir int) bool {
	if c.rel == "" {
		return false
	}
	lines, err := readAt(dir, "cgroup")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(lines)) {
		if path, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::"); ok {
			return path == c.rel || strings.HasPrefix(path, c.rel+"/")
		}
	}
	return false
}

// Processes lists the members of the cgroup and of those below it, How being
// "cgroup" and Path the working directory. A missing cgroup has none.
func (c Cgroup) Processes() ([]Process, error) {
	pids, err := c.PIDs()
	var members []Process
	for _, pid := range pids {
		dir, err := openPID(pid)
		if err != nil {
			continue // gone
		}
		if p, ok := describe(dir, pid, "cgroup", "cwd"); ok {
			members = append(members, p)
		}
		unix.Close(dir)
	}
	return members, err
}
