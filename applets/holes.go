package applets

import (
	"path/filepath"
	"slices"
	"strings"

	"cage/applets/internal/kernel"
)

// hole is a place that a snapshot of the host has empty.
type hole struct {
	path, why string
	subvolume bool // not a mount
}

// holes returns the subvolumes nested in the host and the filesystems mounted on
// it, but for those that a cage mounts itself or that hold nothing to keep.
func (s *session) holes() []hole {
	host := s.store.Host
	var list []hole
	nested, err := kernel.NestedSubvolumes(host)
	if err == nil {
		for _, rel := range nested {
			path := filepath.Join(host, rel)
			if _, ok := below(s.store.Snapshots, path); !ok {
				list = append(list, hole{path, "a subvolume of its own", true})
			}
		}
	}
	mounts, err := kernel.Under(host)
	if err != nil {
		return list
	}
	for _, m := range mounts {
		top, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(m.Point, host), "/"), "/")
		_, caged := below(s.store.Data, m.Point)
		if m.Point != host && !caged && !slices.Contains([]string{"proc", "sys", "dev", "run", "tmp"}, top) {
			list = append(list, hole{m.Point, "a mount of " + m.Type, false})
		}
	}
	return list
}

// warnOfHost tells what is not in the copy of the host, and what is in it.
func (s *session) warnOfHost(o snapshotOptions) {
	host := s.store.Host
	if o.live {
		s.warn("cages now stand on %s itself: what changes on it shows in them, or breaks them; good for a quick look", host)
		for _, hole := range s.holes() {
			if !hole.subvolume {
				s.warn("%s is empty in the cages: it is %s", hole.path, hole.why)
			}
		}
		return
	}
	for _, hole := range s.holes() {
		s.warn("%s is empty in the snapshot: it is %s", hole.path, hole.why)
	}
	if _, inside := below(host, s.store.Data); inside {
		h, _, errH := kernel.Subvolume(host)
		d, ok, errD := kernel.SubvolumeOf(s.store.Data)
		if errH == nil && errD == nil && ok && h.ID == d.ID && h.Filesystem == d.Filesystem {
			s.warn("%s is in the snapshot: removed cages keep their space until it is deleted", s.store.Data)
		}
	}
}
