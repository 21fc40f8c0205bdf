package kernel

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Members returns the numbers of the processes that End would end now.
func Members(t Tree, c Cgroup, also func(Process) bool) ([]int, error) {
	var pids []int
	e := ending{tree: t, cgroup: c, also: also, spared: append(callers(), 1)}
	all, err := e.each(func(h held) { pids = append(pids, h.pid) })
	for _, h := range all {
		h.close()
	}
	slices.Sort(pids)
	return slices.Compact(pids), err
}

// Owner returns the owner and group of a file.
func Owner(info os.FileInfo) (uid, gid int) {
	st := info.Sys().(*syscall.Stat_t)
	return int(st.Uid), int(st.Gid)
}

// UpperHolders says, a phrase each, which overlay mounts of any mount namespace
// have dir as their upper directory, as far as their mount tables tell.
func UpperHolders(dir string) []string {
	var phrases []string
	eachNamespace(func(pid int, comm string, table []Mount) {
		for _, m := range table {
			if is, known := IsUpper(m, dir); is && known {
				phrases = append(phrases, "mounted at "+m.Point+inNamespace(pid, comm))
			}
		}
	})
	return phrases
}

// UpperDevice returns the device of the overlay that has dir as its upper
// directory, as the mount table of any namespace tells.
func UpperDevice(dir string) (dev uint64, ok bool) {
	eachNamespace(func(_ int, _ string, table []Mount) {
		for _, m := range table {
			if is, known := IsUpper(m, dir); is && known {
				dev, ok = m.Dev, true
			}
		}
	})
	return dev, ok
}

// inNamespace names a mount namespace by a process in it; this one needs no name.
func inNamespace(pid int, comm string) string {
	if pid == os.Getpid() {
		return ""
	}
	return fmt.Sprintf(" in the mount namespace of %d %s", pid, comm)
}

// eachNamespace calls f once for every mount namespace that a process is in,
// this process's own first.
func eachNamespace(f func(pid int, comm string, table []Mount)) {
	seen := map[string]bool{}
	visit := func(pid int) {
		proc := "/proc/" + strconv.Itoa(pid)
		ns, err := os.Readlink(proc + "/ns/mnt")
		if err != nil || seen[ns] {
			return
		}
		seen[ns] = true
		table, err := os.ReadFile(proc + "/mountinfo")
		if err != nil {
			return
		}
		comm, _ := os.ReadFile(proc + "/comm")
		f(pid, strings.TrimSuffix(string(comm), "\n"), parseMountinfo(string(table)))
	}
	visit(os.Getpid())
	_ = eachPID(func(_, pid int) { visit(pid) })
}

// Cgroups returns the cgroups of all cages.
func Cgroups() []Cgroup {
	parent, ok := CgroupOf("")
	if !ok {
		return nil
	}
	var list []Cgroup
	entries, _ := os.ReadDir(parent.dir)
	for _, e := range entries {
		if g, ok := CgroupOf(e.Name()); ok && e.IsDir() {
			list = append(list, g)
		}
	}
	return list
}

// String returns the directory of the cgroup.
func (c Cgroup) String() string { return c.dir }
