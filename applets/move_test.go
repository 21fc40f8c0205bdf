package applets

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// born is a cage and the lower directory that it was born on.
type born struct{ uuid, lower string }

// stands brings a cage up and says what it stands on.
func (h *testHost) stands(t *testing.T, uuid string) string {
	t.Helper()
	h.sh(t, `cage-up -q $1`, uuid)
	lower := lowerOf(t, h.mnt(uuid))
	h.sh(t, `cage-down -q $1`, uuid)
	return lower
}

// use brings a cage up, lets it have files of its own, and takes it down.
func (h *testHost) use(t *testing.T, uuid string) {
	t.Helper()
	h.sh(t, `cage-up -q $1; cage-exec $1 sh -c 'echo used >/used'; cage-down -q $1`, uuid)
}

// TestTheHostMovesOnAndCagesStay: cages made by hand and by cage on each of three
// snapshots, one of them up all the time.
func TestTheHostMovesOnAndCagesStay(t *testing.T) {
	for _, first := range []string{`cage-snapshot`, `"$HAND/snapshot"`} {
		t.Run(strings.Trim(filepath.Base(first), `"`), func(t *testing.T) {
			host := btrfsHost(t)
			h := newTestHost(t, host, host)
			var all []born
			for i := range 3 {
				h.sh(t, `echo $1 >"$HOST/etc/marker"`, fmt.Sprint(i))
				lower := inode(t, h.sh(t, first))
				first = `cage-snapshot`
				for _, make := range []string{`"$HAND/new"`, `cage-new`, `cage-new`} {
					all = append(all, born{h.sh(t, make), lower})
				}
				h.use(t, all[3*i+1].uuid) // the others are pristine
				h.sh(t, `cage-up $1`, all[3*i+2].uuid)
			}
			for i, b := range all {
				if i%3 == 2 {
					if got := lowerOf(t, h.mnt(b.uuid)); got != b.lower {
						t.Errorf("cage %d, up, stands on %s, was born on %s", i, got, b.lower)
					}
					h.sh(t, `cage-down $1`, b.uuid)
				}
				if got := h.stands(t, b.uuid); got != b.lower {
					t.Errorf("cage %d stands on %s, was born on %s", i, got, b.lower)
				}
				h.want(t, `"$HAND/up" `+b.uuid+` >/dev/null; cat "$DATA/`+b.uuid+`.w/mnt/etc/marker"; "$HAND/down" `+b.uuid+` 2>/dev/null`, fmt.Sprint(i/3))
			}
			// one base a snapshot, with the name it had as the host
			h.want(t, `cage-ls | awk '$3 == "base" { print $1 }' | sort`,
				h.sh(t, `for ss in "$SNAPSHOTS"/*.ss; do echo host_$(basename $ss .ss); done`))
		})
	}
}

// TestRepointedByHand: the article's ln -sfn takes the lower directory away from
// beneath a cage.
func TestRepointedByHand(t *testing.T) {
	host := btrfsHost(t)
	h := newTestHost(t, host, host)
	one := h.sh(t, `cage-snapshot`)
	used, pristine := h.sh(t, `cage-new --name used`), h.sh(t, `cage-new --name pristine`)
	h.use(t, used)
	if got := h.stands(t, pristine); got != inode(t, one) {
		t.Errorf("pristine stands on %s", got)
	}
	two := h.sh(t, `"$HAND/snapshot" 2>/dev/null`)
	h.refused(t, `cage-up used`, "cannot bring up used", one, two, "hint: cage-up --rebase used")
	h.state(t, "used", "down")
	h.want(t, `cat "$DATA/`+used+`.w/lower"`, one)
	if got := h.stands(t, pristine); got != inode(t, two) {
		t.Errorf("pristine stands on %s", got)
	}
	h.sh(t, `cage-up --rebase used; cage-down used`)
	if got := h.stands(t, used); got != inode(t, two) {
		t.Errorf("used stands on %s", got)
	}
	// the same directory by another name is no other
	h.sh(t, `mv "$SNAPSHOTS" "$DIR/moved"; ln -s moved "$SNAPSHOTS"`)
	if got := h.stands(t, used); got != inode(t, two) {
		t.Errorf("used stands on %s", got)
	}
}

// TestSnapshotKilledAtAnyPoint kills cage-snapshot before each call with which it
// changes something, until it survives.
func TestSnapshotKilledAtAnyPoint(t *testing.T) {
	host := btrfsHost(t)
	n := 1
	for ; n <= 100 && killedAt(t, host, n); n++ {
	}
	t.Logf("killed at %d calls", n-1)
	if n == 1 || n > 100 {
		t.Error("no call was found, or no end of them")
	}
}

// killedAt kills a cage-snapshot at the nth call, and tells whether it was. What
// it leaves is looked at before and after the next one.
func killedAt(t *testing.T, host string, n int) (killed bool) {
	h := newTestHost(t, host, filepath.Join(host, fmt.Sprint(n)))
	// by hand elsewhere, or each cage-snapshot had to wait for its second
	old := inode(t, h.sh(t, `btrfs -q subvolume snapshot -r "$HOST" "$DIR/old"
mkdir -p "$DATA/$1.r" "$SNAPSHOTS"; ln -s "$DIR/old" "$DATA/$1.r/root"; printf 'uuid=%s\nname=old\nroot=root\n' $1 >"$DATA/$1.r/cage.conf"
echo "$DIR/old"`, nilUUID))
	base := h.sh(t, `cage-new --name base --base host --ro "$HOST/bin"`)
	all := []string{h.sh(t, `cage-new`), h.sh(t, `cage-new --base `+base)}
	h.use(t, all[0])
	births := map[string]string{all[0]: old, all[1]: inode(t, host+"/bin") + " " + old}

	killed = killAtChange(t, h.env, "cage-snapshot", n)
	for _, when := range []string{"killed", "again"} {
		for uuid, lower := range births {
			if got := h.stands(t, uuid); got != lower {
				t.Errorf("call %d, %s: it stands on %s, was born on %s", n, when, got, lower)
			}
		}
		h.nothingHalf(t)
		if when == "killed" {
			births[h.sh(t, `cage-new`)] = inode(t, h.data+"/"+nilUUID+".r/root")
			h.sh(t, `cage-snapshot`)
		}
	}
	if t.Failed() {
		t.Fatalf("at call %d", n)
	}
	h.sh(t, `shopt -s nullglob; btrfs -q subvolume delete "$DIR/old" "$SNAPSHOTS"/{,.}*.ss{,.new}`) // or each next one had more to look at
	return killed
}

// nothingHalf says that what stands under a proper name is whole.
func (h *testHost) nothingHalf(t *testing.T) {
	t.Helper()
	h.want(t, `shopt -s nullglob
for dir in "$DATA"/*.[rw]; do
	id=$(basename "$dir" | cut -c 1-36)
	grep -qx "uuid=$id" "$dir/cage.conf" && [ -d "$dir/root/." ] || echo "half: $dir"
done
for ss in "$SNAPSHOTS"/*.ss; do
	[ "$(btrfs property get "$ss" ro)" = ro=true ] && [ -f "$ss/etc/marker" ] && [ -s "${ss%.ss}.txt" ] || echo "half: $ss"
done
cage-ls 2>&1 | grep broken || :`, "")
}
