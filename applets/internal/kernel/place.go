package kernel

import "golang.org/x/sys/unix"

// Tree says which files are a cage's: those on the mounts it consists of.
type Tree struct {
	// IDs are the mount ids of the cage's mounts, as STATX_MNT_ID and the
	// first column of mountinfo give them (the old, reusable ids).
	IDs map[uint64]bool
	// Dev is the st_dev of the cage's overlay. Seen from another mount
	// namespace the ids differ and the device does not. 0 matches nothing.
	Dev uint64
	// Point is the mountpoint of the overlay, absolute.
	Point string
}

// none reports whether there is nothing to recognise the tree by.
func (t Tree) none() bool {
	return len(t.IDs) == 0 && t.Dev == 0
}

// place is where a file lies: on which mount, on which device. Before Linux 5.8
// there is no mount id, and it is 0, which is none.
type place struct{ mount, dev uint64 }

// placeOf says where the file that name leads to lies. The flags keep statx(2)
// from waiting for a dead network filesystem.
func placeOf(dir int, name string) (p place, err error) {
	var st unix.Statx_t
	err = unix.Statx(dir, name, unix.AT_NO_AUTOMOUNT|unix.AT_STATX_DONT_SYNC, unix.STATX_MNT_ID, &st)
	if st.Mask&unix.STATX_MNT_ID != 0 {
		p.mount = st.Mnt_id
	}
	p.dev = unix.Mkdev(st.Dev_major, st.Dev_minor)
	return p, err
}

// holds reports whether a place is in the tree.
func (t Tree) holds(p place) bool {
	return p.mount != 0 && t.IDs[p.mount] || t.Dev != 0 && p.dev == t.Dev
}

// has reports whether the file that name leads to lies in the tree.
func (t Tree) has(dir int, name string) (bool, error) {
	p, err := placeOf(dir, name)
	return err == nil && t.holds(p), err
}
