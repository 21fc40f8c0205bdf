package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Holders lists every process but this one that keeps the tree busy: by root,
// working directory, executable, open file, mapping or a thread's directories,
// one entry each with the first of these that was found. It looks at every
// descriptor of every process and so is for the rare case that an unmount says
// EBUSY. A descriptor on its way through a socket is beyond its sight.
func Holders(t Tree) ([]Process, error) {
	var holders []Process
	err := eachPID(func(_, pid int) {
		dir, err := openPID(pid)
		if err != nil {
			return
		}
		defer unix.Close(dir)
		how, at := t.heldBy(dir)
		if how == "" {
			return
		}
		if p, ok := describe(dir, pid, how, at); ok {
			holders = append(holders, p)
		}
	})
	return holders, err
}

// heldBy finds what the process whose /proc/PID is dir holds of the tree, and
// where that is seen; how is empty where it holds nothing.
func (t Tree) heldBy(dir int) (how, at string) {
	if at, in := t.rooted(dir, ""); in {
		return "root", at
	}
	for _, at := range []string{"cwd", "exe"} {
		if in, _ := t.has(dir, at); in {
			return at, at
		}
	}
	if at := t.among(dir, "fd"); at != "" {
		return "fd", at
	}
	if at := t.among(dir, "map_files"); at != "" { // proc_pid_map_files(5), needs CAP_SYS_ADMIN
		return "map", at
	}
	for _, tid := range list(dir, "task") {
		for _, at := range []string{"task/" + tid + "/root", "task/" + tid + "/cwd"} {
			if in, _ := t.has(dir, at); in {
				return "thread", at
			}
		}
		// a thread may have descriptors of its own, and outlive the leader's
		if at := t.among(dir, "task/"+tid+"/fd"); at != "" {
			return "thread", at
		}
	}
	return "", ""
}

// among returns the first link in a directory that leads into the tree.
func (t Tree) among(dir int, name string) string {
	for _, entry := range list(dir, name) {
		at := name + "/" + entry
		if in, _ := t.has(dir, at); in {
			return at
		}
	}
	return ""
}

// OtherHolders says, a phrase each, what keeps the tree busy or its layers in
// use beside processes: loop devices on files in it, and mounts of the same
// overlay at another place or in another mount namespace.
func OtherHolders(t Tree) []string {
	var phrases []string
	disks, _ := os.ReadDir("/sys/block")
	for _, d := range disks {
		path, err := os.ReadFile("/sys/block/" + d.Name() + "/loop/backing_file")
		if backing := strings.TrimSuffix(string(path), "\n"); err == nil && strings.HasPrefix(backing, t.Point+"/") {
			phrases = append(phrases, fmt.Sprintf("loop device /dev/%s on %s", d.Name(), backing))
		}
	}
	eachNamespace(func(pid int, comm string, table []Mount) {
		for _, m := range table {
			if m.Dev == t.Dev && !(pid == os.Getpid() && t.IDs[m.ID]) {
				phrases = append(phrases, "a mount of the same overlay at "+m.Point+inNamespace(pid, comm))
			}
		}
	})
	return phrases
}

// CallerInside reports whether this process or one of its parents belongs to
// the cage, by root directory, working directory or cgroup, and which.
func CallerInside(t Tree, c Cgroup) (Process, bool) {
	if populated, err := c.Populated(); err == nil && !populated || errors.Is(err, fs.ErrNotExist) {
		c = Cgroup{} // a caller in it would be counted
	}
	for pid := os.Getpid(); pid > 0; {
		dir, err := openPID(pid)
		if err != nil {
			break
		}
		p, in := belongs(t, c, dir, pid)
		if pid == os.Getpid() {
			pid = os.Getppid() // the stat is slow to come
		} else if !in {
			pid, _, err = parentAndTerminal(dir)
		}
		unix.Close(dir)
		if in || err != nil {
			return p, in
		}
	}
	return Process{}, false
}

// belongs reports whether the caller pid, whose /proc/PID is dir, belongs to the
// cage, and by what.
func belongs(t Tree, c Cgroup, dir, pid int) (Process, bool) {
	for _, how := range []string{"root", "cwd"} {
		if in, _ := t.has(dir, how); in {
			return describe(dir, pid, how, how)
		}
	}
	if c.member(dir) {
		return describe(dir, pid, "cgroup", "cwd")
	}
	return Process{}, false
}

// callers are this process, its parent, the parent's parent and so on.
func callers() []int {
	var pids []int
	for pid := os.Getpid(); pid > 0; {
		pids = append(pids, pid)
		dir, err := openPID(pid)
		if err != nil {
			break
		}
		pid, _, err = parentAndTerminal(dir)
		unix.Close(dir)
		if err != nil {
			break
		}
	}
	return pids
}
