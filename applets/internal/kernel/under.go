package kernel

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Under returns every mount on dir or anywhere below it, whether dir is a mount
// point or not. dir must be a path without symbolic links.
func Under(dir string) ([]Mount, error) {
	if nothingUnder(dir) {
		return nil, nil
	}
	all, err := listmount(listmountRoot, statmountBasic)
	if err != nil {
		all, err = Mounts()
	}
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(m Mount) bool { return !m.isUnder(dir) }), nil
}

func (m Mount) isUnder(dir string) bool {
	return m.Point == dir || strings.HasPrefix(m.Point, strings.TrimSuffix(dir, "/")+"/")
}

// nothingUnder tells whether surely no mount is on dir or below it: then none of
// those that stand on the mount dir is in does. To ask where a mount is costs the
// kernel more than on what it stands, and all but a few stand in other cages.
func nothingUnder(dir string) bool {
	var st unix.Statx_t
	if unix.Statx(unix.AT_FDCWD, dir, unix.AT_NO_AUTOMOUNT, unix.STATX_MNT_ID, &st) != nil || st.Mask&unix.STATX_MNT_ID == 0 ||
		st.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT == 0 || st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0 {
		return false
	}
	buf := make([]byte, 4096)
	return nil == eachMount(listmountRoot, statmountIDs, func(m Mount) error {
		if m.Parent != st.Mnt_id {
			return nil
		}
		at, err := statmountInto(buf, m.unique, statmountIDs|statmountPoint)
		if err == nil && at.isUnder(dir) {
			err = unix.EBUSY
		}
		return err
	})
}

// alone tells whether surely no mount outside of tree is in one of its peer groups,
// as is usual, and keeps nothing of all that it looks at.
func alone(tree []Mount) bool {
	inside, groups := map[uint64]bool{}, map[uint64]bool{}
	for _, m := range tree {
		inside[m.ID], groups[m.Peers] = true, m.Peers != 0
	}
	return nil == eachMount(listmountRoot, statmountIDs, func(m Mount) error {
		if groups[m.Peers] && !inside[m.ID] {
			return unix.EBUSY
		}
		return nil
	})
}
