package kernel

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// showSubvolume is what btrfs(8) says of the subvolume path below the mount point top.
func showSubvolume(t *testing.T, top, path string) SubvolumeInfo {
	t.Helper()
	field := map[string]string{}
	for line := range strings.Lines(run(t, "btrfs", "subvolume", "show", top+path)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		field[key] = strings.TrimSpace(value)
	}
	id, err := strconv.ParseUint(field["Subvolume ID"], 10, 64)
	if err != nil {
		t.Fatalf("btrfs subvolume show %s: %v", top+path, field)
	}
	_, label, _ := strings.Cut(run(t, "btrfs", "filesystem", "show", top), "uuid: ")
	return SubvolumeInfo{
		Filesystem: rawUUID(t, strings.Fields(label)[0]),
		UUID:       rawUUID(t, field["UUID"]),
		ParentUUID: rawUUID(t, field["Parent UUID"]),
		ID:         id,
		ReadOnly:   field["Flags"] == "readonly",
	}
}

func rawUUID(t *testing.T, text string) (raw [16]byte) {
	t.Helper()
	if text == "-" {
		return raw
	}
	var b []byte
	if n, err := fmt.Sscanf(strings.ReplaceAll(text, "-", ""), "%x", &b); n != 1 || err != nil || len(b) != 16 {
		t.Fatalf("%q is no uuid", text)
	}
	return [16]byte(b)
}

func TestSubvolume(t *testing.T) {
	top := mountBtrfs(t)
	subvolumes(t, top+"/host")
	put(t, top+"/host/etc/file", "old")
	if err := os.Mkdir(top+"/snapshots", 0700); err != nil {
		t.Fatal(err)
	}
	if err := Snapshot(top+"/host", top+"/snapshots", "first.ss"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", "/host", "/snapshots/first.ss"} {
		info, ok, err := Subvolume(top + path)
		if want := showSubvolume(t, top, path); err != nil || !ok || info != want {
			t.Errorf("Subvolume(%s) = %v, %v, %v; want %v", path, info, ok, err, want)
		}
	}
	snapshot := showSubvolume(t, top, "/snapshots/first.ss")
	if !snapshot.ReadOnly || snapshot.ParentUUID != showSubvolume(t, top, "/host").UUID {
		t.Errorf("the snapshot is no read-only one of the host: %v", snapshot)
	}
	put(t, top+"/host/etc/file", "new")
	mustHold(t, top+"/snapshots/first.ss/etc/file", "old")

	if info, ok, err := Subvolume(top + "/host/etc"); ok || err != nil {
		t.Errorf("Subvolume of a plain directory = %v, %v, %v", info, ok, err)
	}
	info, ok, err := SubvolumeOf(top + "/host/etc")
	if want := showSubvolume(t, top, "/host"); !ok || err != nil || info != want {
		t.Errorf("SubvolumeOf = %v, %v, %v; want %v", info, ok, err, want)
	}
	for _, of := range []func(string) (SubvolumeInfo, bool, error){Subvolume, SubvolumeOf} {
		if info, ok, err := of("/proc"); ok || err != nil {
			t.Errorf("on proc: %v, %v, %v", info, ok, err)
		}
		if _, ok, err := of(top + "/none"); ok || !errors.Is(err, unix.ENOENT) {
			t.Errorf("of a missing directory: %v, %v", ok, err)
		}
	}
}

func TestSnapshotRefusals(t *testing.T) {
	top := mountBtrfs(t)
	subvolumes(t, top+"/host")
	put(t, top+"/host/dir/file", "")
	other := t.TempDir()
	mountOn(t, "tmpfs", other, "tmpfs", 0, "")
	long := strings.Repeat("n", 256)
	for _, c := range []struct{ src, dir, name, want string }{
		{top + "/host/dir", top, "s", "not the top of a btrfs subvolume"},
		{other, top, "s", "not the top of a btrfs subvolume"},
		{top + "/none", top, "s", "no such file or directory"},
		{top + "/host", top + "/none", "s", "no such file or directory"},
		{top + "/host", top, "host", "file exists"},
		{top + "/host", top, long, "file name too long"},
		{top + "/host", top, "a/b", "invalid argument"},
		{top + "/host", other, "s", "inappropriate ioctl for device"},
	} {
		want := "cannot snapshot " + c.src + " as " + c.dir + "/" + c.name + ": " + c.want
		if err := Snapshot(c.src, c.dir, c.name); err == nil || err.Error() != want {
			t.Errorf("Snapshot = %v\nwant %s", err, want)
		}
	}
	if got := run(t, "btrfs", "subvolume", "list", top); strings.Count(got, "\n") != 1 {
		t.Errorf("subvolumes besides the host:\n%s", got)
	}
}

