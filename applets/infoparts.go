package applets

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"cage/applets/internal/kernel"
	"cage/applets/internal/store"
)

// infoProcesses is who is inside, by root directory or cgroup, and who else holds
// the cage's mounts or upper directory.
func (s *session) infoProcesses(l *listed, c *store.Cage) (object, error) {
	tree, group := l.facts.kernelTree(), cgroupOf(c)
	var holding []kernel.Process
	var others []string
	if l.facts.mounted() {
		var err error
		if holding, err = kernel.Holders(tree); err != nil {
			return nil, err
		}
		others = kernel.OtherHolders(tree)
	} else if l.mounts {
		if used, err := kernel.UpperInUse(c.Root); err == nil && used {
			others = append([]string{"an overlay that has its root"}, kernel.UpperHolders(c.Root)...)
		}
	}
	members, err := group.Processes()
	if err != nil {
		return nil, err
	}
	inside, holders := []object{}, []object{}
	seen := map[int]bool{}
	for _, p := range holding {
		if p.How == "root" {
			inside, seen[p.PID] = append(inside, infoProcess(p)), true
		}
	}
	for _, p := range members {
		if !seen[p.PID] {
			inside, seen[p.PID] = append(inside, infoProcess(p)), true
		}
	}
	for _, p := range holding {
		if !seen[p.PID] {
			holders = append(holders, infoProcess(p))
		}
	}
	var cgroup any
	if exists(group.String()) {
		cgroup = group.String()
	}
	return object{{"cgroup", cgroup}, {"inside", inside}, {"holders", holders}, {"other_holders", append([]string{}, others...)}}, nil
}

func infoProcess(p kernel.Process) object {
	return object{{"pid", p.PID}, {"command", p.Comm}, {"how", p.How}, {"path", p.Path}}
}

// infoMounts are the mounts in the cage or its directory beside those of cage-up.
func infoMounts(l *listed) []object {
	own := map[string]bool{} // its points, each until its mount was met
	if l.facts.mounted() {
		own[l.facts.mount.Point] = true
		for _, fs := range inside {
			own[filepath.Join(l.facts.mount.Point, fs.At)] = true
		}
		for _, m := range l.cage.Mounts {
			own[filepath.Join(l.facts.mount.Point, m.At)] = true
		}
	}
	all := slices.Clone(l.facts.tree)
	slices.Reverse(all) // what lies below comes first
	elsewhere, _ := kernel.Under(l.Dir)
	mounts, seen := []object{}, map[uint64]bool{}
	for _, m := range append(all, elsewhere...) {
		if !seen[m.ID] && !own[m.Point] {
			mounts = append(mounts, object{{"type", m.Type}, {"path", m.Point}})
		}
		seen[m.ID], own[m.Point] = true, false
	}
	return mounts
}

// infoHoles are the places of the host that are empty in the snapshots that the
// cage, or the base, stands on.
func (s *session) infoHoles(l *listed, c *store.Cage) []object {
	dirs := []string{realRoot(c)}
	for _, x := range l.layers {
		dirs = append(dirs, x.Dir)
	}
	dirs = slices.DeleteFunc(dirs, func(dir string) bool { return !s.isSnapshot(dir) })
	holes := []object{}
	if len(dirs) == 0 {
		return holes
	}
	found := s.holes()
	for _, dir := range dirs {
		for _, h := range found {
			rel, ok := below(s.store.Host, h.path)
			if ok && isHole(filepath.Join(dir, rel), h) {
				holes = append(holes, object{{"path", h.path}, {"why", h.why}, {"snapshot", dir}})
			}
		}
	}
	return holes
}

// isHole tells whether a directory of a snapshot is empty for what the host has in
// its place. btrfs leaves an inode number 2 where a subvolume was.
func isHole(path string, h hole) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() {
		return false
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && h.subvolume {
		return st.Ino == 2
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	_, err = f.Readdirnames(1)
	return errors.Is(err, io.EOF)
}
