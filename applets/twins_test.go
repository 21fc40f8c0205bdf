package applets

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// twins are two hosts that are alike: on the first one cage does things, on the
// second sh does what cage -n prints.
type twins [2]*testHost

// newTwins makes both from snapshots of one host, so that even inodes are equal.
func newTwins(t *testing.T) (w twins) {
	t.Helper()
	host := btrfsHost(t)
	for i, name := range []string{"one", "two"} {
		dir := filepath.Join(filepath.Dir(host), name)
		if out, err := exec.Command("btrfs", "subvolume", "snapshot", host, dir).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		w[i] = newTestHost(t, dir, dir)
	}
	return w
}

// both runs the same script on each.
func (w twins) both(t *testing.T, script string) {
	t.Helper()
	for _, h := range w {
		h.sh(t, script)
	}
}

// step does on the one what it has printed and fed to sh on the other, and
// compares. It returns the state of both.
func (w twins) step(t *testing.T, applet, operands string) string {
	t.Helper()
	before := w[1].dump(t)
	script := w[1].sh(t, applet+` -n `+operands)
	if after := w[1].dump(t); after != before {
		t.Errorf("%s -n %s changed something:\n%s", applet, operands, difference(before, after))
	}
	w[0].sh(t, applet+` `+operands)
	w[1].sh(t, `sh -e <<<"$1"`, script)
	one, two := w[0].dump(t), w[1].dump(t)
	if one != two {
		t.Errorf("%s %s (<) is not its -n (>):\n%s\nwhich was:\n%s", applet, operands, difference(one, two), script)
	}
	if one == before {
		t.Errorf("%s %s changed nothing", applet, operands)
	}
	return one
}

// begin starts a process in a cage of each.
func (w twins) begin(t *testing.T, name, script string) (pids []string) {
	t.Helper()
	for _, h := range w {
		pids = append(pids, begin(t, h.named(t, name)+"/mnt", "/", script))
	}
	return pids
}

// named is the directory of the cage with a name.
func (h *testHost) named(t *testing.T, name string) string {
	t.Helper()
	return filepath.Dir(h.sh(t, `grep -lx "name=$1" "$DATA"/*/cage.conf`, name))
}

// gone says that the processes have ended.
func gone(t *testing.T, pids ...string) {
	t.Helper()
	for _, pid := range pids {
		if lives(pid) {
			t.Errorf("%s lives", pid)
		}
	}
}

var (
	anyName  = regexp.MustCompile(`(?m)^data/(.{36})\.[rw]/cage\.conf:name=(.*)$`)
	anyStamp = regexp.MustCompile(`\b20\d{12}\b`)
	anyTime  = regexp.MustCompile(`20\d\d-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d`)
)

// dump is all there is to see of the cages of a host, but for uuids, times and
// where the host is: files with mode and owner, their contents, what overlayfs
// keeps in extended attributes, and mounts.
func (h *testHost) dump(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat(h.data); err != nil {
		return ""
	}
	text := h.sh(t, `cd "$DIR"
shopt -s nullglob
snap=$(ls -d snapshots 2>/dev/null || :)
find data $snap -xdev -printf '%y %m %U %G %p %l\n'
find data $snap -xdev -type f -exec grep -H '' {} + || :
find data $snap -xdev -exec getfattr -h -d -m '^trusted.overlay' {} + |
	awk '/^# file/ { file = $3 } /=/ { print file, $0 }' | sed -E 's/(origin|uuid)=.*/\1/'
for dir in snapshots/*.ss; do btrfs property get $dir ro | sed "s|^|$dir |"; done
findmnt -rno TARGET,SOURCE,FSTYPE,VFS-OPTIONS,PROPAGATION | grep -F "$DIR/" | sed "s,\[/$(basename "$DIR")/,[DIR/," || :`)
	text += "\n" + h.overlays(t)
	for _, name := range anyName.FindAllStringSubmatch(text, -1) {
		if name[1] != nilUUID {
			text = strings.ReplaceAll(text, "cage-"+name[1][:8], "NAMELESS")
			text = strings.ReplaceAll(text, name[1], "UUID-OF-"+strings.ReplaceAll(name[2], "cage-"+name[1][:8], "NAMELESS"))
		}
	}
	stamps := anyStamp.FindAllString(text, -1)
	slices.Sort(stamps)
	for i, stamp := range slices.Compact(stamps) {
		text = strings.ReplaceAll(text, stamp, fmt.Sprint("STAMP", i))
	}
	text = anyTime.ReplaceAllString(strings.ReplaceAll(text, h.dir, "DIR"), "TIME")
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// overlays are the overlays of a host with their options in any order, and their
// layers by what directory they really are.
func (h *testHost) overlays(t *testing.T) string {
	t.Helper()
	paths := map[string]string{inode(t, h.dir): h.dir}
	for path := range strings.FieldsSeq(h.sh(t, `cd "$DIR"; find $(ls -d data base snapshots 2>/dev/null || :) -maxdepth 2 -xtype d -printf "$DIR/%p\n"`)) {
		paths[inode(t, path)] = h.sh(t, `realpath "$1"`, path)
	}
	var b strings.Builder
	for _, m := range mountLines(t) {
		if m.fstype != "overlay" || !strings.HasPrefix(m.point, h.dir+"/") {
			continue
		}
		var options []string
		for o := range strings.SplitSeq(m.options, ",") {
			if !strings.HasPrefix(o, "lowerdir") {
				options = append(options, o)
			}
		}
		slices.Sort(options)
		fmt.Fprintf(&b, "%s %v\n", m.point, options)
		for i, dir := range strings.Fields(lowerOf(t, m.point)) {
			fmt.Fprintf(&b, "%s layer %d: %s\n", m.point, i, paths[dir])
		}
	}
	return b.String()
}

// difference lists the lines that only one of two texts has.
func difference(one, two string) string {
	var b strings.Builder
	a, z := strings.Split(one, "\n"), strings.Split(two, "\n")
	for _, line := range a {
		if !slices.Contains(z, line) {
			b.WriteString("< " + line + "\n")
		}
	}
	for _, line := range z {
		if !slices.Contains(a, line) {
			b.WriteString("> " + line + "\n")
		}
	}
	return b.String()
}
