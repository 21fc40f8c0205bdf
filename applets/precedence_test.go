package applets

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// base makes a base of a directory with some files, which hold their base's name.
func (h *testHost) base(t *testing.T, name, bases string, files ...string) {
	t.Helper()
	h.sh(t, `mkdir -p "$DIR/bases/$1"; cd "$DIR/bases/$1"
for file in $3; do echo $1 >$file; done
cage-new --name $1 --ro . ${2:+--base "$2"}`, name, bases, strings.Join(files, " "))
}

// TestPrecedence: what is in several bases is seen as the topmost has it.
func TestPrecedence(t *testing.T) {
	host := btrfsHost(t)
	h := newTestHost(t, host, host)
	h.sh(t, `for file in abcd abc ab a b c d; do echo host >"$HOST/$file"; done; cage-snapshot`)
	h.base(t, "d", "host", "abcd", "d")
	h.base(t, "b", "d", "abcd", "abc", "ab", "b")
	h.base(t, "c", "d", "abcd", "abc", "c")
	h.base(t, "x", "", "abcd", "ab", "a")
	h.base(t, "y", "", "abcd", "abc", "ab", "b")
	for _, c := range []struct{ base, layers, abcd, abc, ab, a, b, c, d string }{
		{"x:y:host", "x y host", "x", "y", "x", "x", "y", "host", "host"},
		{"y:x:host", "y x host", "y", "y", "y", "x", "y", "host", "host"},
		{"b:c", "b c d host", "b", "b", "b", "host", "b", "c", "d"}, // a diamond
		{"c:b", "c b d host", "c", "c", "b", "host", "b", "c", "d"},
	} {
		for _, by := range []string{`cage-`, `"$HAND/"`} {
			newCage := map[string]string{`cage-`: `cage-new --base `, `"$HAND/"`: `"$HAND/new" over `}[by] + c.base
			uuid := h.sh(t, newCage)
			h.sh(t, by+`up $1`, uuid)
			h.want(t, `cd "$DATA/`+uuid+`.w/mnt"; echo $(cat abcd abc ab a b c d)`, strings.Join([]string{c.abcd, c.abc, c.ab, c.a, c.b, c.c, c.d}, " "))
			var want []string
			for name := range strings.FieldsSeq(c.layers) {
				dir := filepath.Join(h.dir, "bases", name)
				if name == "host" {
					dir = h.data + "/" + nilUUID + ".r/root"
				}
				want = append(want, inode(t, dir))
			}
			if got := lowerOf(t, h.mnt(uuid)); got != strings.Join(want, " ") {
				t.Errorf("%s: layers %s, want %q", c.base, got, want)
			}
			h.sh(t, by+`down $1 2>/dev/null; `+by+`rm $1`, uuid)
		}
	}
}

// TestManyLayers: 60 and 400 of them.
func TestManyLayers(t *testing.T) {
	needsLinux(t, 6, 8) // mount(2) takes no more than a page of them
	ownMounts(t)
	h := newTestHost(t, busyboxTree(t), t.TempDir())
	h.sh(t, `cage-new --ro "$HOST" --name tree`)
	var all []string
	for i := range 400 {
		uuid := fmt.Sprintf("%08x-0000-4000-8000-000000000000", i+1)
		dir := h.data + "/" + uuid + ".r"
		err := os.MkdirAll(dir+"/root", 0o755)
		for file, text := range map[string]string{"/cage.conf": "uuid=" + uuid + "\nname=layer\nroot=root\n", "/root/top": uuid, "/root/" + uuid: ""} {
			if err == nil {
				err = os.WriteFile(dir+file, []byte(text), 0o644)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, uuid)
	}
	for _, n := range []int{60, 400} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			uuid := h.sh(t, `cage-new --base $1:tree`, strings.Join(all[:n], ":"))
			h.sh(t, `cage-up $1`, uuid)
			h.want(t, `cd "$DATA/`+uuid+`.w/mnt"; cat top; echo; ls -d *-*-* | wc -l`, fmt.Sprintf("%s\n%d", all[0], n))
			layers := strings.Fields(lowerOf(t, h.mnt(uuid)))
			for i, layer := range layers[:n] {
				if want := inode(t, h.data+"/"+all[i]+".r/root"); layer != want {
					t.Errorf("layer %d is %s, want %s", i, layer, want)
				}
			}
			if len(layers) != n+1 {
				t.Errorf("%d layers", len(layers))
			}
			h.state(t, uuid, "up")
			h.sh(t, `cage-down $1`, uuid)
			if n == 400 { // more than a page of options
				h.refused(t, `cage-up -n `+uuid, "cannot print the mount of", "401 layers need", "mount(2) takes 4095")
			}
			h.sh(t, `cage-rm $1`, uuid)
		})
	}
}

