package applets

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func newVictim(t *testing.T, scripts bool) (*world, victim) {
	w := plainWorld(t)
	return w, victim{
		prepare: func(t *testing.T) []string { return w.newArgs(t, "base", scripts) },
		dead:    func(*testing.T) {},
		again: func(t *testing.T) {
			w.cage(t, "base", scripts)
			for _, uuid := range w.birds() {
				w.must(t, "cage-up", uuid)
				w.must(t, "cage-rm", "-f", uuid)
			}
		},
	}
}

func upVictim(t *testing.T, scripts bool) (*world, victim) {
	w := plainWorld(t)
	uuid := w.cage(t, "base", scripts)
	dir := filepath.Join(w.data, uuid+".w")
	sh(t, `mkdir "$1"; echo held >"$1/file"`, w.dir+"/held")
	w.must(t, "cage-set", uuid, "bind="+w.dir+"/held:/srv/held:ro", "tmpfs=/srv/empty")
	return w, victim{
		prepare: func(t *testing.T) []string {
			os.Remove(dir + "/lower") // to be written anew, and the places to be made
			sh(t, `cd "$1"; [ ! -d srv ] || rmdir srv/* srv`, dir+"/root")
			return []string{"cage-up", uuid}
		},
		dead: func(t *testing.T) {
			if n := w.mounts(uuid); n != 0 && n != 9 {
				t.Errorf("%d mounts", n)
			}
		},
		again: func(t *testing.T) {
			w.must(t, "cage-up", uuid)
			if n := w.mounts(uuid); n != 9 {
				t.Errorf("%d mounts after the next cage-up", n)
			}
			w.down(t, uuid)
			if data, err := os.ReadFile(w.dir + "/held/file"); string(data) != "held\n" {
				t.Errorf("what the cage had of the host: %q, %v", data, err)
			}
		},
	}
}

// down takes a cage down and wants nothing of it to be left.
func (w *world) down(t *testing.T, uuid string) {
	t.Helper()
	w.must(t, "cage-down", uuid)
	if left := mountsBelow(filepath.Join(w.data, uuid+".w")); len(left) != 0 {
		t.Errorf("mounted after cage-down: %q", left)
	}
	if pids, err := os.ReadFile(filepath.Join(w.cgroups, uuid, "cgroup.procs")); err == nil {
		t.Errorf("a cgroup after cage-down, with %q", pids)
	}
}

// downVictim is finished by cage-down, or made a cage again by cage-up, in turn.
func downVictim(t *testing.T, scripts bool) (*world, victim) {
	w := plainWorld(t)
	uuid := w.cage(t, "base", scripts)
	n := 0
	return w, victim{
		prepare: func(t *testing.T) []string {
			w.must(t, "cage-up", uuid)
			return []string{"cage-down", uuid}
		},
		dead: func(t *testing.T) {
			if n := w.mounts(uuid); n > 7 {
				t.Errorf("%d mounts", n)
			}
		},
		again: func(t *testing.T) {
			if n++; n%2 == 0 {
				w.must(t, "cage-up", uuid)
				if n := w.mounts(uuid); n != 7 {
					t.Errorf("%d mounts after cage-up", n)
				}
			}
			if w.mounts(uuid) > 0 {
				w.down(t, uuid)
			}
		},
	}
}

func rmVictim(t *testing.T, scripts bool) (*world, victim) {
	w := plainWorld(t)
	var uuid, name string
	n := 0
	return w, victim{
		prepare: func(t *testing.T) []string {
			args := w.newArgs(t, "base", scripts)
			name, uuid = args[2], w.must(t, args...)
			for i := range 5 {
				sub := filepath.Join(w.data, uuid+".w", fmt.Sprintf("root/home/%d", i))
				ok(t, os.MkdirAll(sub, 0o755))
				for j := range 5 {
					ok(t, os.WriteFile(fmt.Sprintf("%s/%d", sub, j), nil, 0o644))
				}
			}
			return []string{"cage-rm", uuid}
		},
		dead: func(t *testing.T) {},
		again: func(t *testing.T) {
			ref := []string{uuid, name, uuid[:8]}[n%3]
			if n++; w.knows(uuid) {
				if conf, _ := filepath.Glob(w.data + "/*" + uuid + "*/cage.conf"); conf == nil && ref == name {
					ref = uuid // killed just before the last call of all
				}
				w.must(t, "cage-rm", ref)
			}
			if w.knows(uuid) {
				t.Error("the next cage-rm left something")
			}
			if _, err := os.Stat(w.base + "/etc/motd"); err != nil {
				t.Error("the base: ", err)
			}
		},
	}
}

