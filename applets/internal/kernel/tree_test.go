package kernel

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// everyWay runs a test with each of the ways in which MountTree mounts.
func everyWay(t *testing.T, f func(t *testing.T, mount func(string, Layers, []FS) error)) {
	t.Run("detached", func(t *testing.T) {
		needsLinux(t, 6, 15)
		f(t, mountDetached)
	})
	t.Run("cloned", func(t *testing.T) { f(t, mountCloned) })
	t.Run("in turn", func(t *testing.T) { f(t, mountInTurn) })
	t.Run("whichever", func(t *testing.T) { f(t, MountTree) })
}

// insideAll are filesystems of every kind that a cage has inside.
var insideAll = []FS{
	{Type: "proc", Source: "proc", At: "proc", Flags: NoSuid | NoDev | NoExec},
	{Type: "sysfs", Source: "sys", At: "sys", Flags: NoSuid | NoDev | NoExec},
	{Type: "devtmpfs", Source: "dev", At: "dev", Flags: NoSuid},
	{Type: "devpts", Source: "devpts", At: "dev/pts", Flags: NoSuid | NoExec, Data: "newinstance,ptmxmode=0666,mode=0620,gid=5"},
	{Type: "tmpfs", Source: "shm", At: "dev/shm", Flags: NoSuid | NoDev, Data: "mode=1777"},
	{Type: "tmpfs", Source: "tmp", At: "tmp", Flags: NoSuid | NoDev, Data: "mode=1777"},
}

// treeIn makes what an overlay with insideAll in it needs.
func treeIn(t *testing.T, dir string) (point string, o Layers) {
	t.Helper()
	o = layersIn(t, dir, "top", "middle", "bottom")
	mkdirs(t, dir+"/mnt", dir+"/middle/proc", dir+"/bottom/sys", dir+"/top/dev", dir+"/bottom/tmp")
	return dir + "/mnt", o
}

// TestMountTree wants the same of each way, as findmnt(8) sees it. How an overlay
// names its layers differs, so these are compared by device and inode.
func TestMountTree(t *testing.T) {
	dir := scratch(t)
	point, o := treeIn(t, dir)
	var first string
	everyWay(t, func(t *testing.T, mount func(string, Layers, []FS) error) {
		files := openFiles(t)
		if err := mount(point, o, insideAll); err != nil {
			t.Fatal(err)
		}
		if n := openFiles(t); n != files {
			t.Errorf("%d files open, %d before", n, files)
		}
		wantOverlay(t, point, o)
		var seen []string
		for line := range strings.Lines(run(t, "findmnt", "-R", "-l", "-n", "-o", "TARGET,FSTYPE,SOURCE,FSROOT,VFS-OPTIONS,FS-OPTIONS", point)) {
			before, _, _ := strings.Cut(line, ",lowerdir")
			seen = append(seen, strings.Join(strings.Fields(before), " "))
		}
		slices.Sort(seen) // ids are given again, and then not in the order of mounting
		got := strings.Join(seen, "\n")
		if first == "" {
			first = got
		}
		if len(seen) != 1+len(insideAll) || got != first {
			t.Errorf("mounted:\n%s\nand the first way:\n%s", got, first)
		}
		for i := range insideAll {
			if err := Unmount(point + "/" + insideAll[len(insideAll)-1-i].At); err != nil {
				t.Error(err)
			}
		}
		if err := Unmount(point); err != nil {
			t.Error(err)
		}
	})
	for _, want := range []string{
		point + " overlay overlay / rw,relatime rw", "/dev devtmpfs dev / rw,nosuid,relatime ",
		"/dev/pts devpts devpts / rw,nosuid,noexec,relatime rw,gid=5,mode=620,ptmxmode=666",
		"/proc proc proc / rw,nosuid,nodev,noexec,relatime rw", "/tmp tmpfs tmp / rw,nosuid,nodev,relatime rw",
	} {
		if !strings.Contains(first, want) {
			t.Errorf("no %q in\n%s", want, first)
		}
	}
}

// TestVolatileTree: the kernel marks the work directory, and mounts it never again
// before the mark is gone.
func TestVolatileTree(t *testing.T) {
	needsLinux(t, 5, 10)
	dir := scratch(t)
	point, o := treeIn(t, dir)
	o.Volatile = true
	mark := filepath.Join(o.Work, "work/incompat")
	mountByText := func(point string, o Layers, _ []FS) error {
		return unix.Mount("overlay", point, "overlay", 0, must1(OverlayOptions(o)))
	}
	check := func(t *testing.T, mount func(string, Layers, []FS) error) {
		must(mount(point, o, nil))
		must1(os.Lstat(mark + "/volatile"))
		must(Unmount(point))
		if err := mount(point, o, nil); err == nil {
			t.Error("it was mounted again")
			must(Unmount(point))
		}
		must(os.RemoveAll(mark))
	}
	everyWay(t, check)
	t.Run("text", func(t *testing.T) { check(t, mountByText) })
}

