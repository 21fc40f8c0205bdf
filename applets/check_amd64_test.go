package applets

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// TestCheckBesideNew repairs while a cage-new is about to give its cage the name:
// it waits until that is done.
func TestCheckBesideNew(t *testing.T) {
	t.Parallel()
	w := plainWorld(t)
	checked := make(chan result, 1)
	seen := 0
	status := traced(t, w.command(t, "cage-new", "--name", "bird", "--base", "base"), func(call string) {
		if call != "renameat2" {
			return
		}
		seen++
		go func() { checked <- w.run(t, "cage-check", "--repair") }() // no child of the thread that traces
		for !awaited(t, w.data) && len(checked) == 0 {
			runtime.Gosched()
		}
	})
	if r := <-checked; seen != 1 || status.ExitStatus() != 0 || strings.Contains(r.out, "half made") {
		t.Errorf("cage-new ends with %d, cage-check: %+v", status.ExitStatus(), r)
	}
	w.whole(t)
	w.must(t, "cage-rm", "bird")
	w.clean(t)
}

// TestCheckBesideMakers looks while others are about to give what they made its
// name: that is no finding.
func TestCheckBesideMakers(t *testing.T) {
	t.Parallel()
	for _, x := range victims {
		if x.name == "down" || x.name == "rm" {
			continue
		}
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			w, v := x.make(t, false)
			seen := 0
			status := traced(t, w.command(t, v.prepare(t)...), func(call string) {
				if !strings.HasPrefix(call, "renameat") {
					return
				}
				seen++
				if lines := w.check(t); len(lines) != 0 {
					t.Errorf("before the rename number %d cage-check finds %q", seen, lines)
				}
			})
			if seen == 0 || status.ExitStatus() != 0 {
				t.Errorf("it ends with %d after %d renames", status.ExitStatus(), seen)
			}
			v.again(t)
			w.clean(t)
		})
	}
}

// TestCheckBesideRm repairs while a cage-rm unlinks: what it removes is left to it.
func TestCheckBesideRm(t *testing.T) {
	t.Parallel()
	w := plainWorld(t)
	uuid := w.cage(t, "base", false)
	aside, unlinks := filepath.Join(w.data, "."+uuid+".w.rm"), 0
	status := traced(t, w.command(t, "cage-rm", uuid), func(call string) {
		if call != "unlinkat" {
			return
		}
		if _, err := os.Lstat(aside); err != nil {
			return // of the probe
		}
		if unlinks++; unlinks != 3 {
			return
		}
		for _, args := range [][]string{nil, {"--repair"}} {
			if lines := w.check(t, args...); len(lines) != 0 {
				t.Errorf("cage-check %q finds %q", args, lines)
			}
		}
		if _, err := os.Lstat(aside); err != nil {
			t.Error("it was taken away: ", err)
		}
	})
	if unlinks < 3 || status.ExitStatus() != 0 {
		t.Errorf("cage-rm ends with %d after %d calls", status.ExitStatus(), unlinks)
	}
	w.clean(t)
}

// awaited tells whether somebody waits for the lock on a directory. In proc_locks(5)
//
//	1: -> FLOCK  ADVISORY  WRITE 709 08:01:391 0 EOF
//
// 391 is its inode.
func awaited(t *testing.T, dir string) bool {
	info, err := os.Stat(dir)
	ok(t, err)
	locks, err := os.ReadFile("/proc/locks")
	ok(t, err)
	return regexp.MustCompile(fmt.Sprintf(`(?m)-> FLOCK .*:%d 0 EOF$`, info.Sys().(*syscall.Stat_t).Ino)).Match(locks)
}
