package kernel

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Standing is a mount that shows what is in a filesystem, or in a subvolume of
// btrfs: each of those has a device of its own.
type Standing struct {
	Dev   uint64
	Where string // in words
	Upper string // of an overlay: its upper directory as the mount table has it, or ""
}

// Standings returns the overlays of every mount namespace, once for each lower
// directory that can be looked up, and the mounts of btrfs subvolumes. The kernel
// itself protects none of what they show: a subvolume is deleted beneath them.
func Standings() []Standing {
	var all []Standing
	pins := map[string]string{} // where a namespace is mounted, as unshare --mount=FILE does
	seen := eachNamespace(func(pid int, comm string, table []Mount) {
		root := "/proc/" + strconv.Itoa(pid) + "/root"
		all = append(all, standings(table, root, inNamespace(pid, comm))...)
		for _, m := range table {
			if m.Type == "nsfs" && strings.HasPrefix(m.Root, "mnt:") {
				pins[m.Root] = root + m.Point
			}
		}
	})
	for ns, path := range pins {
		if seen[ns] {
			continue
		}
		var table []Mount
		look := func() { all = append(all, standings(table, "", " in the mount namespace "+ns)...) }
		if insideNamespace(path, func(t []Mount) { table = t; look() }) == nil {
			look()
		}
	}
	return all
}

// standings returns those of one namespace, whose root directory root is.
func standings(table []Mount, root, where string) (all []Standing) {
	for _, m := range table {
		var paths []string
		what := "the mount on "
		upper, _ := UpperDir(m)
		switch m.Type {
		case "btrfs":
			paths = []string{root + m.Point}
		case "overlay":
			what = "the overlay on "
			for _, dir := range LowerDirs(m) {
				// Whoever mounted it may have had another root than this process of the namespace.
				paths = append(paths, root+dir, dir)
			}
		}
		for _, path := range paths {
			if dev, ok := Device(path); ok {
				all = append(all, Standing{dev, what + m.Point + where, upper})
			}
		}
	}
	return all
}

// Device returns the device of the filesystem, or btrfs subvolume, that path is in.
func Device(path string) (dev uint64, ok bool) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return 0, false
	}
	return st.Dev, true
}
