package kernel

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReplace(t *testing.T) {
	old := unix.Umask(0077)
	defer unix.Umask(old)
	dir := t.TempDir()
	put(t, dir+"/.cage.conf.new", "left by a killed process, and longer than the new")
	for _, c := range []struct {
		content string
		mode    os.FileMode
	}{{"name=web\n", 0644}, {"", 0755}, {strings.Repeat("x", 1<<20), 0600}, {"shrunk", 0666}} {
		if err := Replace(dir+"/cage.conf", []byte(c.content), c.mode); err != nil {
			t.Fatal(err)
		}
		mustHold(t, dir+"/cage.conf", c.content)
		if st, err := os.Lstat(dir + "/cage.conf"); err != nil || st.Mode() != c.mode {
			t.Errorf("mode %v, %v; want %v", st.Mode(), err, c.mode)
		}
	}
	if exists(dir + "/.cage.conf.new") {
		t.Error("the sibling is left")
	}
	if err := Replace(dir+"/none/cage.conf", nil, 0644); err == nil || err.Error() != "cannot write "+dir+"/none/cage.conf: no such file or directory" {
		t.Errorf("Replace in no directory = %v", err)
	}
	t.Chdir(dir)
	if err := Replace("relative", []byte("x"), 0644); err != nil {
		t.Error(err)
	}
	mustHold(t, dir+"/relative", "x")
}

func TestReplaceOnFullFilesystem(t *testing.T) {
	dir := t.TempDir()
	mountOn(t, "tmpfs", dir, "tmpfs", 0, "size=64k")
	put(t, dir+"/cage.conf", "old")
	err := Replace(dir+"/cage.conf", make([]byte, 1<<20), 0644)
	if !errors.Is(err, unix.ENOSPC) || err.Error() != "cannot write "+dir+"/cage.conf: no space left on device" {
		t.Errorf("Replace = %v", err)
	}
	mustHold(t, dir+"/cage.conf", "old")
	if exists(dir + "/.cage.conf.new") {
		t.Error("the sibling is left")
	}
}

// A directory in the place of the file: the rename fails, and all is as before.
func TestReplaceUndone(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/cage.conf/file", "stays")
	if err := Replace(dir+"/cage.conf", []byte("new"), 0644); !errors.Is(err, unix.EISDIR) {
		t.Errorf("Replace of a directory = %v", err)
	}
	mustHold(t, dir+"/cage.conf/file", "stays")
	if exists(dir + "/.cage.conf.new") {
		t.Error("the sibling is left")
	}
}

func TestReplaceIsNeverSeenHalf(t *testing.T) {
	asRoot(t)
	dir := t.TempDir()
	mountOn(t, "tmpfs", dir, "tmpfs", 0, "") // many fsyncs
	contents := [][]byte{bytes.Repeat([]byte("a"), 100_000), bytes.Repeat([]byte("b"), 50_000)}
	path := dir + "/cage.conf"
	put(t, path, string(contents[1]))
	var stop atomic.Bool
	done := make(chan error)
	go func() {
		for i := 0; !stop.Load(); i++ {
			if err := Replace(path, contents[i%2], 0644); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	seen := map[string]bool{}
	for i := 0; i < 2000 || len(seen) < 2 && i < 1_000_000; i++ {
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, contents[0]) && !bytes.Equal(got, contents[1]) {
			t.Fatalf("read %d bytes, %v", len(got), err)
		}
		seen[string(got[:1])] = true
	}
	stop.Store(true)
	if err := <-done; err != nil || len(seen) != 2 {
		t.Errorf("Replace: %v; contents seen: %d", err, len(seen))
	}
}

func TestExchange(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/a/file", "a")
	put(t, dir+"/b", "b")
	if err := Exchange(dir+"/a", dir+"/b"); err != nil {
		t.Fatal(err)
	}
	mustHold(t, dir+"/a", "b")
	mustHold(t, dir+"/b/file", "a")
	if err := Exchange(dir+"/a", dir+"/none"); err == nil || err.Error() != "cannot exchange "+dir+"/a and "+dir+"/none: no such file or directory" {
		t.Errorf("Exchange with nothing = %v", err)
	}
}

func TestRenameNew(t *testing.T) {
	for name, rename := range map[string]func(string, string) error{"renameat2": RenameNew, "without": renameAbsent} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir+"/a/file", "a")
			put(t, dir+"/b", "b")
			if err := errors.Join(os.Mkdir(dir+"/empty", 0700), os.Symlink("none", dir+"/dangling")); err != nil {
				t.Fatal(err)
			}
			for _, taken := range []string{"/b", "/empty", "/dangling"} {
				if err := rename(dir+"/a", dir+taken); !errors.Is(err, unix.EEXIST) {
					t.Errorf("rename to %s, which is there = %v", taken, err)
				}
			}
			if err := rename(dir+"/a", dir+"/new"); err != nil {
				t.Error(err)
			}
			mustHold(t, dir+"/new/file", "a")
			mustHold(t, dir+"/b", "b")
			if err := rename(dir+"/a", dir+"/newer"); !errors.Is(err, unix.ENOENT) {
				t.Errorf("rename of nothing = %v", err)
			}
			if err := rename(dir+"/new", dir+"/new/below"); !errors.Is(err, unix.EINVAL) {
				t.Errorf("rename into itself = %v", err)
			}
		})
	}
}

func TestSync(t *testing.T) {
	dir := t.TempDir()
	if err := Sync(dir); err != nil {
		t.Error(err)
	}
	if err := Sync(dir + "/none"); err == nil || err.Error() != "cannot sync "+dir+"/none: no such file or directory" {
		t.Errorf("Sync of nothing = %v", err)
	}
}
