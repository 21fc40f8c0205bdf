package kernel

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestInsideAndHolders(t *testing.T) {
	tree := testTree(t)
	host := start(t, "wait", "", nil)
	cases := []struct {
		name, role, arg string
		change          func(*exec.Cmd)
		how, path       string
	}{
		{"chroot", "wait", "", in(tree), "root", tree.Point},
		{"chroot without chdir", "chroot", tree.Point, nil, "root", tree.Point},
		{"chroot to the tmpfs", "chroot", tree.Point + "/tmp", nil, "root", tree.Point + "/tmp"},
		{"chroot, private mounts", "wait", "", func(c *exec.Cmd) { in(tree)(c); c.SysProcAttr.Cloneflags = unix.CLONE_NEWNS }, "root", tree.Point},
		{"leader gone", "headless", "", in(tree), "root", tree.Point},
		{"daemon", "daemon", "", in(tree), "root", tree.Point},
		{"cwd", "wait", "", func(c *exec.Cmd) { c.Dir = tree.Point + "/tmp" }, "cwd", tree.Point + "/tmp"},
		{"cwd, private mounts", "wait", "", func(c *exec.Cmd) { c.Dir = tree.Point; c.SysProcAttr.Cloneflags = unix.CLONE_NEWNS }, "cwd", tree.Point},
		{"exe", "wait", "", func(c *exec.Cmd) { c.Path = tree.Point + "/inmate" }, "exe", tree.Point + "/inmate"},
		{"fd", "fd", tree.Point + "/inmate", nil, "fd", tree.Point + "/inmate"},
		{"map", "map", tree.Point + "/inmate", nil, "map", tree.Point + "/inmate"},
		{"thread", "thread", tree.Point, nil, "thread", tree.Point},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, c.role, c.arg, c.change)
			inside, err := Inside(tree)
			if err != nil {
				t.Fatal(err)
			}
			if got := find(inside, p.pid); (got.PID != 0) != (c.how == "root") {
				t.Errorf("Inside has it: %v, want %v", got.PID != 0, c.how == "root")
			}
			each, err := InsideEach([]Tree{{}, tree, {Dev: 1}})
			if err != nil || len(each) != 3 || len(each[0]) != 0 || len(each[2]) != 0 || slices.Contains(each[1], p.pid) != (c.how == "root") {
				t.Errorf("InsideEach = %v, %v", each, err)
			}
			holders, err := Holders(tree)
			if err != nil {
				t.Fatal(err)
			}
			got := find(holders, p.pid)
			if got.How != c.how || got.Path != c.path || got.Comm == "" {
				t.Errorf("Holders has %+v, want %s of %s", got, c.how, c.path)
			}
			for _, pid := range []int{host.pid, os.Getpid(), 1} {
				if got := find(holders, pid); got.PID != 0 {
					t.Errorf("Holders has %+v, which holds nothing", got)
				}
			}
		})
	}
}

func find(all []Process, pid int) Process {
	if i := slices.IndexFunc(all, func(p Process) bool { return p.PID == pid }); i >= 0 {
		return all[i]
	}
	return Process{}
}

func TestOtherHolders(t *testing.T) {
	tree := testTree(t)
	if got := OtherHolders(tree); len(got) != 0 {
		t.Fatalf("OtherHolders of an idle tree = %q", got)
	}

	image := tree.Point + "/image"
	must(os.WriteFile(image, nil, 0o644))
	must(os.Truncate(image, 1<<20))
	loop := strings.TrimSpace(string(must1(exec.Command("losetup", "--find", "--show", image).Output())))
	wantPhrase(t, tree, "loop device "+loop+" on "+image)
	must(exec.Command("losetup", "-d", loop).Run())

	bind := t.TempDir() + "/a place"
	must(os.Mkdir(bind, 0o755))
	must(unix.Mount(tree.Point, bind, "", unix.MS_BIND, ""))
	wantPhrase(t, tree, "a mount of the same overlay at "+bind)
	unmount(t, bind)

	p := start(t, "wait", "", func(c *exec.Cmd) { c.SysProcAttr.Cloneflags = unix.CLONE_NEWNS })
	wantPhrase(t, tree, fmt.Sprintf("a mount of the same overlay at %s in the mount namespace of %d exe", tree.Point, p.pid))
}

func wantPhrase(t *testing.T, tree Tree, want string) {
	t.Helper()
	if got := OtherHolders(tree); len(got) != 1 || got[0] != want {
		t.Errorf("OtherHolders = %q, want %q", got, want)
	}
}

func TestCallerInside(t *testing.T) {
	tree := testTree(t)
	c, fd := testCgroup(t)
	dev := fmt.Sprint(tree.Dev, " ", filepath.Base(c.dir))
	self := start(t, "caller", dev, func(c *exec.Cmd) { c.Dir = tree.Point })
	if want := fmt.Sprintf("%d cwd true", self.cmd.Process.Pid); self.line != want {
		t.Errorf("in the tree itself: %q, want %q", self.line, want)
	}
	parent := start(t, "parent", dev, func(c *exec.Cmd) { c.Dir = tree.Point })
	if want := fmt.Sprintf("%d cwd true", parent.cmd.Process.Pid); parent.line != want {
		t.Errorf("started from the tree: %q, want %q", parent.line, want)
	}
	if outside := start(t, "caller", dev, nil); outside.line != "0  false" {
		t.Errorf("outside: %q, want none", outside.line)
	}
	into := func(c *exec.Cmd) { c.SysProcAttr.UseCgroupFD, c.SysProcAttr.CgroupFD = true, fd }
	member := start(t, "parent", dev, into)
	if !strings.HasSuffix(member.line, " cgroup true") {
		t.Errorf("in the cgroup: %q, want that", member.line)
	}
	_ = member.cmd.Wait() // its child has left the cgroup too
}

func BenchmarkInside(b *testing.B) {
	tree := Tree{IDs: map[uint64]bool{1 << 40: true}, Dev: 1 << 40}
	processes := 0
	must(eachPID(func(int, int) { processes++ }))
	for b.Loop() {
		must1(Inside(tree))
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(processes), "us/process")
}

func BenchmarkHolders(b *testing.B) {
	tree := Tree{IDs: map[uint64]bool{1 << 40: true}, Dev: 1 << 40}
	for b.Loop() {
		must1(Holders(tree))
	}
}
