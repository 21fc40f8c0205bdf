package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestLockShared is of few directories, whose locks are in the process's own table of
// file descriptors, and of many, of which none is.
func TestLockShared(t *testing.T) {
	for _, n := range []int{0, 1, few, few + 1, 300} {
		dir := t.TempDir()
		var names []string
		for i := range n {
			names = append(names, fmt.Sprint(i))
			mkdirs(t, dir+"/"+names[i])
			put(t, dir+"/"+names[i]+"/conf", "conf of "+names[i])
		}
		locked := func() (count int) {
			for _, name := range names {
				if Locked(dir + "/" + name) {
					count++
				}
			}
			return count
		}
		files := openFiles(t)
		seen := 0
		lock := must1(LockShared(dir, names, "conf", func(i int, data []byte) {
			if i != seen || string(data) != "conf of "+names[i] || !Locked(dir+"/"+names[i]) {
				t.Errorf("the file in directory %d is %q, or that is not locked", i, data)
			}
			seen++
		}))
		if seen != n {
			t.Errorf("of %d directories %d are told", n, seen)
		}
		if locked() != n {
			t.Errorf("of %d directories %d are locked", n, locked())
		}
		if now := openFiles(t); n <= few && now != files+n || n > few && now != files {
			t.Errorf("%d files open with the locks on %d directories, %d before", now, n, files)
		}
		other := must1(LockShared(dir, names, "conf", nothing))
		lock.Unlock()
		lock.Unlock() // does nothing
		if locked() != n {
			t.Errorf("of %d directories another has locked, %d are left so", n, locked())
		}
		other.Unlock()
		for _, name := range names {
			must1(LockDir(dir+"/"+name, true)).Unlock() // returns once nobody holds it
		}
		if now := openFiles(t); now != files {
			t.Errorf("%d files open, %d before", now, files)
		}
		if _, err := LockShared(dir, append(names, "none"), "conf", nothing); !errors.Is(err, fs.ErrNotExist) || err.Error() != "cannot lock "+dir+"/none: no such file or directory" {
			t.Errorf("with one that is not there: %v", err)
		}
		if locked() != 0 {
			t.Errorf("%d directories of a set that could not be locked are", locked())
		}
	}
}

// TestLockSharedBeside: the thread that holds many locks has copies of the descriptors
// of all others, and keeps none of these from being given back.
func TestLockSharedBeside(t *testing.T) {
	dir := t.TempDir()
	var names []string
	for i := range few + 1 {
		names = append(names, fmt.Sprint(i))
		mkdirs(t, dir+"/"+names[i])
	}
	mkdirs(t, dir+"/other")
	other := must1(LockDir(dir+"/other", true))
	many := must1(LockShared(dir, names, "", nothing))
	other.Unlock()
	if Locked(dir + "/other") {
		t.Error("a lock that was given back is held by the thread")
	}
	many.Unlock()
}

// TestLockSharedReads nothing that is not there, is longer than a page, or nobody writes to.
func TestLockSharedReads(t *testing.T) {
	dir := t.TempDir()
	mkdirs(t, dir+"/none", dir+"/long", dir+"/full", dir+"/fifo", dir+"/dir/conf")
	put(t, dir+"/long/conf", strings.Repeat("x", 4095))
	put(t, dir+"/full/conf", strings.Repeat("x", 4096))
	must(unix.Mkfifo(dir+"/fifo/conf", 0o600))
	want := []int{0, 4095, 0, 0, 0}
	lock := must1(LockShared(dir, []string{"none", "long", "full", "fifo", "dir"}, "conf", func(i int, data []byte) {
		if len(data) != want[i] || want[i] == 0 && data != nil {
			t.Errorf("%d: %d bytes, want %d", i, len(data), want[i])
		}
	}))
	lock.Unlock()
}

func nothing(int, []byte) {}