func TestMountTreeFailsWhole(t *testing.T) {
	for _, c := range []struct {
		name string
		fs   FS
		want error
	}{
		{"no such type", FS{Type: "cagefs", Source: "x", At: "tmp"}, unix.ENODEV},
		{"no such directory", FS{Type: "tmpfs", Source: "x", At: "none"}, unix.ENOENT},
		{"no such directory in dev", FS{Type: "tmpfs", Source: "x", At: "dev/none/shm"}, unix.ENOENT},
		{"no such option", FS{Type: "tmpfs", Source: "x", At: "tmp", Data: "mode=sticky"}, unix.EINVAL},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := scratch(t)
			point, o := treeIn(t, dir)
			everyWay(t, func(t *testing.T, mount func(string, Layers, []FS) error) {
				files := openFiles(t)
				err := mount(point, o, append(insideAll[:3:3], c.fs))
				if !errors.Is(err, c.want) || !strings.HasPrefix(err.Error(), "cannot mount "+c.fs.on(point)+": ") || strings.Contains(err.Error(), "\n") {
					t.Errorf("error: %v", err)
				}
				if left := pointsBelow(dir); len(left) != 0 {
					t.Errorf("left mounted: %q", left)
				}
				if used, err := UpperInUse(o.Upper); used || err != nil {
					t.Errorf("UpperInUse = %v, %v", used, err)
				}
				if n := openFiles(t); n != files {
					t.Errorf("%d files open, %d before", n, files)
				}
			})
		})
	}
}

// many makes so many layers in dir.
func many(t *testing.T, dir string, n int) Layers {
	t.Helper()
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("layer-%03d", i))
	}
	return layersIn(t, dir, names...)
}

// TestLacking tells a kernel without a call from a mount that is wrong.
func TestLacking(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&mountError{"overlay", "", unix.EINVAL}, true},
		{&mountError{"overlay", "VFS: Legacy: Option 'lowerdir+' contained comma", unix.EINVAL}, true},
		{&mountError{"overlay", "VFS: Legacy: Cumulative options too large", unix.EINVAL}, true},
		{&mountError{"overlay", "overlay: workdir and upperdir must reside under the same mount", unix.EINVAL}, false},
		{&mountError{"overlay", "", unix.ENOENT}, false},
	} {
		if got := lacking(c.err); got != c.want {
			t.Errorf("lacking(%v) = %v", c.err, got)
		}
	}
}

func TestManyLayers(t *testing.T) {
	for _, n := range []int{60, 400, 500} {
		if n > 60 {
			needsLinux(t, 6, 8) // lowerdir+
		}
		dir := scratch(t)
		o := many(t, dir, n)
		mkdirs(t, dir+"/mnt")
		if err := MountTree(dir+"/mnt", o, nil); err != nil {
			t.Fatalf("%d layers: %v", n, err)
		}
		wantOverlay(t, dir+"/mnt", o)
	}
	dir := scratch(t)
	o := many(t, dir, 501)
	mkdirs(t, dir+"/mnt")
	want := "cannot mount overlay on " + dir + "/mnt: overlay: too many lower directories, limit is 500"
	if err := MountTree(dir+"/mnt", o, nil); err == nil || err.Error() != want {
		t.Errorf("501 layers: %v", err)
	}
	if left := pointsBelow(dir); len(left) != 0 {
		t.Errorf("left mounted: %q", left)
	}
}

// TestOptionsMax takes the longest option string that mount(2) does not cut, and
// refuses one byte more.
func TestOptionsMax(t *testing.T) {
	dir := scratch(t)
	mkdirs(t, dir+"/mnt")
	o := many(t, dir, 14)
	room := optionsMax - len(must1(OverlayOptions(o))) - len(":")
	last := (dir + strings.Repeat("/"+strings.Repeat("n", 150), 30))[:room-1] + "n"
	put(t, last+"/layer14", filepath.Base(last))
	o.Lower = append(o.Lower, last)
	options, err := OverlayOptions(o)
	if err != nil || len(options) != optionsMax {
		t.Fatalf("%d bytes of options, %v", len(options), err)
	}
	must(unix.Mount("overlay", dir+"/mnt", "overlay", 0, options))
	wantOverlay(t, dir+"/mnt", o)
	o.Lower[0] += "n"
	const want = "15 layers need 4096 bytes of options, and mount(2) takes 4095"
	if _, err := OverlayOptions(o); err == nil || err.Error() != want {
		t.Errorf("one byte more: %v", err)
	}
}
