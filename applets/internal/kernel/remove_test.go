package kernel

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// asRoot skips without root, which everything here needs.
func asRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
}

// privateMounts fails in the mount namespace of pid 1: no test mounts there. A
// mount id is in one namespace only, and /proc/1/mountinfo can be read where
// /proc/1/ns/mnt cannot, by a root with fewer capabilities than pid 1.
func privateMounts(t *testing.T) {
	t.Helper()
	asRoot(t)
	own, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	host, err := os.ReadFile("/proc/1/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	id, _, _ := strings.Cut(string(own), " ")
	if strings.Contains("\n"+string(host), "\n"+id+" ") {
		t.Fatal("this test mounts; type: unshare -m --propagation private go test ./applets/internal/kernel")
	}
}

// mountOn mounts until the test is over.
func mountOn(t *testing.T, source, target, fstype string, flags uintptr, data string) {
	t.Helper()
	privateMounts(t)
	if err := unix.Mount(source, target, fstype, flags, data); err != nil {
		t.Fatalf("mount %s on %s: %v", source, target, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(target, 0); err != nil {
			t.Errorf("umount %s: %v", target, err)
		}
	})
}

// mountBtrfs makes a btrfs in a file and returns where it is mounted.
func mountBtrfs(t *testing.T) string {
	t.Helper()
	privateMounts(t)
	image := filepath.Join(t.TempDir(), "image")
	point := filepath.Join(t.TempDir(), "btrfs")
	put(t, image, "")
	if err := errors.Join(os.Truncate(image, 128<<20), os.Mkdir(point, 0700)); err != nil {
		t.Fatal(err)
	}
	run(t, "mkfs.btrfs", "-q", image)
	run(t, "mount", "-o", "loop", image, point)
	t.Cleanup(func() { run(t, "umount", point) })
	return point
}

func subvolumes(t *testing.T, paths ...string) {
	t.Helper()
	for _, path := range paths {
		run(t, "btrfs", "subvolume", "create", path) // old ones take one operand
	}
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// put writes a file and the directories above it.
func put(t *testing.T, path, content string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0755), os.WriteFile(path, []byte(content), 0644)); err != nil {
		t.Fatal(err)
	}
}

