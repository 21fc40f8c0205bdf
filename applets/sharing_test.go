package applets

import (
	"testing"
)

// TestUmask: with a umask of 077 all along, a user inside can look around.
func TestUmask(t *testing.T) {
	host := btrfsHost(t)
	for _, c := range []struct{ snapshot, new, up string }{
		{"cage-snapshot", "cage-new", "cage-up"},
		{`"$HAND/snapshot"`, `"$HAND/new"`, `"$HAND/up"`},
		{"cage-snapshot -n | sh -e; :", "cage-new -n | sh -e; :", "cage-up -n"},
	} {
		t.Run(c.up, func(t *testing.T) {
			h := newTestHost(t, host, t.TempDir())
			h.snapshots = host + "/snapshots"
			h.sh(t, `sed -i "s|^snapshots=.*|snapshots=$1|" "$CAGE_CONF"`, h.snapshots)
			h.sh(t, `umask 077; `+c.snapshot)
			h.sh(t, `umask 077; `+c.new)
			uuid := h.sh(t, `cage-ls -q --filter state=down`)
			if c.up == "cage-up -n" {
				h.sh(t, `umask 077; cage-up -n $1 | sh -e`, uuid)
			} else {
				h.sh(t, `umask 077; `+c.up+` $1`, uuid)
			}
			h.want(t, `cage-exec `+uuid+` su nobody -c 'ls /etc && echo mine >/tmp/mine && cat /tmp/mine && : >/dev/null && id -un; ! [ -e /etc/resolv.conf ] || cat /etc/resolv.conf >/tmp/copy'`,
				"marker\npasswd\nresolv.conf\nmine\nnobody")
			h.want(t, `chroot --userspec=65534:65534 "$DATA/`+uuid+`.w/mnt" /bin/ls /proc/self/comm /dev/shm /sys/fs | head -n 2`, "/proc/self/comm\n")
			h.sh(t, `cage-down $1; cage-rm $1`, uuid)
		})
	}
}

// shared is a script for a mount namespace of its own, where the cages lie on a
// shared mount and so does all that is in stand-in, and where /dev is shared.
const shared = `
mount --make-rshared /dev
mount --bind "$DIR" "$DIR"; mount --make-shared "$DIR"
mkdir -p "$DIR/stand-in" "$DIR/copy"; mount -t tmpfs stand-in "$DIR/stand-in"; mount --make-shared "$DIR/stand-in"
mkdir "$DIR/stand-in/pts" "$DIR/stand-in/shm"; mount -t tmpfs pts "$DIR/stand-in/pts"; mount -t tmpfs shm "$DIR/stand-in/shm"
mkdir "$DIR/stand-in/pts/deep"; mount -t tmpfs deep "$DIR/stand-in/pts/deep"; mount -t tmpfs stacked "$DIR/stand-in/pts/deep"
table() { sort /proc/self/mountinfo; }
`

// TestSharedParent: mounts of the host that were bound into a cage, by hand and
// from within, stay where they are on the host.
func TestSharedParent(t *testing.T) {
	sharedHost(t, shared+`
before=$(table)
mnt=$(cage-up bird)
mkdir "$mnt/tmp/stand-in" "$mnt/tmp/inside"
mount --rbind "$DIR/stand-in" "$mnt/tmp/stand-in"
mount --rbind /dev "$mnt/dev"
mount --bind "$mnt/proc" "$mnt/root"
cage-exec bird mount -t tmpfs inside /tmp/inside
[ "$(table | wc -l)" -ge "$(($(wc -l <<<"$before") + 15))" ]
eval "$DOWN"
diff <(echo "$before") <(table)`)
}

// TestSharedCopy: where the shared mount that the cages lie on is bound to a
// second place, a cage is there, too, and goes there, too.
func TestSharedCopy(t *testing.T) {
	sharedHost(t, shared+`
mount --bind "$DIR" "$DIR/copy"
before=$(table)
mnt=$(cage-up bird)
[ -e "$DIR/copy/${mnt#"$DIR/"}/bin/busybox" ]
mkdir "$mnt/tmp/deep"; mount -t tmpfs deep "$mnt/tmp/deep"; mount -t tmpfs over "$mnt/tmp"
eval "$DOWN"
diff <(echo "$before") <(table)`)
}

// sharedHost runs a script with each way of bringing a cage down.
func sharedHost(t *testing.T, script string) {
	t.Helper()
	ownMounts(t)
	for _, down := range []string{`cage-down bird`, `cage-rm -f bird`, `cage-down -n bird | sh -e`} {
		t.Run(down, func(t *testing.T) {
			h := newTestHost(t, busyboxTree(t), t.TempDir())
			h.sh(t, `cage-new --ro "$HOST" --name tree; cage-new --name bird --base tree`)
			h.sh(t, `DOWN=$1 unshare -m --propagation private bash -euo pipefail -c "$2"`, down, script)
		})
	}
}