// TestOddPath: a data directory whose name has all that mount options and the
// mount table write in other ways, by cage, by sh and by hand.
func TestOddPath(t *testing.T) {
	ownMounts(t)
	dir := filepath.Join(t.TempDir(), `a:b,c\d  é 籠 'q $x`)
	// where an unescaped one would lead
	if out, err := exec.Command("mkdir", "-p", dir, filepath.Dir(dir)+"/a", filepath.Dir(dir)+`/a:b,cd  é 籠 'q $x`).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	h := newTestHost(t, busyboxTree(t), dir)
	h.sh(t, `cage-new --ro "$HOST" --name tree`)
	h.base(t, "more", "", "more")
	for _, c := range []struct{ up, down, rm string }{
		{`cage-up $1`, `cage-down $1`, `cage-rm $1`},
		{`cage-up -n $1 | sh -e`, `cage-down -n $1 | sh -e`, `cage-rm -n $1 | sh -e`},
		{`"$HAND/up" $1`, `"$HAND/down" $1 2>/dev/null`, `"$HAND/rm" $1`},
	} {
		uuid := h.sh(t, `cage-new --base more:tree`)
		h.sh(t, c.up, uuid)
		h.state(t, uuid, "up")
		if got, want := lowerOf(t, h.mnt(uuid)), inode(t, dir+"/bases/more")+" "+inode(t, h.host); got != want {
			t.Errorf("%s: layers %s, want %s", c.up, got, want)
		}
		h.sh(t, `cage-exec $1 sh -c 'echo written >/written'`, uuid)
		h.want(t, `cat "$DATA/`+uuid+`.w/root/written" "$DATA/`+uuid+`.w/mnt/more"`, "written\nmore")
		pid := begin(t, h.mnt(uuid), "/", "echo; exec sleep 60")
		h.refused(t, `cage-rm `+uuid, "it is up")
		h.sh(t, c.down, uuid)
		gone(t, pid)
		h.state(t, uuid, "down")
		h.sh(t, c.rm, uuid)
		h.want(t, `cd "$DATA"; ls -A | grep -c '\.r$'; ls -A | grep -v '\.r$' || :`, "2")
		h.sh(t, `rmdir /sys/fs/cgroup/cage/$1 /sys/fs/cgroup/unified/cage/$1 2>&1 || :`, uuid) // the procedure knows none
	}
}

// TestPathForNoShell: mount(8) takes a double quote for one of its own.
func TestPathForNoShell(t *testing.T) {
	ownMounts(t)
	dir := filepath.Join(t.TempDir(), `a"b`)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	h := newTestHost(t, busyboxTree(t), dir)
	h.sh(t, `cage-new --ro "$HOST" --name tree`)
	uuid := h.sh(t, `cage-new --base tree`)
	h.refused(t, `cage-up -n `+uuid, "cannot print the mount of", "double quote")
	h.sh(t, `cage-up $1; cage-exec $1 true; cage-down $1`, uuid)
}
