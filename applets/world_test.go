package applets

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// world is a conf of its own with the cages that it names.
type world struct {
	dir, data, snapshots, base string

	conf    string
	cgroups string
}

// newWorld makes one in a directory that nothing else is in. Cages can stand on
// its base, a small system; its host is the directory host.
func newWorld(t *testing.T, dir, data, host, snapshots string) *world {
	t.Helper()
	w := &world{dir: dir, data: data, snapshots: snapshots, base: dir + "/base", conf: dir + "/cage.conf", cgroups: cgroupsDir()}
	makeBase(t, w.base)
	text := fmt.Sprintf("tool=%s/tool\ndata=%s\nsnapshots=%s\nhost=%s\n", dir, data, snapshots, host)
	ok(t, os.WriteFile(w.conf, []byte(text), 0o644))
	t.Cleanup(func() {
		if left := leftovers(w.data, w.cgroups); left != "" {
			t.Error("left behind:\n" + left)
		}
	})
	return w
}

// plainWorld is a world on a tmpfs, whose host is its base.
func plainWorld(t *testing.T) *world {
	t.Helper()
	dir := scratchOnTmpfs(t)
	w := newWorld(t, dir, dir+"/data", dir+"/base", dir+"/snapshots")
	w.must(t, "cage-new", "--name", "base", "--ro", w.base)
	return w
}

// cgroupsDir is where the cgroups of cages are.
func cgroupsDir() string {
	if _, err := os.Stat("/sys/fs/cgroup/unified"); err == nil {
		return "/sys/fs/cgroup/unified/cage"
	}
	return "/sys/fs/cgroup/cage"
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// needsLinux skips a test that an older kernel cannot pass.
func needsLinux(t *testing.T, major, minor int) {
	t.Helper()
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	ok(t, err)
	var isMajor, isMinor int
	if n, err := fmt.Sscanf(string(release), "%d.%d", &isMajor, &isMinor); n != 2 {
		t.Fatalf("%q: %v", release, err)
	}
	if isMajor < major || isMajor == major && isMinor < minor {
		t.Skipf("needs Linux %d.%d", major, minor)
	}
}

// sh runs a shell script with its arguments.
func sh(t *testing.T, script string, args ...string) {
	t.Helper()
	if out, err := exec.Command("sh", append([]string{"-euc", script, "sh"}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", script, args, err, out)
	}
}

// command is an applet of this world, not yet started.
func (w *world) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	ok(t, err)
	return &exec.Cmd{Path: self, Args: args, Env: w.env()}
}

func (w *world) env() []string { return append(os.Environ(), "CAGE_CONF="+w.conf, "LC_ALL=C") }

// result is what a command said and how it ended.
type result struct {
	out, errs string
	status    int
}

// run runs an applet, which must end by itself and say a sentence when it fails.
func (w *world) run(t *testing.T, args ...string) result {
	t.Helper()
	return finish(t, w.command(t, args...))
}

func finish(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Errorf("%q: %v", cmd.Args, err)
	}
	r := result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
	for line := range strings.Lines(r.errs) {
		if !strings.HasPrefix(line, cmd.Args[0]+": ") || strings.Contains(line, "failed to") {
			t.Errorf("%q says %q", cmd.Args, r.errs)
			break
		}
	}
	if r.status != 0 && r.errs == "" && cmd.Args[0] != "cage-check" {
		t.Errorf("%q fails, status %d, and says nothing", cmd.Args, r.status)
	}
	return r
}

// must runs an applet that must succeed and returns its one line.
func (w *world) must(t *testing.T, args ...string) string {
	t.Helper()
	r := w.run(t, args...)
	if r.status != 0 {
		t.Fatalf("%q: exit status %d\n%s", args, r.status, r.errs)
	}
	return strings.TrimSuffix(r.out, "\n")
}

// mounts counts what is mounted for a cage: 7 when it is up.
func (w *world) mounts(uuid string) int {
	return len(mountsBelow(filepath.Join(w.data, uuid+".w")))
}

// check runs cage-check and returns its lines, but for those on the cgroups of
// other worlds of this machine, and whether its exit status is right.
func (w *world) check(t *testing.T, args ...string) []string {
	t.Helper()
	r := w.run(t, append([]string{"cage-check"}, args...)...)
	var own []string
	want := 0
	for line := range strings.Lines(r.out) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasSuffix(line, ": repaired") {
			want = 1
		}
		where, _, _ := strings.Cut(line, ": ")
		if uuid, cgroup := strings.CutPrefix(where, w.cgroups+"/"); !cgroup || w.knows(uuid) {
			own = append(own, line)
		}
	}
	if r.status != want {
		t.Errorf("cage-check %q: exit status %d, want %d\n%s%s", args, r.status, want, r.out, r.errs)
	}
	return own
}

// knows tells whether a cage is, or was just half removed, of this world.
func (w *world) knows(uuid string) bool {
	found, _ := filepath.Glob(w.data + "/*" + uuid + "*")
	return len(found) > 0
}

// clean wants cage-check to repair all there is to repair, and then to find
// nothing; and nothing to be left under a hidden name.
func (w *world) clean(t *testing.T) {
	t.Helper()
	for _, line := range w.check(t, "--repair") {
		if !strings.HasSuffix(line, ": repaired") {
			t.Error("not repaired:", line)
		}
	}
	if lines := w.check(t); len(lines) != 0 {
		t.Errorf("not clean: %q", lines)
	}
	for _, pattern := range []string{w.data + "/.*", w.data + "/*/.*", w.snapshots + "/.*"} {
		if hidden, _ := filepath.Glob(pattern); len(hidden) > 0 {
			t.Errorf("left: %q", hidden)
		}
	}
}

// btrfsIn mounts a new btrfs on dir/btrfs, with a subvolume @ that holds a host.
func btrfsIn(t *testing.T, dir string) string {
	t.Helper()
	top := dir + "/btrfs"
	sh(t, `mkdir "$2"; truncate -s 128M "$1"; mkfs.btrfs -q "$1"; mount -o loop "$1" "$2"; btrfs -q subvolume create "$2/@"`, dir+"/image", top)
	t.Cleanup(func() {
		if err := syscall.Unmount(top, 0); err != nil {
			t.Error("cannot unmount the btrfs: ", err)
			syscall.Unmount(top, syscall.MNT_DETACH)
		}
	})
	makeBase(t, top+"/@")
	return top
}
