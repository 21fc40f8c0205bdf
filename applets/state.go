package applets

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"cage/applets/internal/kernel"
	"cage/applets/internal/store"
)

// The five filesystems of the article, and devpts, in the order of mounting.
// A devpts of the cage's own lies on dev, so that terminals work inside; it is
// no part of being up.
var inside = []kernel.FS{
	{Type: "proc", Source: "proc", At: "proc", Flags: kernel.NoSuid | kernel.NoDev | kernel.NoExec},
	{Type: "sysfs", Source: "sys", At: "sys", Flags: kernel.NoSuid | kernel.NoDev | kernel.NoExec},
	{Type: "devtmpfs", Source: "dev", At: "dev", Flags: kernel.NoSuid}, // nodev or noexec would break it
	{Type: "devpts", Source: "devpts", At: "dev/pts", Flags: kernel.NoSuid | kernel.NoExec, Data: "newinstance,ptmxmode=0666,mode=0620,gid=5"},
	{Type: "tmpfs", Source: "tmpfs", At: "dev/shm", Flags: kernel.NoSuid | kernel.NoDev, Data: "mode=1777"},
	{Type: "tmpfs", Source: "tmpfs", At: "tmp", Flags: kernel.NoSuid | kernel.NoDev, Data: "mode=1777"},
}

// state is what the mount table says of a cage, or its files.
type state string

const (
	down state = "down"
	half state = "half"
	up   state = "up"

	isBase state = "base"   // never up
	broken state = "broken" // its files do not make a cage, or something else is mounted in its place
)

// facts are what the kernel says of a cage's mounts.
type facts struct {
	state   state
	mount   kernel.Mount   // the overlay, unless down
	tree    []kernel.Mount // it and all below, in the order of unmounting
	missing []kernel.FS    // of `inside`, what is not there
	without []store.Mount  // of the cage's own mounts, what is not there
}

// errForeign says that something else is mounted on a cage's mountpoint.
var errForeign = errors.New("something else is mounted there")

// look asks the kernel whether the cage is up.
func look(c *store.Cage) (facts, error) {
	return lookBy(c, kernel.MountOn, kernel.Below)
}

// lookBy is look with others to ask what is mounted on a place, and what below
// that: for many cages a copy of the mount table, for one the kernel itself.
func lookBy(c *store.Cage, on func(string) (kernel.Mount, bool, error), below func(kernel.Mount) ([]kernel.Mount, error)) (facts, error) {
	m, ok, err := on(c.Mountpoint)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !ok {
		return facts{state: down}, nil
	}
	if err != nil {
		return facts{}, err
	}
	if err := mine(c, m); err != nil {
		return facts{}, err
	}
	f := facts{state: up, mount: m}
	if f.tree, err = below(m); err != nil {
		return facts{}, err
	}
	for _, fs := range inside {
		if f.has(fs.At) {
			continue
		}
		f.missing = append(f.missing, fs)
		if fs.Type != "devpts" {
			f.state = half
		}
	}
	f.without = slices.DeleteFunc(slices.Clone(c.Mounts), func(own store.Mount) bool { return f.has(own.At) })
	return f, nil
}

// mounted tells whether the overlay is.
func (f facts) mounted() bool { return len(f.tree) > 0 }

// has tells whether something is mounted at a place inside.
func (f facts) has(at string) bool {
	return slices.ContainsFunc(f.tree, func(x kernel.Mount) bool { return x.Point == filepath.Join(f.mount.Point, at) })
}

// isDown tells whether a cage is known to be down.
func (s *session) isDown(e store.Entry) bool {
	c, err := e.Load()
	if err != nil {
		return false
	}
	f, err := look(c)
	return err == nil && f.state == down
}

// mine returns an error unless the mount is the overlay of the cage.
func mine(c *store.Cage, m kernel.Mount) error {
	is, known := kernel.IsUpper(m, c.Root)
	if !known {
		var err error
		if is, err = kernel.UpperInUse(c.Root); err != nil {
			return err
		}
	}
	if !is {
		return withHint(fmt.Errorf("cannot use the mountpoint %s: %w (%s)", c.Mountpoint, errForeign, m.Type), "umount %s", c.Mountpoint)
	}
	return nil
}

// cgroupOf returns the cgroup of a cage; one that cannot be or is not there has
// nobody in it.
func cgroupOf(c *store.Cage) kernel.Cgroup {
	g, _ := kernel.CgroupOf(c.UUID)
	return g
}

// kernelTree describes the cage's mounts to those who look for processes in them.
func (f facts) kernelTree() kernel.Tree {
	t := kernel.Tree{IDs: map[uint64]bool{}, Dev: f.mount.Dev, Point: f.mount.Point}
	for _, m := range f.tree {
		t.IDs[m.ID] = true
	}
	return t
}
