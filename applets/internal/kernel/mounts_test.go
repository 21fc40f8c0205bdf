package kernel

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// mountOnBoth asks statx(2) and the table, which must agree, also on what is below.
func mountOnBoth(t *testing.T, path string) (Mount, bool) {
	t.Helper()
	m, ok, err := MountOn(path)
	if err != nil {
		t.Fatal(err)
	}
	table, okTable, err := mountOnInTable(path)
	if err != nil || okTable != ok || table.ID != m.ID || table.Dev != m.Dev || table.Point != m.Point || table.Type != m.Type {
		t.Errorf("MountOn(%q)\n%+v, %v\nand by the table\n%+v, %v, %v", path, m, ok, table, okTable, err)
	}
	all := must1(ReadTable())
	if one, okOne, err := all.On(path); err != nil || okOne != ok || one != table {
		t.Errorf("Table.On(%q)\n%+v, %v, %v\nand by number\n%+v, %v", path, one, okOne, err, table, okTable)
	}
	if ok {
		want, got := must1(Below(m)), must1(all.Below(table))
		if !slices.EqualFunc(got, want, func(a, b Mount) bool { return a.ID == b.ID }) || !slices.Equal(got, must1(all.Below(table))) {
			t.Errorf("Table.Below(%q)\n%+v\nand Below\n%+v", path, got, want)
		}
	}
	return m, ok
}

// wantName wants the tmpfs of that name on path; "" is no mount.
func wantName(t *testing.T, path, name string) {
	t.Helper()
	m, ok := mountOnBoth(t, path)
	if ok != (name != "") {
		t.Errorf("MountOn(%q) = %+v, %v", path, m, ok)
	} else if ok {
		mustHold(t, path+"/name", name)
		var st unix.Stat_t
		must(unix.Stat(path, &st))
		if m.Dev != uint64(st.Dev) || m.Root != "/" || m.Type != "tmpfs" {
			t.Errorf("MountOn(%q) = %+v", path, m)
		}
	}
}

func named(t *testing.T, name, dir string) {
	t.Helper()
	tmpfs(t, name, dir)
	put(t, dir+"/name", name)
}

func TestMountOn(t *testing.T) {
	dir := scratch(t) + "/a b\\c\n鳥"
	mkdirs(t, dir+"/p/deep")
	wantName(t, dir+"/p", "")
	named(t, "one", dir+"/p")
	wantName(t, dir+"/p", "one")
	wantName(t, dir, "")
	named(t, "two", dir+"/p")
	wantName(t, dir+"/p", "two")
	must(os.Symlink("p", dir+"/link"))
	wantName(t, dir+"/link", "two")
	must(Unmount(dir + "/p"))
	wantName(t, dir+"/p", "one")

	named(t, "deep", dir+"/p/deep")
	wantName(t, dir+"/p/deep", "deep")
	named(t, "hides", dir+"/p")
	mkdirs(t, dir+"/p/deep")
	wantName(t, dir+"/p/deep", "")
	must(Unmount(dir + "/p"))
	wantName(t, dir+"/p/deep", "deep")

	// A bind mount of a directory, and of a file.
	mkdirs(t, dir+"/bind")
	put(t, dir+"/file", "")
	must(unix.Mount(dir+"/p/deep", dir+"/bind", "", unix.MS_BIND, ""))
	wantName(t, dir+"/bind", "deep")
	must(unix.Mount(dir+"/p/name", dir+"/file", "", unix.MS_BIND, ""))
	if m, ok := mountOnBoth(t, dir+"/file"); !ok || m.Root != "/name" || m.Point != dir+"/file" {
		t.Errorf("MountOn of a file = %+v, %v", m, ok)
	}
	for _, ask := range []func(string) (Mount, bool, error){MountOn, mountOnInTable} {
		if m, ok, err := ask(dir + "/none"); ok || !errors.Is(err, unix.ENOENT) {
			t.Errorf("MountOn of nothing = %+v, %v, %v", m, ok, err)
		}
	}
}

// TestMountOnOrder stacks mounts that were made in another order than they are
// listed in, which a detached one allows.
func TestMountOnOrder(t *testing.T) {
	dir := scratch(t)
	named(t, "bottom", dir)
	top := must1(create(must1(fsContext("tmpfs", "tmpfs", nil)), "tmpfs", 0))
	named(t, "middle", dir)
	must(attach(top, unix.AT_FDCWD, dir, "tmpfs"))
	must(unix.Close(top))
	put(t, dir+"/name", "top")
	wantName(t, dir, "top")
}

// wholeTree mounts one with stacked and hidden mounts, and returns its root.
func wholeTree(t *testing.T, dir string) Mount {
	t.Helper()
	named(t, "root", dir)
	named(t, "a", dir+"/a")
	named(t, "ab", dir+"/a/b")
	named(t, "second a", dir+"/a")
	named(t, "ac", dir+"/a/c")
	mkdirs(t, dir+"/x/y/z")
	named(t, "xyz", dir+"/x/y/z")
	named(t, "xy", dir+"/x/y") // hides it, beside it
	named(t, "xyq", dir+"/x/y/q")
	named(t, "xx", dir+"/xx")
	named(t, "x", dir+"/x") // hides three
	m, ok := mountOnBoth(t, dir)
	if !ok {
		t.Fatal("no mount")
	}
	return m
}