// snapshotVictim moves a host on, each time one with a cage and a base on it,
// made as by hand, in directories of their own: cage-snapshot waits out a second
// that has a snapshot.
func snapshotVictim(t *testing.T, _ bool) (*world, victim) {
	dir := scratchOnTmpfs(t)
	top := btrfsIn(t, dir)
	w := newWorld(t, dir, "", top+"/@", "")
	var born, bird string
	const note = "a note"
	return w, victim{
		prepare: func(t *testing.T) []string {
			w.nextHost(t, top)
			born = w.snapshots + "/20200101000000.ss"
			w.must(t, "cage-new", "--name", "tools", "--ro", w.base, "--base", "host")
			bird = w.cage(t, "tools:host", false)
			return []string{"cage-snapshot", "-q", "-m", note}
		},
		dead: func(t *testing.T) {
			w.standsOn(t, bird, w.base, born)
		},
		again: func(t *testing.T) {
			target := w.must(t, "cage-snapshot", "-q", "-m", note)
			w.standsOn(t, bird, w.base, born)
			if link, err := os.Readlink(filepath.Join(w.data, hostUUID+".r/root")); err != nil || link != target {
				t.Errorf("the host is %s, %v; want %s", link, err, target)
			}
			w.must(t, "cage-rm", bird)
		},
	}
}

const hostUUID = "00000000-0000-0000-0000-000000000000"

// nextHost gives the world another data and snapshot directory, in which the
// article's commands have made a host.
func (w *world) nextHost(t *testing.T, top string) {
	t.Helper()
	if w.data != "" { // of the last round
		sh(t, `for s in "$1"/*.ss; do btrfs -q subvolume delete "$s"; done; rm -r "$1" "$2"`, w.snapshots, w.data)
	}
	w.data, w.snapshots = w.dir+"/data", top+"/snapshots"
	sh(t, `mkdir -p "$1/$3.r" "$2"; btrfs -q subvolume snapshot -r "$4/@" "$2/20200101000000.ss"; echo "a note" >"$2/20200101000000.txt"
		ln -s "$2/20200101000000.ss" "$1/$3.r/root"; printf 'uuid=%s\nname=host_2020\nmemo=by hand\nroot=root\n' "$3" >"$1/$3.r/cage.conf"
		printf 'tool=/none\ndata=%s\nsnapshots=%s\nhost=%s/@\n' "$1" "$2" "$4" >"$5"`, w.data, w.snapshots, hostUUID, top, w.conf)
}

// standsOn brings a cage up and wants it to stand on these directories, by what
// the mount table says.
func (w *world) standsOn(t *testing.T, uuid string, dirs ...string) {
	t.Helper()
	w.must(t, "cage-up", uuid)
	if has := lowersOf(filepath.Join(w.data, uuid+".w/mnt")); !slices.Equal(has, dirs) {
		t.Errorf("stands on %q, want %q", has, dirs)
	}
	w.down(t, uuid)
}

// lowersOf reads the lower directories of the overlay on point; in the mount table
// they are lowerdir=A:B, or lowerdir+=A,lowerdir+=B.
func lowersOf(point string) (dirs []string) {
	for _, line := range mountsBelow(filepath.Dir(point)) {
		f := strings.Fields(line)
		if f[4] != point {
			continue
		}
		for o := range strings.SplitSeq(f[len(f)-1], ",") {
			if key, value, _ := strings.Cut(o, "="); key == "lowerdir" || key == "lowerdir+" {
				dirs = append(dirs, strings.Split(value, ":")...)
			}
		}
	}
	return dirs
}