func mustHold(t *testing.T, path, content string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != content {
		t.Errorf("%s holds %q, %v; want %q", path, got, err, content)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// removeAll wants Remove to leave nothing of parent/name, and no descriptor open.
func removeAll(t *testing.T, parent, name string) {
	t.Helper()
	before := openFiles(t)
	if err := Remove(parent, name, "", nil); err != nil {
		t.Error(err)
	}
	if exists(filepath.Join(parent, name)) {
		t.Errorf("%q is still there", name)
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d files open, %d before", after, before)
	}
}

// removeFails wants Remove to fail with exactly this error, and no descriptor open.
func removeFails(t *testing.T, parent, name, want string) {
	t.Helper()
	before := openFiles(t)
	if err := Remove(parent, name, "", nil); err == nil || err.Error() != want {
		t.Errorf("Remove(%q, %q) = %v\nwant %s", parent, name, err, want)
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d files open, %d before", after, before)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// bothWays runs a test with openat2(2) and as on a kernel before Linux 5.6.
func bothWays(t *testing.T, f func(t *testing.T)) {
	t.Run("openat2", f)
	t.Run("before 5.6", func(t *testing.T) {
		openat2 = func(int, string, *unix.OpenHow) (int, error) { return -1, unix.ENOSYS }
		defer func() { openat2 = unix.Openat2 }()
		f(t)
	})
}

func TestRemoveOddEntries(t *testing.T) {
	asRoot(t)
	bothWays(t, func(t *testing.T) {
		dir := t.TempDir()
		put(t, dir+"/outside/file", "stays")
		for _, name := range []string{"plain", "new\nline", "-rf", "--", "\xff\xfe", " ", "*", ".hidden", strings.Repeat("n", 255)} {
			put(t, dir+"/cage/"+name, "")
			put(t, dir+"/cage/dir/"+name+"/below", "")
		}
		err := errors.Join(
			os.Symlink(dir+"/outside", dir+"/cage/dir-link"),
			os.Symlink("../outside", dir+"/cage/dir-link-relative"),
			os.Symlink(dir+"/outside/file", dir+"/cage/link"),
			os.Symlink("../outside/file", dir+"/cage/link-relative"),
			os.Symlink("nowhere", dir+"/cage/dangling"),
			os.Link(dir+"/outside/file", dir+"/cage/hard"),
			unix.Mkfifo(dir+"/cage/fifo", 0600),
			unix.Mknod(dir+"/cage/whiteout", unix.S_IFCHR, 0),
			unix.Mknod(dir+"/cage/socket", unix.S_IFSOCK, 0),
			os.MkdirAll(dir+"/cage/closed/below", 0700),
			os.Chmod(dir+"/cage/closed", 0),
		)
		if err != nil {
			t.Fatal(err)
		}
		removeAll(t, dir, "cage")
		mustHold(t, dir+"/outside/file", "stays")
	})
}

func TestRemoveNeverCrossesAMount(t *testing.T) {
	privateMounts(t)
	bothWays(t, func(t *testing.T) {
		dir := t.TempDir()
		cage, outside := dir+"/cage", dir+"/outside"
		put(t, outside+"/file", "stays")
		put(t, cage+"/mnt/proc/under", "")
		put(t, cage+"/mnt/tmp/under", "")
		put(t, cage+"/mnt/file", "")
		put(t, cage+"/mnt/last/x", "")
		put(t, cage+"/cage.conf", "")
		mountOn(t, outside, cage+"/mnt/proc", "", unix.MS_BIND, "")
		mountOn(t, "tmpfs", cage+"/mnt/tmp", "tmpfs", 0, "")
		mountOn(t, outside+"/file", cage+"/mnt/file", "", unix.MS_BIND, "")
		put(t, cage+"/mnt/tmp/file", "stays")

		err := Remove(dir, "cage", "", nil)
		if err == nil || !strings.HasSuffix(err.Error(), ": something is mounted on it (and 2 more)") {
			t.Errorf("Remove = %v", err)
		}
		mustHold(t, outside+"/file", "stays")
		mustHold(t, cage+"/mnt/tmp/file", "stays")
		if exists(cage+"/mnt/last") || exists(cage+"/cage.conf") {
			t.Error("what could go is still there")
		}

		removeFails(t, cage+"/mnt", "proc", "cannot remove "+cage+"/mnt/proc: something is mounted on it")
		removeFails(t, cage+"/mnt", "tmp", "cannot remove "+cage+"/mnt/tmp: something is mounted on it")
		mustHold(t, outside+"/file", "stays")
		mustHold(t, cage+"/mnt/tmp/file", "stays")
	})
}

// rmdir(2) of what is mounted on says EBUSY before openat2 is asked, so entering
// a mount is refused here without Remove.
func TestOpenEntryRefusesMountsAndLinks(t *testing.T) {
	privateMounts(t)
	bothWays(t, func(t *testing.T) {
		dir := t.TempDir()
		put(t, dir+"/outside/file", "")
		put(t, dir+"/plain/file", "")
		put(t, dir+"/bind/file", "")
		if err := os.Symlink("plain", dir+"/link"); err != nil {
			t.Fatal(err)
		}
		mountOn(t, dir+"/outside", dir+"/bind", "", unix.MS_BIND, "")
		fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		for name, want := range map[string][]error{
			"plain": {nil}, "bind": {errMounted}, "link": {unix.ENOTDIR, unix.ELOOP}, "plain/file": {unix.ENOTDIR}, "none": {unix.ENOENT},
		} {
			got, err := openEntry(fd, name, openDirFlags)
			if err == nil {
				unix.Close(got)
			}
			if err != want[0] && err != want[len(want)-1] {
				t.Errorf("openEntry(%q) = %v, want %v", name, err, want)
			}
		}
	})
}

func TestRemoveFlags(t *testing.T) {
	asRoot(t)
	bothWays(t, func(t *testing.T) {
		dir := t.TempDir()
		put(t, dir+"/cage/root/immutable", "")
		put(t, dir+"/cage/root/append", "")
		put(t, dir+"/cage/root/dir/file", "")
		put(t, dir+"/cage/root/logs/file", "")
		put(t, dir+"/outside", "stays")
		if err := errors.Join(os.Mkdir(dir+"/cage/root/empty", 0700), os.Link(dir+"/outside", dir+"/cage/hard")); err != nil {
			t.Fatal(err)
		}
		run(t, "chattr", "+i", dir+"/outside", dir+"/cage/root/immutable", dir+"/cage/root/dir", dir+"/cage/root/empty")
		defer run(t, "chattr", "-i", dir+"/outside")
		run(t, "chattr", "+a", dir+"/cage/root/append", dir+"/cage/root/logs")
		run(t, "chattr", "+i", dir+"/cage/root", dir+"/cage")
		removeAll(t, dir, "cage")
		if flags := run(t, "lsattr", dir+"/outside"); !strings.Contains(strings.Fields(flags)[0], "i") {
			t.Errorf("a hard link took the flag of the file outside: %s", flags)
		}
	})
}

// The directory that holds the tree is not the tree: its flags stay.
func TestRemoveLeavesTheParentsFlags(t *testing.T) {
	asRoot(t)
	dir := t.TempDir()
	put(t, dir+"/data/cage/file", "")
	run(t, "chattr", "+i", dir+"/data")
	defer run(t, "chattr", "-i", dir+"/data")
	removeFails(t, dir+"/data", "cage", "cannot remove "+dir+"/data/cage: operation not permitted")
	if flags := run(t, "lsattr", "-d", dir+"/data"); !strings.Contains(strings.Fields(flags)[0], "i") {
		t.Errorf("the flag is gone: %s", flags)
	}
}

func TestRemoveRefusesOperands(t *testing.T) {
	asRoot(t)
	bothWays(t, func(t *testing.T) {
		dir := t.TempDir()
		put(t, dir+"/cage/file", "stays")
		put(t, dir+"/file", "stays")
		put(t, dir+"/odd\x1b[2J\n", "stays")
		if err := os.Symlink("cage", dir+"/link"); err != nil {
			t.Fatal(err)
		}
		for name, cause := range map[string]string{
			"link": "not a directory", "file": "not a directory", "none": "no such file or directory",
			"": "not the name of an entry", ".": "not the name of an entry", "..": "not the name of an entry",
			"cage/file": "not the name of an entry",
		} {
			removeFails(t, dir, name, "cannot remove "+dir+"/"+name+": "+cause)
		}
		removeFails(t, dir, "odd\x1b[2J\n", "cannot remove "+dir+"/odd\x1b[2J\n: not a directory")
		removeFails(t, dir+"/none", "cage", "cannot remove "+dir+"/none/cage: no such file or directory")
		mustHold(t, dir+"/cage/file", "stays")
		mustHold(t, dir+"/file", "stays")
		mustHold(t, dir+"/link/file", "stays")
	})
}

// deepTree makes a directory with levels below it, each with a file beside the
// next, and returns the lowest, open.
func deepTree(t *testing.T, path string, levels int) int {
	t.Helper()
	if err := os.Mkdir(path, 0755); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	for i := 0; i < levels && err == nil; i++ {
		var down int
		if err = errors.Join(unix.Mkdirat(fd, "d", 0755), unix.Mknodat(fd, "f", unix.S_IFREG, 0)); err == nil {
			down, err = unix.Openat(fd, "d", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		}
		unix.Close(fd)
		fd = down
	}
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

func TestRemoveDeep(t *testing.T) {
	privateMounts(t)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	few := limit
	few.Cur = 128
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	bothWays(t, func(t *testing.T) {
		dir := t.TempDir()
		mountOn(t, "tmpfs", dir, "tmpfs", 0, "")
		unix.Close(deepTree(t, dir+"/cage", 10_000))
		removeAll(t, dir, "cage")
	})
}

// What is left far down is named by its whole path, and is left once: no level
// tries it a second time because of the files that went there.
func TestRemoveDeepMount(t *testing.T) {
	privateMounts(t)
	dir := t.TempDir()
	const levels = 1000
	low := deepTree(t, dir+"/cage", levels)
	err := unix.Mount("tmpfs", fmt.Sprintf("/proc/self/fd/%d", low), "tmpfs", 0, "")
	if err != nil {
		t.Fatal(err)
	}
	removeFails(t, dir, "cage", "cannot remove "+dir+"/cage"+strings.Repeat("/d", levels)+": something is mounted on it")
	if err := unix.Unmount(fmt.Sprintf("/proc/self/fd/%d", low), unix.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
	unix.Close(low)
	removeAll(t, dir, "cage")
}

func TestRemoveHugeDirectory(t *testing.T) {
	privateMounts(t)
	dir := t.TempDir()
	mountOn(t, "tmpfs", dir, "tmpfs", 0, "nr_inodes=0")
	if err := os.Mkdir(dir+"/cage", 0700); err != nil {
		t.Fatal(err)
	}
	const files = 100_000
	for i := range files {
		if err := unix.Mknod(fmt.Sprintf("%s/cage/file-%d", dir, i), unix.S_IFREG|0600, 0); err != nil {
			t.Fatal(err)
		}
	}
	calls, last := 0, 0
	if err := Remove(dir, "cage", "", func(n int) { calls++; last = n }); err != nil || exists(dir+"/cage") {
		t.Errorf("Remove = %v", err)
	}
	if calls < 50 || last > files || last < files-2000 {
		t.Errorf("progress was told %d times, of %d last", calls, last)
	}
}

// The last entry is there for as long as another is, and stays where one does.
func TestRemoveLast(t *testing.T) {
	asRoot(t)
	privateMounts(t)
	dir := t.TempDir()
	for _, name := range []string{"a", "last", "z"} {
		put(t, dir+"/cage/"+name, "")
		put(t, dir+"/cage/sub/"+name, "")
	}
	must(os.Mkdir(dir+"/cage/mnt", 0o700))
	must(unix.Mount("tmpfs", dir+"/cage/mnt", "tmpfs", 0, ""))
	if err := Remove(dir, "cage", "last", nil); err == nil || !exists(dir+"/cage/last") || exists(dir+"/cage/sub") || exists(dir+"/cage/z") {
		t.Errorf("Remove = %v, or another than the last and the mounted entry is left", err)
	}
	must(unix.Unmount(dir+"/cage/mnt", 0))
	for _, last := range []string{"none", "directory"} {
		put(t, dir+"/cage/directory/file", "")
		if err := Remove(dir, "cage", last, nil); err != nil || exists(dir+"/cage") {
			t.Errorf("Remove with the last entry %q = %v", last, err)
		}
	}
}

// Somebody swaps a directory for a link to the outside while it is removed: what
// is behind the link stays, whatever else happens.
func TestRemoveWhileSwapped(t *testing.T) {
	asRoot(t)
	bothWays(t, func(t *testing.T) {
		removeWhileSwapped(t, t.TempDir())
		removeWhileSwapped(t, mountBtrfs(t)) // readdir(3) shows nothing renamed after opendir(3)
	})
}

func removeWhileSwapped(t *testing.T, dir string) {
	t.Helper()
	put(t, dir+"/outside/file", "stays")
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !stop.Load() {
			unix.Renameat2(unix.AT_FDCWD, dir+"/cage/a/dir", unix.AT_FDCWD, dir+"/cage/a/link", unix.RENAME_EXCHANGE)
		}
	}()
	for range 50 {
		put(t, dir+"/cage/a/dir/sub/file", "")
		os.Symlink(dir+"/outside", dir+"/cage/a/link")
		if err := Remove(dir, "cage", "", nil); err != nil {
			t.Error(err)
		}
		mustHold(t, dir+"/outside/file", "stays")
	}
	stop.Store(true)
	<-done
}

// A directory that is moved out while what is far below it is removed: Remove
// does not follow it to its new place.
func TestRemoveStopsWhenMovedAway(t *testing.T) {
	asRoot(t)
	dir := t.TempDir()
	put(t, dir+"/elsewhere/file", "stays")
	unix.Close(deepTree(t, dir+"/cage", maxOpen+2))
	r := removal{stack: []openDir{{fd: -1}, {fd: -1, name: "cage"}}}
	down, err := unix.Open(dir+"/cage/d", openDirFlags|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := errors.Join(unix.Stat(dir+"/cage", &st), os.Rename(dir+"/cage/d", dir+"/elsewhere/d")); err != nil {
		t.Fatal(err)
	}
	r.stack[1].dev, r.stack[1].ino = uint64(st.Dev), st.Ino
	r.stack = append(r.stack, openDir{fd: down, name: "d"})
	if r.reopen(&r.stack[1]) || r.first == nil || r.first.Error() != "cannot remove /cage/d: its directory was moved" || len(r.stack) != 1 {
		t.Errorf("reopen went on: %v, %d directories", r.first, len(r.stack))
	}
	mustHold(t, dir+"/elsewhere/file", "stays")
	removeAll(t, dir, "elsewhere")
}

func TestRemoveNestedSubvolumes(t *testing.T) {
	bothWays(t, func(t *testing.T) {
		top := mountBtrfs(t)
		put(t, top+"/cage/root/file", "")
		subvolumes(t, top+"/cage/root/a", top+"/cage/root/a/b", top+"/cage/root/empty")
		put(t, top+"/cage/root/a/file", "")
		put(t, top+"/cage/root/a/b/dir/file", "")
		put(t, top+"/outside/file", "stays")
		run(t, "chattr", "+i", top+"/cage/root/a/b/dir/file", top+"/cage/root/a/file")
		// The snapshot has an empty directory in the place of b, and its files are immutable too.
		run(t, "btrfs", "subvolume", "snapshot", "-r", top+"/cage/root/a", top+"/cage/snapshot")
		run(t, "btrfs", "property", "set", top+"/cage/root/empty", "ro", "true")
		run(t, "btrfs", "property", "set", top+"/cage/root/a/b", "ro", "true")
		if err := unix.Mount(top+"/outside", top+"/cage/snapshot/b", "", unix.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
		removeFails(t, top, "cage", "cannot remove "+top+"/cage/snapshot/b: something is mounted on it")
		mustHold(t, top+"/outside/file", "stays")
		if err := unix.Unmount(top+"/cage/snapshot/b", 0); err != nil {
			t.Fatal(err)
		}
		removeAll(t, top, "cage")
		if list := run(t, "btrfs", "subvolume", "list", top); list != "" {
			t.Errorf("left: %s", list)
		}
	})
}
