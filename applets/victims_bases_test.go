package applets

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pruneVictim deletes a snapshot that has a base of its own, which never dangles.
func pruneVictim(t *testing.T, _ bool) (*world, victim) {
	dir := scratchOnTmpfs(t)
	top := btrfsIn(t, dir)
	w := newWorld(t, dir, "", top+"/@", "")
	const stamp = "20190101000000"
	var pin string
	return w, victim{
		prepare: func(t *testing.T) []string {
			w.nextHost(t, top)
			sh(t, `btrfs -q subvolume snapshot -r "$1/@" "$2/$3.ss"; echo "a note" >"$2/$3.txt"`, top, w.snapshots, stamp)
			pin = w.must(t, "cage-new", "--name", "host_"+stamp, "--ro", w.snapshots+"/"+stamp+".ss")
			return []string{"cage-snapshot", "--delete", stamp}
		},
		dead: func(t *testing.T) {
			link := filepath.Join(w.data, pin+".r/root")
			if _, err := os.Lstat(link); err == nil {
				if _, err := os.Stat(link); err != nil {
					t.Error("it dangles: ", err)
				}
			}
		},
		again: func(t *testing.T) {
			if strings.HasPrefix(w.must(t, "cage-snapshot", "--list", "-q"), stamp) {
				w.must(t, "cage-snapshot", "--delete", stamp)
			}
			if _, err := os.Stat(filepath.Join(w.data, hostUUID+".r/root/etc")); err != nil {
				t.Error("the host: ", err)
			}
		},
	}
}

// cloneVictim copies a cage with some files, which is as it was whatever happens.
func cloneVictim(t *testing.T, scripts bool) (*world, victim) {
	w := plainWorld(t)
	uuid := w.cage(t, "base", scripts)
	for i := range 50 {
		ok(t, os.WriteFile(filepath.Join(w.data, uuid+".w/root", fmt.Sprint(i)), []byte("text"), 0o644))
	}
	return w, victim{
		prepare: func(*testing.T) []string { return []string{"cage-clone", uuid} },
		dead:    func(*testing.T) {},
		again: func(t *testing.T) {
			w.must(t, "cage-clone", uuid)
			for _, copied := range w.birds() {
				if copied == uuid {
					continue
				}
				sh(t, `diff -r "$1" "$2"`, filepath.Join(w.data, uuid+".w/root"), filepath.Join(w.data, copied+".w/root"))
				w.must(t, "cage-rm", copied)
			}
		},
	}
}

// rebaseVictim moves a cage to and fro; what was begun is done by saying it again.
func rebaseVictim(t *testing.T, scripts bool) (*world, victim) {
	w := plainWorld(t)
	uuid := w.cage(t, "base", scripts)
	other := w.dir + "/other"
	sh(t, `cp -a "$1" "$2"; echo other >"$2/etc/motd"; echo mine >"$3/root/note"`, w.base, other, filepath.Join(w.data, uuid+".w"))
	w.must(t, "cage-new", "--name", "other", "--ro", other)
	names, dirs := []string{"base", "other"}, []string{w.base, other}
	n := 0
	return w, victim{
		prepare: func(*testing.T) []string {
			n++
			return []string{"cage-rebase", "-q", uuid, names[n%2]}
		},
		dead: func(*testing.T) {},
		again: func(t *testing.T) {
			w.must(t, "cage-rebase", "-q", uuid, names[n%2])
			w.standsOn(t, uuid, dirs[n%2])
		},
	}
}
