package kernel

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Process is a process that stands in a cage or holds something of it.
type Process struct {
	PID  int
	Comm string // the command's name, proc_pid_comm(5)
	How  string // what ties it to the cage: root, cwd, exe, fd, map, thread or cgroup
	Path string // what that is, as readlink says: the directory, the open file

	at string // where under /proc/PID that stands, such as "fd/7"; to look again
}

// Inside lists the cage's own processes: those whose root directory is in the
// tree. It is one pass over /proc with one statx(2) a process. This process is
// never among them, nor are kernel threads, whose root is the host's. Nobody
// found proves little: what forks fast and dies young can slip through a pass.
func Inside(t Tree) ([]Process, error) {
	var inside []Process
	err := eachPID(func(proc, pid int) {
		at, in := t.rooted(proc, strconv.Itoa(pid)+"/")
		if !in {
			return
		}
		dir, err := openPID(pid)
		if err != nil {
			return
		}
		defer unix.Close(dir)
		if p, ok := describe(dir, pid, "root", at); ok {
			inside = append(inside, p)
		}
	})
	return inside, err
}

// rooted reports whether the root directory of a process is in the tree, and
// where in its /proc/PID that was seen. It is looked up as prefix+"root" below dir.
func (t Tree) rooted(dir int, prefix string) (at string, in bool) {
	return rooted(dir, prefix, t.holds)
}

// rooted is that for any places. A zombie has no root, and nor has a thread group
// leader that has ended before its threads: then a living thread's counts.
func rooted(dir int, prefix string, holds func(place) bool) (at string, in bool) {
	p, err := placeOf(dir, prefix+"root")
	if err != unix.ENOENT {
		return "root", err == nil && holds(p)
	}
	// task counts a link for each thread, beside its own two
	var st unix.Stat_t
	if unix.Fstatat(dir, prefix+"task", &st, 0) != nil || st.Nlink <= 3 {
		return "", false
	}
	for _, tid := range list(dir, prefix+"task") {
		at = "task/" + tid + "/root"
		if p, err := placeOf(dir, prefix+at); err == nil && holds(p) {
			return at, true
		}
	}
	return "", false
}

// eachPID calls f with a descriptor of /proc and the id of each process but
// this one. It reads few names at a time: /proc lists by rising pid, so a pass
// that looks at each at once follows a chain of forks to its newest link,
// while one that lists all first finds them all dead.
func eachPID(f func(proc, pid int)) error {
	proc, err := unix.Open("/proc", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return Cannot("open", "/proc", err)
	}
	defer unix.Close(proc)
	self := os.Getpid()
	buf := make([]byte, 512)
	var names []string
	for {
		n, err := unix.ReadDirent(proc, buf)
		if err != nil {
			return Cannot("list", "/proc", err)
		}
		if n == 0 {
			return nil
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names[:0])
		for _, name := range names {
			if pid, err := strconv.Atoi(name); err == nil && pid != self {
				f(proc, pid)
			}
		}
	}
}

// list returns the names in a directory, none when it cannot be read: the
// process may have ended, or not let itself be looked at.
func list(dir int, name string) []string {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	names, _ := f.Readdirnames(-1)
	return names
}

// openPID opens /proc/PID. What is looked up below the descriptor is of that
// process for ever, and ESRCH once it is gone, whoever has its number then.
func openPID(pid int) (int, error) {
	return unix.Open("/proc/"+strconv.Itoa(pid), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
}

// describe makes a Process of what at, below the /proc/PID that dir is open
// on, leads to. It is not ok when the process has gone meanwhile.
func describe(dir, pid int, how, at string) (Process, bool) {
	comm, err := readAt(dir, "comm")
	if err != nil {
		return Process{}, false
	}
	path := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(dir, at, path)
	if err != nil {
		return Process{}, false
	}
	return Process{PID: pid, Comm: string(bytes.TrimSuffix(comm, []byte("\n"))), How: how, Path: string(path[:n]), at: at}, true
}

// readAt reads a small file of the kernel's below dir.
func readAt(dir int, name string) ([]byte, error) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	buf := make([]byte, 4096)
	n, err := unix.Read(fd, buf)
	if err != nil {
		return nil, err
	}
	return buf[:n], nil
}

// parentAndTerminal reads from the stat of the /proc/PID that dir is open on:
// "pid (comm) state ppid pgrp session tty_nr ...", where comm may hold blanks
// and parentheses (proc_pid_stat(5)). tty is 0 without a controlling terminal.
func parentAndTerminal(dir int) (ppid, tty int, err error) {
	line, err := readAt(dir, "stat")
	if err != nil {
		return 0, 0, err
	}
	f := strings.Fields(string(line[bytes.LastIndexByte(line, ')')+1:]))
	if len(f) < 5 {
		return 0, 0, fmt.Errorf("cannot read the stat of a process: %q", line)
	}
	return int(number(f[1])), int(number(f[4])), nil
}