func TestBelow(t *testing.T) {
	for _, how := range []string{"as it comes", "by the table"} {
		t.Run(how, func(t *testing.T) {
			dir := scratch(t)
			outer := dir + "/outer"
			m := wholeTree(t, outer)
			named(t, "beside", dir+"/outer2")
			list, err := Below(m)
			must(err)
			m.unique = 0
			table, err := Below(m)
			must(err)
			same := func(a, b Mount) bool { return a.ID == b.ID && a.Point == b.Point && a.Parent == b.Parent }
			if !slices.EqualFunc(list, table, same) || len(list) != 10 {
				t.Errorf("Below = %v\nby the table %v", list, table)
			}
			if how == "by the table" {
				list = table
			}
			for _, x := range list {
				top, ok := mountOnBoth(t, x.Point)
				if !ok || top.ID != x.ID {
					t.Errorf("%s is %+v on top, not %+v", x.Point, top, x)
				}
				must(Unmount(x.Point))
			}
			if left := pointsBelow(dir); len(left) != 1 {
				t.Errorf("left: %q", left)
			}
		})
	}
}

func TestUnder(t *testing.T) {
	dir := scratch(t)
	mkdirs(t, dir+"/plain/sub")
	for _, name := range []string{"/plain/sub", "/plain/sub", "/plain x", "/plain/a b"} {
		tmpfs(t, "x", dir+name)
	}
	// More than one answer of listmount(2) holds.
	for i := range 600 {
		point := dir + "/plain/bind" + strconv.Itoa(i)
		mkdirs(t, point)
		must(unix.Mount(dir+"/plain", point, "", unix.MS_BIND, ""))
	}
	for under, want := range map[string]int{dir: 604, dir + "/plain": 603, dir + "/plain/sub": 2, dir + "/plain x": 1, dir + "/plain/bi": 0, dir + "/none": 0} {
		list, err := Under(under)
		var points []string
		for _, m := range list {
			points = append(points, m.Point)
		}
		slices.Sort(points)
		if err != nil || len(list) != want || !slices.Equal(points, pointsBelow(under)) {
			t.Errorf("Under(%q) = %d, %v; want %d", under, len(list), err, want)
		}
	}
}

// TestPeersOutside unmounts what was bound from a shared tree, which stands for
// the host's /dev, with and without making it a slave before.
func TestPeersOutside(t *testing.T) {
	for _, slave := range []bool{true, false} {
		dir := scratch(t)
		tmpfs(t, "dev", dir+"/host")
		must(unix.Mount("", dir+"/host", "", unix.MS_SHARED, ""))
		tmpfs(t, "pts", dir+"/host/pts")
		tmpfs(t, "cage", dir+"/cage")
		tmpfs(t, "own", dir+"/cage/own")
		must(unix.Mount("", dir+"/cage/own", "", unix.MS_SHARED, "")) // its peers are inside
		mkdirs(t, dir+"/cage/dev", dir+"/cage/bound")
		must(unix.Mount(dir+"/cage/own", dir+"/cage/bound", "", unix.MS_BIND, ""))
		must(unix.Mount(dir+"/host", dir+"/cage/dev", "", unix.MS_BIND|unix.MS_REC, ""))
		m, _ := mountOnBoth(t, dir+"/cage")
		tree := must1(Below(m))
		peers, err := PeersOutside(tree)
		if err != nil || len(peers) != 2 || peers[0].Point != dir+"/cage/dev/pts" || peers[1].Point != dir+"/cage/dev" {
			t.Errorf("PeersOutside = %+v, %v", peers, err)
		}
		for _, p := range peers {
			if slave {
				must(MakeSlave(p.Point))
			}
		}
		for _, x := range tree {
			must(Unmount(x.Point))
		}
		if _, still := mountOnBoth(t, dir+"/host/pts"); still != slave {
			t.Errorf("slave: %v, and the host's pts is still there: %v", slave, still)
		}
	}
}

// TestPeersOutsideRoot has the root of the namespace for a peer.
func TestPeersOutsideRoot(t *testing.T) {
	dir := scratch(t)
	must(unix.Mount("", "/", "", unix.MS_SHARED, ""))
	defer func() { must(unix.Mount("", "/", "", unix.MS_PRIVATE, "")) }()
	mkdirs(t, dir+"/bound")
	must(unix.Mount("/", dir+"/bound", "", unix.MS_BIND, ""))
	m, _ := mountOnBoth(t, dir+"/bound")
	peers, err := PeersOutside(must1(Below(m)))
	if err != nil || len(peers) != 1 || peers[0].Point != dir+"/bound" {
		t.Errorf("PeersOutside = %+v, %v", peers, err)
	}
	must(Unmount(dir + "/bound"))
}
