package kernel

import "golang.org/x/sys/unix"

// Table is the mount table of one moment, for what looks at many places at once.
type Table struct {
	byID     map[uint64]Mount
	children map[uint64][]Mount
}

// ReadTable reads the whole mount table, once.
func ReadTable() (*Table, error) {
	all, err := Mounts()
	if err != nil {
		return nil, err
	}
	t := &Table{byID: make(map[uint64]Mount, len(all)), children: childrenOf(all)}
	for _, m := range all {
		t.byID[m.ID] = m
	}
	return t, nil
}

// On is MountOn, of the table: one statx(2), which follows links and knows what
// is on top of a stack, and no other call. What was mounted since is not there.
func (t *Table) On(path string) (m Mount, ok bool, err error) {
	var st unix.Statx_t
	err = unix.Statx(unix.AT_FDCWD, path, unix.AT_NO_AUTOMOUNT, unix.STATX_MNT_ID, &st)
	switch {
	case err == unix.ENOSYS || err == nil && st.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT == 0:
		return t.onByNumber(path)
	case err != nil:
		return m, false, Cannot("look at", path, err)
	case st.Attributes&unix.STATX_ATTR_MOUNT_ROOT == 0:
		return m, false, nil
	}
	m, ok = t.byID[st.Mnt_id]
	return m, ok, nil
}

// onByNumber is On before Linux 5.8. Which of the mounts at path is on top, and
// whether they are hidden, the table does not say; the number of the mount that
// an open file is on does.
func (t *Table) onByNumber(path string) (m Mount, ok bool, err error) {
	id, real, err := openMountID(path)
	if err != nil {
		return m, false, Cannot("look at", path, err)
	}
	if m, ok = t.byID[uint64(id)]; ok && m.Point == real {
		return m, true, nil
	}
	return Mount{}, false, nil
}

// Below is the function of that name, of the table.
func (t *Table) Below(m Mount) ([]Mount, error) { return unmountOrder(m, t.children), nil }
