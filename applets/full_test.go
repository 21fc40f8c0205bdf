package applets

import (
	"os"
	"strings"
	"testing"
)

// trouble is what can be wrong with a disk: shell scripts that bring it about and
// end it, with the mountpoint of the disk.
type trouble struct {
	name, words, begin, end string
	goes                    string // the applets that it does not keep from their work
}

var troubles = []trouble{
	{"full", "no space left on device",
		`dd if=/dev/zero of="$1/fill" bs=64k 2>/dev/null || :; dd if=/dev/zero of="$1/rest" bs=512 2>/dev/null || :; sync -f "$1"`,
		`rm "$1/fill" "$1/rest"`, "cage-down cage-rm"},
	{"no-inodes", "no space left on device",
		`i=0; while mkdir "$1/dir$i" 2>/dev/null; do i=$((i+1)); done`, `rmdir "$1"/dir*`, "cage-down cage-rm"},
	{"read-only", "read-only file system", `mount -o remount,ro "$1"`, `mount -o remount,rw "$1"`, "cage-down"},
}

// TestDiskTrouble has every applet meet a disk that is full or read-only.
func TestDiskTrouble(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"ext4", "btrfs"} {
		for _, x := range troubles {
			if kind == "btrfs" && x.name == "no-inodes" {
				continue // it makes them as long as it has space
			}
			t.Run(kind+"-"+x.name, func(t *testing.T) {
				t.Parallel()
				diskTrouble(t, kind, x)
			})
		}
	}
}

// diskWorld is a world whose cages, host and snapshots are on a disk of its own.
func diskWorld(t *testing.T, kind string) (w *world, disk string) {
	dir := scratchOnTmpfs(t)
	disk = dir + "/btrfs"
	if kind == "ext4" {
		disk = dir + "/ext4"
		sh(t, `mkdir "$2"; truncate -s 16M "$1"; mkfs.ext4 -q -m 0 -N 200 "$1"; mount -o loop "$1" "$2"; mkdir "$2/@"`, dir+"/image", disk)
		t.Cleanup(func() { sh(t, `umount "$1"`, disk) })
	} else {
		btrfsIn(t, dir)
	}
	w = newWorld(t, dir, disk+"/@/data", disk+"/@", disk+"/snapshots")
	w.must(t, "cage-new", "--name", "base", "--ro", w.base)
	return w, disk
}

func diskTrouble(t *testing.T, kind string, x trouble) {
	w, disk := diskWorld(t, kind)
	w.must(t, "cage-snapshot", "-q", "--live")
	snapshot := []string{"cage-snapshot", "-q", "-m", "a note"}
	if kind == "ext4" { // from one live host to another
		sh(t, `mkdir "$1/host"; sed -i "s,^host=.*,host=$1/host," "$2"`, w.dir, w.conf)
		snapshot = []string{"cage-snapshot", "-q", "--live"}
	}
	w.must(t, "cage-new", "--name", "on-host", "--base", "host")
	uuid := map[string]string{}
	for _, name := range []string{"fresh", "used", "upped", "gone"} {
		uuid[name] = w.must(t, "cage-new", "--name", name, "--base", "base")
	}
	w.must(t, "cage-up", "used", "upped")
	w.must(t, "cage-down", "used")

	sh(t, x.begin, disk)
	before := w.proper(t)
	for _, args := range [][]string{
		{"cage-new", "--base", "base"}, {"cage-new", "--ro", w.base}, {"cage-up", "fresh"}, {"cage-up", "used"},
		snapshot, {"cage-exec", "upped", "cat", "/etc/motd"}, {"cage-ls"}, {"cage-down", "upped"}, {"cage-rm", "gone"},
	} {
		r := w.run(t, args...)
		t.Logf("%q: %d %s%s", args, r.status, r.out, r.errs)
		switch {
		case r.status == 0:
		case r.status != 1 || !oneSentence(r.errs) || !strings.Contains(r.errs, x.words) && !strings.Contains(r.errs, " is read-only"): // as overlayfs says it
			t.Errorf("%q: %+v; want one sentence with %q", args, r, x.words)
		case strings.Contains(x.goes+" cage-exec cage-ls", args[0]):
			t.Errorf("%q is kept from its work: %+v", args, r)
		}
		if args[0] == "cage-new" && (r.status == 0 || w.proper(t) != before) {
			t.Errorf("%q made something: %s", args, w.proper(t))
		}
	}
	for name, id := range uuid {
		if n := w.mounts(id); n != 0 && n != 7 {
			t.Errorf("%d mounts of %s", n, name)
		}
	}

	sh(t, x.end, disk)
	w.whole(t)
	w.clean(t)
	w.must(t, snapshot...)
	w.must(t, "cage-up", "fresh", "used", "on-host")
	w.must(t, "cage-rm", "-f", "fresh", "used", "upped", "on-host")
}