func TestDeleteSubvolume(t *testing.T) {
	top := mountBtrfs(t)
	subvolumes(t, top+"/host")
	put(t, top+"/host/dir/file", "")
	if err := errors.Join(Snapshot(top+"/host", top, "s"), DeleteSubvolume(top, "s")); err != nil || exists(top+"/s") {
		t.Errorf("a snapshot made and deleted: %v", err)
	}
	for name, cause := range map[string]error{"s": unix.ENOENT, "../btrfs/host": unix.EINVAL, strings.Repeat("n", 256): unix.ENAMETOOLONG} {
		if err := DeleteSubvolume(top, name); !errors.Is(err, cause) || !strings.HasPrefix(err.Error(), "cannot delete subvolume ") {
			t.Errorf("DeleteSubvolume(%q) = %v, want %v", name, err, cause)
		}
	}
	if err := DeleteSubvolume(top+"/host", "dir"); !errors.Is(err, unix.EINVAL) {
		t.Errorf("DeleteSubvolume of a plain directory = %v", err)
	}
	if !exists(top + "/host/dir/file") {
		t.Error("it deleted what it refused")
	}
}

func TestNestedSubvolumes(t *testing.T) {
	top := mountBtrfs(t)
	subvolumes(t, top+"/host", top+"/host/var", top+"/host/var/lib dir")
	put(t, top+"/host/srv/a/file", "")
	put(t, top+"/outside/file", "")
	subvolumes(t, top+"/host/srv/a/deep", top+"/host/srv/a/deep/x", top+"/host/hidden", top+"/host/hidden/y", top+"/beside")
	mountOn(t, top+"/outside", top+"/host/hidden", "", unix.MS_BIND, "")
	want := []string{"hidden", "srv/a/deep", "srv/a/deep/x", "var", "var/lib dir"}
	got, err := NestedSubvolumes(top + "/host")
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("NestedSubvolumes = %q, %v; want %q", got, err, want)
	}
	if got, err := NestedSubvolumes(top + "/beside"); err != nil || len(got) != 0 {
		t.Errorf("NestedSubvolumes of one without = %q, %v", got, err)
	}
	_, err = NestedSubvolumes(top + "/host/srv")
	if want := "cannot list the subvolumes in " + top + "/host/srv: not the top of a btrfs subvolume"; err == nil || err.Error() != want {
		t.Errorf("NestedSubvolumes of a plain directory = %v", err)
	}
}

// One answer of the kernel holds 255.
func TestManyNestedSubvolumes(t *testing.T) {
	top := mountBtrfs(t)
	var want []string
	for i := range 600 {
		name := fmt.Sprintf("s%03d", i)
		want = append(want, name)
		if err := Snapshot(top, top, name); err != nil {
			t.Fatal(err)
		}
	}
	// btrfs(8) lists them too, by numbers of its own asking.
	var listed []string
	for line := range strings.Lines(run(t, "btrfs", "subvolume", "list", top)) {
		listed = append(listed, line[strings.LastIndexByte(line, ' ')+1:len(line)-1])
	}
	slices.Sort(listed)
	got, err := NestedSubvolumes(top)
	if err != nil || !slices.Equal(got, want) || !slices.Equal(listed, want) {
		t.Errorf("NestedSubvolumes lists %d, %v; btrfs %d; want %d", len(got), err, len(listed), len(want))
	}
}

func TestFSType(t *testing.T) {
	top := mountBtrfs(t)
	dir := t.TempDir()
	mountOn(t, "tmpfs", dir, "tmpfs", 0, "")
	for _, d := range []string{"l", "u", "w", "m"} {
		if err := os.Mkdir(dir+"/"+d, 0700); err != nil {
			t.Fatal(err)
		}
	}
	mountOn(t, "overlay", dir+"/m", "overlay", 0, "lowerdir="+dir+"/l,upperdir="+dir+"/u,workdir="+dir+"/w")
	image := dir + "/image"
	put(t, image, "")
	if err := errors.Join(os.Truncate(image, 8<<20), os.Mkdir(dir+"/ext4", 0700)); err != nil {
		t.Fatal(err)
	}
	run(t, "mkfs.ext4", "-q", image)
	run(t, "mount", "-o", "loop", image, dir+"/ext4")
	defer run(t, "umount", dir+"/ext4")
	for path, want := range map[string]string{top: "btrfs", dir: "tmpfs", dir + "/m": "overlay", dir + "/ext4": "ext4", "/proc": "0x9fa0"} {
		if got, err := FSType(path); got != want || err != nil {
			t.Errorf("FSType(%s) = %q, %v; want %q", path, got, err, want)
		}
	}
	if _, err := FSType(dir + "/none"); err == nil || err.Error() != "cannot tell the filesystem of "+dir+"/none: no such file or directory" {
		t.Errorf("FSType of nothing = %v", err)
	}
}
