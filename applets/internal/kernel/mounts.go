package kernel

import (
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Mount is one mount of this process's mount namespace.
type Mount struct {
	ID, Parent uint64 // mount ids as proc_pid_mountinfo(5) shows them
	Dev        uint64 // st_dev of the filesystem
	Peers      uint64 // peer group of a shared mount, else 0 (mount_namespaces(7))
	Root       string // the directory of the filesystem that is mounted
	Point      string // where, as seen from this process's root directory
	Type       string // filesystem type
	Options    string // the filesystem's own options, octal escapes as the kernel wrote them

	unique uint64 // the id that is never reused (statx STATX_MNT_ID_UNIQUE, Linux 6.8); 0 from mountinfo
}

// Gone tells whether m, found by MountOn, is known to be unmounted since. Before Linux
// 6.8 a later mount that has got its number passes for it. The zero Mount is not gone.
func (m Mount) Gone() bool {
	switch {
	case m.ID == 0:
		return false
	case m.unique != 0:
		_, err := statmount(m.unique, statmountIDs)
		return err == unix.ENOENT
	}
	t, err := ReadTable()
	return err == nil && t.byID[m.ID].Dev != m.Dev // no filesystem has device 0
}

// MountOn returns the mount that path is the root of (the topmost, where several
// are stacked); ok is false where path is not a mount point. One statx(2) answers
// for a path that is not (STATX_ATTR_MOUNT_ROOT, Linux 5.8).
func MountOn(path string) (m Mount, ok bool, err error) {
	var st unix.Statx_t
	err = unix.Statx(unix.AT_FDCWD, path, unix.AT_NO_AUTOMOUNT, unix.STATX_MNT_ID|unix.STATX_MNT_ID_UNIQUE, &st)
	switch {
	case err == unix.ENOSYS || err == nil && st.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT == 0:
		return mountOnInTable(path)
	case err != nil:
		return m, false, Cannot("look at", path, err)
	case st.Attributes&unix.STATX_ATTR_MOUNT_ROOT == 0:
		return m, false, nil
	case st.Mask&unix.STATX_MNT_ID_UNIQUE != 0:
		if m, err = statmount(st.Mnt_id, statmountAll); err == nil {
			return m, true, nil
		}
	}
	return mountOnInTable(path)
}

// mountOnInTable is MountOn by the mount table alone.
func mountOnInTable(path string) (m Mount, ok bool, err error) {
	t, err := ReadTable()
	if err != nil {
		return m, false, err
	}
	return t.onByNumber(path)
}

// openMountID returns the id of the mount that path is on, and its real path.
func openMountID(path string) (id int, real string, err error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, "", err
	}
	defer unix.Close(fd)
	if id, err = mountID(fd); err == nil {
		real, err = filepath.EvalSymlinks(path)
	}
	return id, real, err
}

// Below returns m and every mount below it in the order in which they can be
// unmounted: the last first, what stands on a mount before it, and what hides
// another before that one.
func Below(m Mount) ([]Mount, error) {
	all, err := descendants(m)
	if err != nil {
		return nil, err
	}
	return unmountOrder(m, childrenOf(all)), nil
}

// childrenOf sorts mounts by the one that each stands on.
func childrenOf(all []Mount) map[uint64][]Mount {
	children := map[uint64][]Mount{}
	for _, x := range all {
		if x.ID != x.Parent {
			children[x.Parent] = append(children[x.Parent], x)
		}
	}
	return children
}

// unmountOrder is the order that Below says.
func unmountOrder(m Mount, children map[uint64][]Mount) []Mount {
	var order []Mount
	var visit func(Mount)
	visit = func(x Mount) {
		list := slices.Clone(children[x.ID])
		slices.Reverse(list)
		for len(list) > 0 {
			// Of two siblings the one higher up hides the other: a mount that was
			// made below it afterwards would be its child.
			i := slices.IndexFunc(list, func(a Mount) bool {
				return !slices.ContainsFunc(list, func(b Mount) bool { return strings.HasPrefix(a.Point, b.Point+"/") })
			})
			visit(list[i])
			list = slices.Delete(list, i, i+1)
		}
		order = append(order, x)
	}
	visit(m)
	return order
}

// descendants returns the mounts below m, m itself perhaps among them.
func descendants(m Mount) ([]Mount, error) {
	if m.unique != 0 {
		if list, err := listmount(m.unique, statmountAll); err == nil {
			return list, nil
		}
	}
	return Mounts()
}

// PeersOutside returns the mounts of tree, which is as Below returns it, that
// share their events with a mount outside of it: unmounting below such a one
// would unmount there too (mount_namespaces(7), "peer group"). Where the tree
// itself is seen at a second place because what it stands on is bound there,
// that copy is not meant: it came with the tree and is to go with it.
func PeersOutside(tree []Mount) ([]Mount, error) {
	if !slices.ContainsFunc(tree, func(m Mount) bool { return m.Peers != 0 }) || alone(tree) {
		return nil, nil
	}
	all, err := listmount(listmountRoot, statmountIDs)
	if err != nil {
		all, err = Mounts()
	}
	if err != nil {
		return nil, err
	}
	inside, peers := map[uint64]bool{}, map[uint64]uint64{}
	for _, m := range tree {
		inside[m.ID] = true
	}
	for _, m := range all {
		peers[m.ID] = m.Peers
	}
	root := tree[len(tree)-1]
	copyOf := map[uint64]uint64{} // from the id of a copy to that of the mount
	var list []Mount
	for _, m := range slices.Backward(tree) { // parents first
		outside := false
		for _, x := range all {
			if m.Peers == 0 || x.Peers != m.Peers || inside[x.ID] {
				continue
			}
			if copyOf[x.Parent] == m.Parent || m.ID == root.ID && peers[x.Parent] != 0 && peers[x.Parent] == peers[m.Parent] {
				copyOf[x.ID] = m.ID
			} else {
				outside = true
			}
		}
		if outside {
			list = append(list, m)
		}
	}
	slices.Reverse(list)
	return list, nil
}

// MakeSlave takes the mount at point and all below it, hidden ones too, out of
// their peer groups: they still receive the groups' mounts and unmounts and send
// none (mount(2), MS_SLAVE).
func MakeSlave(point string) error {
	if err := unix.Mount("", point, "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return Cannot("make slaves of the mounts on", point, err)
	}
	return nil
}

// Unmount unmounts the topmost mount at point, never lazily, and never follows
// a symbolic link (umount2(2), UMOUNT_NOFOLLOW). A busy one gives EBUSY.
func Unmount(point string) error {
	if err := unix.Unmount(point, unix.UMOUNT_NOFOLLOW); err != nil {
		return Cannot("unmount", point, err)
	}
	return nil
}
