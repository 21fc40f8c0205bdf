package kernel

import (
	"errors"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Visit is this process inside a tree, chroot(2), able to turn into a program
// there, or to start one there and go back.
type Visit struct {
	root, cwd int // where it came from
	cgroup    int // -1: there is none
}

// Guest is a program that is to run inside a tree.
type Guest struct {
	Path      string // inside
	Args, Env []string
	As        syscall.Credential
	Terminal  *Terminal // nil: this process's standard input, output and error
}

// Enter makes root the root and working directory of this process until Leave.
// What follows is to run in the cgroup; where there can be none the root
// directory tells whose it is. Meanwhile this process resolves names as the tree
// has them, and its own standard descriptors are all that a program inherits.
func Enter(root string, g Cgroup) (*Visit, error) {
	if err := closeOnExec(); err != nil {
		return nil, Cannot("enter", root, err)
	}
	v := &Visit{root: -1, cwd: -1}
	v.cgroup, _ = g.Make()
	const flags = unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC
	var err error
	if v.root, err = unix.Open("/", flags, 0); err == nil {
		v.cwd, err = unix.Open(".", flags, 0)
	}
	if err == nil {
		if err = unix.Chroot(root); err == nil {
			err = unix.Chdir("/")
		}
	}
	if err != nil {
		_ = v.Leave()
		return nil, Cannot("enter", root, err)
	}
	return v, nil
}

// Leave brings this process back to where it was.
func (v *Visit) Leave() error {
	var err error
	if v.cwd >= 0 {
		if err = unix.Fchdir(v.root); err == nil {
			err = unix.Chroot(".")
		}
		if err == nil {
			err = unix.Fchdir(v.cwd)
		}
	}
	for _, fd := range []int{v.root, v.cwd, v.cgroup} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	*v = Visit{-1, -1, -1}
	if err != nil {
		return Cannot("leave", "the tree", err)
	}
	return nil
}

// Exec turns this process into the guest; it returns only on an error, the bare
// cause.
func (v *Visit) Exec(g Guest) error {
	if fd, err := unix.Openat(v.cgroup, "cgroup.procs", unix.O_WRONLY|unix.O_CLOEXEC, 0); err == nil {
		_, _ = unix.Write(fd, []byte("0"))
		unix.Close(fd)
	}
	// The thread that calls execve(2) is the one that the program goes on in.
	runtime.LockOSThread()
	groups := make([]int, len(g.As.Groups))
	for i, id := range g.As.Groups {
		groups[i] = int(id)
	}
	uid, gid := int(g.As.Uid), int(g.As.Gid)
	if err := unix.Setgroups(groups); err != nil {
		return err
	}
	if err := unix.Setresgid(gid, gid, gid); err != nil {
		return err
	}
	if err := unix.Setresuid(uid, uid, uid); err != nil {
		return err
	}
	err := unix.Exec(g.Path, g.Args, g.Env)
	if err == unix.ENOEXEC {
		g = g.script()
		err = unix.Exec(g.Path, g.Args, g.Env)
	}
	return err
}

// script is the guest as execvp(3) has one that is a script without #!: sh(1) reads it.
func (g Guest) script() Guest {
	g.Path, g.Args = "/bin/sh", append([]string{"sh", g.Path}, g.Args[1:]...)
	return g
}

// Start starts the guest; the error is an *os.PathError then.
func (v *Visit) Start(g Guest) (*Child, error) {
	c := &Child{terminal: g.Terminal}
	attr := &syscall.ProcAttr{Env: g.Env, Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Credential: &g.As}}
	if t := g.Terminal; t != nil {
		// Open here it would keep the tree busy, and hide that all others are gone.
		defer t.peer.Close()
		attr.Files = []uintptr{t.peer.Fd(), t.peer.Fd(), t.peer.Fd()}
		attr.Sys.Setsid, attr.Sys.Setctty = true, true
	}
	var err error
	c.process, err = startIn(v.cgroup, g.Path, g.Args, attr)
	if errors.Is(err, unix.ENOEXEC) {
		g = g.script()
		c.process, err = startIn(v.cgroup, g.Path, g.Args, attr)
	}
	if err != nil && g.Terminal != nil {
		unix.Close(g.Terminal.master)
	}
	return c, err
}