// oneSentence tells whether an applet gave one cause, and perhaps a hint.
func oneSentence(errs string) bool {
	lines := strings.Split(strings.TrimSuffix(errs, "\n"), "\n")
	return strings.Contains(lines[0], ": cannot ") && (len(lines) == 1 || len(lines) == 2 && strings.Contains(lines[1], ": hint: "))
}

// proper lists what stands under a proper name in the data directory.
func (w *world) proper(t *testing.T) string {
	t.Helper()
	entries, err := os.ReadDir(w.data)
	ok(t, err)
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return strings.Join(names, " ")
}

// TestDiskErrors has the disk itself fail: its image has holes and is on a tmpfs
// that is full, so that what goes to new blocks is lost on the way.
func TestDiskErrors(t *testing.T) {
	t.Parallel()
	dir := scratchOnTmpfs(t)
	tmpfs, disk := dir+"/small", dir+"/disk"
	sh(t, `mkdir "$1" "$2"; mount -t tmpfs -o size=4M tmpfs "$1"; truncate -s 32M "$1/image"
		mkfs.ext4 -q -m 0 -N 200 -O ^has_journal -E nodiscard "$1/image"; mount -o loop,errors=continue "$1/image" "$2"`, tmpfs, disk)
	t.Cleanup(func() { sh(t, `umount "$1"`, disk) })
	ok(t, os.Mkdir(dir+"/old", 0o755))
	w := newWorld(t, dir, disk+"/data", dir+"/old", disk+"/snapshots")
	w.must(t, "cage-new", "--name", "base", "--ro", w.base)
	w.must(t, "cage-new", "--name", "web", "--base", "base")
	w.must(t, "cage-snapshot", "-q", "--live")
	w.must(t, "cage-new", "--name", "on-host")
	sh(t, `mkdir "$1/host"; sed -i "s,^host=.*,host=$1/host," "$2"`, dir, w.conf)
	sh(t, `sync -f "$1"; dd if=/dev/zero of="$2/fill" bs=4k 2>/dev/null || :`, disk, tmpfs)
	before := w.proper(t)
	for _, args := range [][]string{{"cage-new", "--base", "base"}, {"cage-snapshot", "-q", "--live"}, {"cage-up", "web"}, {"cage-down", "web"}, {"cage-rm", "web"}} {
		r := w.run(t, args...)
		t.Logf("%q: %d %s%s", args, r.status, r.out, r.errs)
		// Which of the two is the loop device's to say.
		if r.status != 0 && !strings.Contains(r.errs, "input/output error") && !strings.Contains(r.errs, "no space left on device") {
			t.Errorf("%q: %+v", args, r)
		}
		if args[0] == "cage-new" && (r.status == 0 || w.proper(t) != before) {
			t.Errorf("made something: %s", w.proper(t))
		}
	}
	if r := w.run(t, "cage-ls"); strings.Contains(r.out, "broken") {
		t.Errorf("a cage lost something: %s%s", r.out, r.errs)
	}
}
