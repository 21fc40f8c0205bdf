package applets

import (
	"os"
	"strings"
	"testing"
)

// startScript and stopScript leave their marks in the cage's own files.
const (
	startScript = `printf '#!/bin/sh
echo "$CAGE_NAME $CAGE_UUID $PATH" >/started; umask >>/started; pwd
setsid sleep 60 >/dev/null 2>&1 &
echo $! >/tmp/daemon
' >"$DIR/begin"; chmod 700 "$DIR/begin"`
	stopScript = `printf '#!/bin/sh
ls -A "$CAGE_LIB" >/stopped
' >"$DIR/end"; chmod 755 "$DIR/end"`
)

// TestDryRunIsTheSame feeds what each applet prints under -n to sh, and compares
// with doing it.
func TestDryRunIsTheSame(t *testing.T) {
	w := newTwins(t)
	w.both(t, startScript)
	w.both(t, stopScript)
	w.both(t, `mkdir -m 0751 "$DIR/base"; chown 3:4 "$DIR/base"; echo tool >"$DIR/base/tool"`)
	w.both(t, `mkdir -p "$DIR/debian/usr/sbin"; chmod 0711 "$DIR/debian/usr"; chown 5:6 "$DIR/debian/usr/sbin"; touch "$DIR/debian/usr/sbin/invoke-rc.d"`)

	w.step(t, "cage-snapshot", `-m 'as it
was'`)
	w.step(t, "cage-new", ``)
	w.step(t, "cage-new", `--name plain --memo 'two
lines # and a \ "$HOME"' --set colour='  blue '`)
	w.step(t, "cage-new", `--name "it's" --start "$DIR/begin" --stop "$DIR/end"`)
	w.step(t, "cage-new", `--name tool --ro "$DIR/base"`)
	w.step(t, "cage-new", `--name far --base host --ro "$DIR/base"`)
	w.step(t, "cage-new", `--name both --base tool:host`)
	w.step(t, "cage-new", `--name debian --ro "$DIR/debian"`)
	state := w.step(t, "cage-new", `--name web --base debian`)
	if !strings.Contains(state, "f 755 0 0 data/UUID-OF-web.w/root/usr/sbin/policy-rc.d ") {
		t.Errorf("there is no policy-rc.d:\n%s", state)
	}

	t.Run("scripts", func(t *testing.T) { scripts(t, w) })
	t.Run("own", func(t *testing.T) { own(t, w) })
	t.Run("stubborn", func(t *testing.T) { stubborn(t, w) })
	t.Run("moves on", func(t *testing.T) { movesOn(t, w) })
}

// scripts: a cage with a start and a stop script, a daemon, and the host's
// resolv.conf.
func scripts(t *testing.T, w twins) {
	state := w.step(t, "cage-up", `"it's"`)
	lent := strings.Contains(state, "UUID-OF-it's.w/root/run/systemd/resolve/stub-resolv.conf:# lent by cage-up")
	if _, err := os.Stat(resolvConf); err == nil && !lent {
		t.Error("no resolv.conf was lent")
	}
	if !strings.Contains(state, "UUID-OF-it's.w/root/started:it's UUID-OF-it's ") || !strings.Contains(state, "UUID-OF-it's.w/log:/") {
		t.Error("the start script did not run")
	}
	var daemons []string
	for _, h := range w {
		daemons = append(daemons, h.sh(t, `cat "$1/mnt/tmp/daemon"`, h.named(t, "it's")))
	}
	if !lives(daemons[0]) || !lives(daemons[1]) {
		t.Errorf("the daemons live: %v, %v", lives(daemons[0]), lives(daemons[1]))
	}
	state = w.step(t, "cage-down", `-t 5 "it's"`)
	if !strings.Contains(state, "UUID-OF-it's.w/root/stopped:cage.sh") || strings.Contains(state, "# lent by") {
		t.Error("the stop script did not run, or resolv.conf stayed")
	}
	gone(t, daemons...)
	w.step(t, "cage-rm", `"it's"`)
}

// own: what a cage has mounted beside the article's, under names that a shell must
// not take apart; completed when half of it is gone.
func own(t *testing.T, w twins) {
	w.both(t, `mkdir -m 1777 "$DIR/bo'un d"; echo x >"$DIR/bo'un d/\$f"; mount --bind "$DIR/bo'un d" "$DIR/bo'un d"; mount -o remount,bind,nosuid,noatime "$DIR/bo'un d"
cd "$(dirname "$(grep -lx name=both "$DATA"/*/cage.conf)")"
printf '%s\n' "bind=$DIR/bo'un d:/srv/a b/\$c:ro" "bind=$DIR/bo'un d:/tmp/x" tmpfs=/home/nobody 'tmpfs=/new"q' "bind=$DIR/bo'un d/\$f:/new\"q/f:ro" "bind=$DIR/bo'un d/\$f:/etc/f" env=COLOUR=blue >>cage.conf
mkdir -p root/home/nobody; chown 65534:65534 root/home/nobody`)
	state := w.step(t, "cage-up", "both")
	for _, want := range []string{`/srv/a\x20b/$c`, "/tmp/x", "/home/nobody", "/new\"q", "/new\"q/f", "/etc/f"} {
		if !strings.Contains(state, "UUID-OF-both.w/mnt"+want+" ") {
			t.Errorf("nothing is mounted on %s:\n%s", want, state)
		}
	}
	w.both(t, `cd "$(dirname "$(grep -lx name=both "$DATA"/*/cage.conf)")/mnt"; umount 'new"q/f' 'new"q' tmp/x tmp etc/f`)
	w.step(t, "cage-up", "both")
	w.step(t, "cage-down", "both")
	w.both(t, `umount "$DIR/bo'un d"; rm -r "$DIR/bo'un d"; sed -i '/^bind\|^tmpfs\|^env/d' "$(grep -lx name=both "$DATA"/*/cage.conf)"`)
}

