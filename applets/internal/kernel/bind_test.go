package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// ownIn makes what is to be mounted in a tree beside the article's: in dir/host,
// whose mount is shared and has another one in it.
func ownIn(t *testing.T, dir string) (own []FS) {
	t.Helper()
	tmpfs(t, "host", dir+"/host")
	must(unix.Mount("", dir+"/host", "", unix.MS_SHARED, ""))
	must(unix.Mount("", dir+"/host", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_NOSUID|unix.MS_NOEXEC|unix.MS_NOATIME, ""))
	named(t, "sub", dir+"/host/sub")
	put(t, dir+"/host/data", "host's")
	must(os.Symlink("host", dir+"/to-host"))
	return []FS{
		{Source: dir + "/to-host", At: "srv/deep/er", Kind: Bind},
		{Source: dir + "/host", At: "ro", Kind: Bind, Flags: ReadOnly},
		{Source: dir + "/host/data", At: "etc/file", Kind: BindFile},
		{Source: dir + "/host/data", At: "etc/new/file", Kind: BindFile, Flags: ReadOnly},
		{Type: "tmpfs", Source: "tmpfs", At: "var/tmp", Flags: NoSuid | NoDev, Kind: OwnTmpfs},
		{Type: "tmpfs", Source: "tmpfs", At: "run", Flags: NoSuid | NoDev, Kind: OwnTmpfs},
		{Source: dir + "/host", At: "run/in/tmpfs", Kind: Bind},
		{Source: dir + "/host", At: "tmp/host", Kind: Bind},
	}
}

// ownTree is a tree that has a place for some of ownIn.
func ownTree(t *testing.T, dir string) (string, Layers) {
	t.Helper()
	point, o := treeIn(t, dir)
	mkdirs(t, dir+"/middle/srv", dir+"/bottom/var/tmp", dir+"/bottom/ro")
	put(t, dir+"/bottom/etc/file", "tree's")
	must(os.Chown(dir+"/bottom/var/tmp", 3, 4))
	must(os.Chmod(dir+"/bottom/var/tmp", 0o777|os.ModeSticky))
	must(os.Chmod(dir+"/bottom/ro", 0o700))
	return point, o
}

// TestOwnMounts wants the same of each way.
func TestOwnMounts(t *testing.T) {
	dir := scratch(t)
	point, o := ownTree(t, dir)
	own := ownIn(t, dir)
	defer syscall.Umask(syscall.Umask(0o077))
	everyWay(t, func(t *testing.T, mount func(string, Layers, []FS) error) {
		files := openFiles(t)
		if err := mount(point, o, append(insideAll[:len(insideAll):len(insideAll)], own...)); err != nil {
			t.Fatal(err)
		}
		wantOwn(t, dir, point)
		if n := openFiles(t); n != files {
			t.Errorf("%d files open, %d before", n, files)
		}
		m, _, err := MountOn(point)
		must(err)
		for _, x := range must1(Below(m)) {
			must(Unmount(x.Point))
		}
		if got := run(t, "sh", "-c", `cd "$1"; exec 2>/dev/null; find srv etc run -printf "%p %y %m %U:%G\n" | sort; ! ls ro var`, "-", o.Upper); got != ownMade {
			t.Errorf("in the upper directory:\n%s\nwant\n%s", got, ownMade)
		}
		for _, name := range []string{"srv", "etc", "run"} {
			must(os.RemoveAll(o.Upper + "/" + name))
		}
	})
	mustHold(t, dir+"/host/data", "written")
	mustHold(t, dir+"/host/sub/name", "sub")
}

// ownMade is what the mounts leave in the upper directory; etc/file, ro and
// var/tmp were there below.
const ownMade = `etc d 755 0:0
etc/new d 755 0:0
etc/new/file f 644 0:0
run d 755 0:0
srv d 755 0:0
srv/deep d 755 0:0
srv/deep/er d 755 0:0
`

