package kernel

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// scratch makes a directory for mounts of every kind. At the end what is still
// mounted in it is detached, and it is removed by what never crosses a mount: in
// a devtmpfs the host's own devices would go.
func scratch(t *testing.T) string {
	t.Helper()
	privateMounts(t)
	dir := must1(filepath.EvalSymlinks(must1(os.MkdirTemp("", "cage-test-"))))
	t.Cleanup(func() {
		for {
			points := pointsBelow(dir)
			if len(points) == 0 {
				break
			}
			for _, point := range points { // what a first one took along is no mount any more
				if err := unix.Unmount(point, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != unix.EINVAL && err != unix.ENOENT {
					must(err)
				}
			}
		}
		must(Remove(filepath.Dir(dir), filepath.Base(dir), "", nil))
	})
	return dir
}

// pointsBelow reads the mount points on dir and below it, sorted, with nothing of
// the product's: one line of /proc/self/mountinfo is "id parent dev root point ...".
func pointsBelow(dir string) []string {
	var points []string
	for line := range strings.Lines(string(must1(os.ReadFile("/proc/thread-self/mountinfo")))) {
		point := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(strings.Fields(line)[4])
		if point == dir || strings.HasPrefix(point, dir+"/") {
			points = append(points, point)
		}
	}
	slices.Sort(points)
	return points
}

func mkdirs(t *testing.T, paths ...string) {
	t.Helper()
	for _, path := range paths {
		must(os.MkdirAll(path, 0o755))
	}
}

// tmpfs mounts one on dir, made if it is missing. A name tells it from others.
func tmpfs(t *testing.T, name, dir string) {
	t.Helper()
	mkdirs(t, dir)
	must(unix.Mount(name, dir, "tmpfs", 0, ""))
}

// layersIn makes the directories of an overlay in dir, and in each lower one a
// file that only it has.
func layersIn(t *testing.T, dir string, lower ...string) Layers {
	t.Helper()
	o := Layers{Upper: dir + "/upper", Work: dir + "/work"}
	mkdirs(t, o.Upper, o.Work)
	for i, name := range lower {
		put(t, dir+"/"+name+"/who", name)
		put(t, dir+"/"+name+"/layer"+strconv.Itoa(i), name)
		o.Lower = append(o.Lower, dir+"/"+name)
	}
	return o
}

// wantOverlay wants at point the overlay of layersIn: by what is read in it, by
// where a new file lands, and by device and inode of what the kernel names.
func wantOverlay(t *testing.T, point string, o Layers) {
	t.Helper()
	mustHold(t, point+"/who", filepath.Base(o.Lower[0]))
	for i, dir := range o.Lower {
		mustHold(t, point+"/layer"+strconv.Itoa(i), filepath.Base(dir))
	}
	put(t, point+"/written", point)
	mustHold(t, o.Upper+"/written", point)
	must(os.Remove(point + "/written"))
	m, ok, err := MountOn(point)
	if err != nil || !ok || m.Type != "overlay" || m.Point != point {
		t.Fatalf("MountOn(%q) = %+v, %v, %v", point, m, ok, err)
	}
	dirs := LowerDirs(m)
	if !slices.EqualFunc(dirs, o.Lower, sameFile) {
		t.Errorf("LowerDirs = %q\nwant %q", dirs, o.Lower)
	}
	// A backslash can be read in two ways, and where both lead somewhere nothing is known.
	if is, known := IsUpper(m, o.Upper); !is && (known || !strings.Contains(m.Options, `\134`)) {
		t.Errorf("IsUpper = %v, %v of %s", is, known, m.Options)
	}
}

func sameFile(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(x, y)
}