// stubborn: what ignores TERM, mounts that were made inside, a cage that is half
// up, and one that is removed while it is up.
func stubborn(t *testing.T, w twins) {
	state := w.step(t, "cage-up", "both")
	if !strings.Contains(state, "layer 0: DIR/base\n") {
		t.Error("it does not stand on its first base")
	}
	pids := w.begin(t, "both", `trap '' TERM HUP; echo; exec sleep 60`)
	pids = append(pids, w.begin(t, "both", `echo; exec sleep 60`)...)
	w.both(t, `cd "$(dirname "$(grep -lx name=both "$DATA"/*/cage.conf)")/mnt"
mkdir tmp/a tmp/b 'tmp/c d'
mount -t tmpfs tmpfs tmp/a; mount --bind "$DIR/base" tmp/b; mkdir tmp/a/x; mount -t tmpfs over tmp/a/x; mount -t tmpfs blank 'tmp/c d'`)
	w.step(t, "cage-down", "-t 1 both")
	gone(t, pids...)

	w.both(t, `cd "$(dirname "$(grep -lx name=both "$DATA"/*/cage.conf)")/root"; mkdir -p "run/it's"; echo 4711 >"run/it's/daemon.pid"`)
	if state = w.step(t, "cage-up", "both"); strings.Contains(state, "daemon.pid") {
		t.Error("the stale pid file stayed")
	}
	w.both(t, `cd "$(dirname "$(grep -lx name=both "$DATA"/*/cage.conf)")/mnt"; umount tmp dev/shm dev/pts`)
	w.step(t, "cage-up", "both")
	pids = w.begin(t, "both", `echo; exec sleep 60`)
	for _, h := range w {
		h.refused(t, `cage-rm -n both`, "cannot remove both: it is up")
	}
	w.step(t, "cage-rm", "-f both")
	gone(t, pids...)
}

// movesOn: the second snapshot, with cages and a base that stand on the first.
func movesOn(t *testing.T, w twins) {
	w.step(t, "cage-up", "plain")
	state := w.step(t, "cage-snapshot", "-m second")
	for _, want := range []string{".r/root DIR/snapshots/STAMP0.ss", "/" + "root DIR/snapshots/STAMP1.ss", ".w/cage.conf:base=UUID-OF-host_STAMP0\n", ".r/cage.conf:base=UUID-OF-host_STAMP0\n"} {
		if !strings.Contains(state, want) {
			t.Errorf("there is no %s in:\n%s", want, state)
		}
	}
	w.step(t, "cage-down", "plain")
	w.step(t, "cage-up", "plain")
	w.step(t, "cage-down", "plain")
	w.step(t, "cage-new", "--name later")
	w.step(t, "cage-snapshot", "-m third")
	w.step(t, "cage-rebase", "later host")
	w.step(t, "cage-clone", "plain")
	w.step(t, "cage-clone", "plain --name three --memo 'a # in it'")
	w.step(t, "cage-rm", "plain")
	w.both(t, "cage-rm plain-2 three far")
	w.step(t, "cage-snapshot", "--keep 0")
}

// TestDryRunIsTheSameOnLiveHost: directories that hide the cages, in a host that
// is itself the base.
func TestDryRunIsTheSameOnLiveHost(t *testing.T) {
	w := newTwins(t)
	w.step(t, "cage-snapshot", "--live")
	w.both(t, `mkdir -m 0700 "$SNAPSHOTS"`)
	state := w.step(t, "cage-new", "--name live")
	if !strings.Contains(state, `UUID-OF-live.w/root/data trusted.overlay.opaque="y"`) {
		t.Errorf("nothing hides the data directory:\n%s", state)
	}
	w.step(t, "cage-up", "live")
	for _, h := range w {
		h.want(t, `cd "$DATA"/*.w/mnt; cat etc/marker; ls -A data snapshots`, "host\ndata:\n\nsnapshots:")
	}
	w.step(t, "cage-down", "live")
	w.step(t, "cage-snapshot", "")
	w.step(t, "cage-rm", "live")
}
