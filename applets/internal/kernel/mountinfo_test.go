package kernel

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParseMountinfo(t *testing.T) {
	for line, want := range map[string]Mount{
		// proc_pid_mountinfo(5) has this one
		`36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`: {
			ID: 36, Parent: 35, Dev: unix.Mkdev(98, 0), Root: "/mnt1", Point: "/mnt2", Type: "ext3", Options: "rw,errors=continue"},
		`1 0 8:1 / / rw - ext4 /dev/sda1 rw`: {
			ID: 1, Dev: unix.Mkdev(8, 1), Root: "/", Point: "/", Type: "ext4", Options: "rw"},
		`9 1 0:4096 / /a rw shared:7 master:3 propagate_from:2 unbindable - tmpfs none rw,size=1k`: {
			ID: 9, Parent: 1, Dev: unix.Mkdev(0, 4096), Peers: 7, Root: "/", Point: "/a", Type: "tmpfs", Options: "rw,size=1k"},
		`9 1 0:5 /r\040o /a\011b\012c\134d\040 rw - fuse.x\134y a\040b rw,lowerdir=/a\134:b`: {
			ID: 9, Parent: 1, Dev: 5, Root: "/r o", Point: "/a\tb\nc\\d ", Type: `fuse.x\y`, Options: `rw,lowerdir=/a\134:b`},
		`9 1 0:5 / /\040-\040 rw shared:1 - overlay  rw,lowerdir+=/a - b`: { // an empty source
			ID: 9, Parent: 1, Dev: 5, Peers: 1, Root: "/", Point: "/ - ", Type: "overlay", Options: "rw,lowerdir+=/a - b"},
		`9 1 0:5 / /end\13 rw - t s o`:     {ID: 9, Parent: 1, Dev: 5, Root: "/", Point: `/end\13`, Type: "t", Options: "o"},
		`9 1 0:5 / /end\999 rw - t s o`:    {ID: 9, Parent: 1, Dev: 5, Root: "/", Point: `/end\999`, Type: "t", Options: "o"},
		`9 1 0:5 / /x//deleted rw - t s o`: {ID: 9, Parent: 1, Dev: 5, Root: "/", Point: "/x//deleted", Type: "t", Options: "o"},
	} {
		if got := parseMountinfo(line + "\n"); len(got) != 1 || got[0] != want {
			t.Errorf("%s\n%+v\nwant %+v", line, got, want)
		}
	}
	stacked := "2 1 0:5 / /p rw - tmpfs one rw\n3 2 0:6 / /p rw - tmpfs two rw\n"
	if got := parseMountinfo(stacked); len(got) != 2 || got[0].ID != 2 || got[1].Parent != 2 {
		t.Errorf("stacked: %+v", got)
	}
	for _, odd := range []string{"", "\n\n", "x", " - ", "1 2 0:1 / /p - t s o", "1 2 0:1 / /p rw - t s", "1 2 0:1 / /p rw t s o"} {
		if got := parseMountinfo(odd); len(got) != 0 {
			t.Errorf("%q: %+v", odd, got)
		}
	}
}

// FuzzParseMountinfo wants no panic, and what is well formed read as it was written.
func FuzzParseMountinfo(f *testing.F) {
	f.Add("1 0 0:5 / /p rw - t s o", "/a b\\c\n", uint64(7), uint32(3))
	f.Add("- - - \\ \\04 \\777 : shared: - - ", `\040`, uint64(0), ^uint32(0))
	f.Fuzz(func(t *testing.T, text, point string, id uint64, peers uint32) {
		parseMountinfo(text)
		point = "/" + point
		mangled := strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`).Replace(point)
		line := fmt.Sprintf("%d 0 1:2 %s %[2]s rw shared:%d - t s o", id, mangled, peers)
		got := parseMountinfo(line)
		want := Mount{ID: id, Dev: unix.Mkdev(1, 2), Peers: uint64(peers), Root: point, Point: point, Type: "t", Options: "o"}
		if len(got) != 1 || got[0] != want {
			t.Errorf("%q = %+v, want %+v", line, got, want)
		}
	})
}

// oddMounts mounts what is hard to read.
func oddMounts(t *testing.T) {
	t.Helper()
	dir := scratch(t)
	for i, name := range []string{" ", `a\040b`, "tab\tnew\nline", "鳥かご", `"'$#`, "\xff", " - "} {
		tmpfs(t, "source "+name, dir+"/"+name)
		mkdirs(t, dir+"/"+name+"/root "+name, dir+"/bind"+strconv.Itoa(i))
		must(unix.Mount(dir+"/"+name+"/root "+name, dir+"/bind"+strconv.Itoa(i), "", unix.MS_BIND, ""))
	}
	tmpfs(t, "stacked", dir+"/ ")
	must(unix.Mount("", dir+"/ ", "", unix.MS_SHARED, ""))
	o := layersIn(t, dir+"/o,v:e\\r", "top", "bottom")
	mkdirs(t, dir+"/mnt")
	must(MountTree(dir+"/mnt", o, nil))
}

// TestMountsAgainstFindmnt compares with what findmnt(8) makes of the same file.
func TestMountsAgainstFindmnt(t *testing.T) {
	oddMounts(t)
	var want, got []string
	for line := range strings.Lines(run(t, "findmnt", "-r", "-n", "-o", "ID,PARENT,FSTYPE,TARGET,FSROOT")) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), " ")
		for i := range f { // blanks and the like are \xHH
			parts := strings.Split(f[i], `\x`)
			for j := range parts[1:] {
				parts[j+1] = string([]byte{byte(must1(strconv.ParseUint(parts[j+1][:2], 16, 8)))}) + parts[j+1][2:]
			}
			f[i] = strings.Join(parts, "")
		}
		want = append(want, fmt.Sprintf("%q", f))
	}
	for _, m := range must1(Mounts()) {
		got = append(got, fmt.Sprintf("%q", []string{fmt.Sprint(m.ID), fmt.Sprint(m.Parent), m.Type, m.Point, m.Root}))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("Mounts:\n%s\nfindmnt:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestStatmountAgainstMountinfo compares all mounts that there are.
func TestStatmountAgainstMountinfo(t *testing.T) {
	needsLinux(t, 6, 11)
	oddMounts(t)
	all, err := listmount(listmountRoot, statmountAll)
	must(err)
	listed := map[uint64]Mount{}
	for _, m := range all {
		listed[m.ID] = m
	}
	table := must1(Mounts())
	if len(all) != len(table) {
		t.Errorf("listmount(2) has %d mounts, the table %d", len(all), len(table))
	}
	for _, want := range table {
		got := listed[want.ID]
		// Only the table begins the options with the state of the superblock.
		_, want.Options, _ = strings.Cut(want.Options, ",")
		if got.unique == 0 {
			t.Errorf("listmount(2) lacks %+v", want)
		}
		if got.unique = 0; got != want {
			t.Errorf("statmount(2) says %+v\nthe table %+v", got, want)
		}
	}
}