func wantOwn(t *testing.T, dir, point string) {
	t.Helper()
	const common, rw = "nosuid,noexec,noatime private", "rw,nosuid,noexec,noatime private"
	for at, want := range map[string]string{
		"srv/deep/er": rw, "ro": "ro," + common, "etc/file": rw, "etc/new/file": "ro," + common,
		"var/tmp": "rw,nosuid,nodev,relatime private", "run": "rw,nosuid,nodev,relatime private", "run/in/tmpfs": rw, "tmp/host": rw,
	} {
		if got := strings.TrimSpace(run(t, "findmnt", "-rno", "VFS-OPTIONS,PROPAGATION", point+"/"+at)); got != want {
			t.Errorf("%s: %s, want %s", at, got, want)
		}
	}
	put(t, point+"/srv/deep/er/data", "written")
	for _, file := range []string{dir + "/host/data", point + "/etc/file", point + "/etc/new/file", point + "/ro/data", point + "/run/in/tmpfs/data", point + "/tmp/host/data"} {
		mustHold(t, file, "written")
	}
	for _, file := range []string{"/ro/data", "/etc/new/file"} {
		if err := os.WriteFile(point+file, nil, 0o644); !errors.Is(err, unix.EROFS) {
			t.Errorf("written to %s: %v", file, err)
		}
	}
	if entries := must1(os.ReadDir(point + "/srv/deep/er/sub")); len(entries) != 0 {
		t.Errorf("a mount in the source came along: %v", entries)
	}
	for at, want := range map[string]string{"var/tmp": "41777 3:4", "run": "40755 0:0"} {
		if got := strings.TrimSpace(run(t, "sh", "-c", `printf %o $(printf %d 0x$(stat -c %f "$1")); stat -c " %u:%g" "$1"`, "-", point+"/"+at)); got != want {
			t.Errorf("%s is %s, want %s", at, got, want)
		}
	}
	// What is mounted on either side does not pass.
	named(t, "later", dir+"/host/later")
	if exists(point + "/srv/deep/er/later/name") {
		t.Error("a mount of the host passed inside")
	}
	must(Unmount(dir + "/host/later"))
	named(t, "later", point+"/srv/deep/er/later")
	if exists(dir + "/host/later/name") {
		t.Error("a mount inside passed to the host")
	}
	must(Unmount(point + "/srv/deep/er/later"))
}

// TestOwnMountsRefused leaves nothing mounted, neither inside nor where a link leads.
func TestOwnMountsRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		fs   FS
		want string
	}{
		{"a link", FS{Source: "DIR/host", At: "link", Kind: Bind}, "DIR/host on DIR/mnt/link: /link is a link inside; the place is DIR/outside"},
		{"through a link", FS{Source: "DIR/host", At: "var/run/a/b", Kind: Bind}, "DIR/host on DIR/mnt/var/run/a/b: /var/run is a link inside; the place is /run/a/b"},
		{"through two", FS{Type: "tmpfs", Source: "tmpfs", At: "up/run/x", Kind: OwnTmpfs}, "tmpfs on DIR/mnt/up/run/x: /up is a link inside; the place is /run/x"},
		{"a loop", FS{Source: "DIR/host", At: "loop/x", Kind: Bind}, "DIR/host on DIR/mnt/loop/x: /loop is a link inside"},
		{"a file link", FS{Source: "DIR/host/data", At: "dangling", Kind: BindFile}, "DIR/host/data on DIR/mnt/dangling: /dangling is a link inside; the place is /none"},
		{"through a file", FS{Source: "DIR/host", At: "who/x", Kind: Bind}, "DIR/host on DIR/mnt/who/x: not a directory"},
		{"a directory on a file", FS{Source: "DIR/host", At: "who", Kind: Bind}, "DIR/host on DIR/mnt/who: it is no directory inside"},
		{"a file on a directory", FS{Source: "DIR/host/data", At: "var", Kind: BindFile}, "DIR/host/data on DIR/mnt/var: it is a directory inside"},
		{"no source", FS{Source: "DIR/none", At: "var", Kind: Bind}, "DIR/none on DIR/mnt/var: no such file or directory"},
		{"made where nothing can be", FS{Source: "DIR/host", At: "proc/x", Kind: Bind}, "DIR/host on DIR/mnt/proc/x: no such file or directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := scratch(t)
			here := strings.NewReplacer("DIR", dir)
			point, o := treeIn(t, dir)
			mkdirs(t, dir+"/outside", dir+"/top/var")
			put(t, dir+"/host/data", "")
			for link, to := range map[string]string{"link": dir + "/outside", "var/run": "../run", "up": "./var", "loop": "loop", "dangling": "/none"} {
				must(os.Symlink(to, dir+"/top/"+link))
			}
			c.fs.Source = here.Replace(c.fs.Source)
			everyWay(t, func(t *testing.T, mount func(string, Layers, []FS) error) {
				files := openFiles(t)
				err := mount(point, o, append(insideAll[:3:3], c.fs))
				want := "cannot mount " + here.Replace(c.want)
				if strings.Contains(without, "openat2") {
					want, _, _ = strings.Cut(want, "; the place")
				}
				if err == nil || err.Error() != want {
					t.Errorf("error: %v\nwant   %s", err, want)
				}
				if left := pointsBelow(dir); len(left) != 0 {
					t.Errorf("left mounted: %q", left)
				}
				if n := openFiles(t); n != files {
					t.Errorf("%d files open, %d before", n, files)
				}
				if made := must1(filepath.Glob(dir + "/outside/*")); len(made) != 0 {
					t.Errorf("made outside: %q", made)
				}
			})
		})
	}
}

// TestWhicheverOwn mounts them by what there is.
func TestWhicheverOwn(t *testing.T) {
	dir := scratch(t)
	point, o := ownTree(t, dir)
	must(MountTree(point, o, append(insideAll[:len(insideAll):len(insideAll)], ownIn(t, dir)...)))
	wantOwn(t, dir, point)
}
