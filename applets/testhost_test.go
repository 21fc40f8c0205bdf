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

// testHost is a host to make cages on: a tree, a data directory and a snapshot
// directory of its own, which CAGE_CONF names.
type testHost struct {
	host, dir, data, snapshots string
	env                        []string
}

// newTestHost makes a host whose cages and snapshots are to be in dir.
func newTestHost(t *testing.T, host, dir string) *testHost {
	t.Helper()
	tool, err := filepath.Abs("..")
	h := &testHost{host: host, dir: dir, data: dir + "/data", snapshots: dir + "/snapshots"}
	h.env = append(os.Environ(), "LC_ALL=C", "CAGE_CONF="+dir+"/cage.conf", "HAND="+tool+"/scripts/article",
		"TOOL="+tool, "HOST="+h.host, "DIR="+h.dir, "DATA="+h.data, "SNAPSHOTS="+h.snapshots)
	conf := fmt.Sprintf("tool=%s/tool\ndata=%s\nhost=%s\nsnapshots=%s\n", dir, h.data, h.host, h.snapshots)
	err = errors.Join(err, os.MkdirAll(dir+"/tool/lib", 0o755), os.WriteFile(dir+"/cage.conf", []byte(conf), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	h.sh(t, `cp "$TOOL/scripts/cage.sh" "$DIR/tool/lib"`)
	t.Cleanup(func() { h.clean(t) })
	return h
}

// clean takes away what a test that failed left mounted or running, and the
// cgroups of cages that were taken down by hand.
func (h *testHost) clean(t *testing.T) {
	if t.Failed() {
		_ = h.command(`for c in $(cage-ls -q); do cage-down -q -f -t 0 $c; done`).Run()
		for _, point := range h.points(t) {
			_ = syscall.Unmount(point, syscall.MNT_DETACH)
		}
	}
	if left := h.points(t); len(left) > 0 {
		t.Errorf("mounts left: %q", left)
	}
	h.sh(t, `for dir in "$DATA"/*.w; do
		rmdir -- /sys/fs/cgroup/{,unified/}cage/"$(basename "$dir" .w)" || :
	done 2>/dev/null`)
}

// points returns the mount points in the host's directory, the last first.
func (h *testHost) points(t *testing.T) (points []string) {
	t.Helper()
	for _, m := range mountLines(t) {
		if strings.HasPrefix(m.point, h.dir+"/") {
			points = append([]string{m.point}, points...)
		}
	}
	return points
}

func (h *testHost) command(script string, args ...string) *exec.Cmd {
	cmd := exec.Command("bash", append([]string{"-euo", "pipefail", "-c", script, "-"}, args...)...)
	cmd.Env, cmd.Dir = h.env, "/"
	return cmd
}

// sh runs a script, which finds args as $1 and so on and must succeed, and
// returns what it prints.
func (h *testHost) sh(t *testing.T, script string, args ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := h.command(script, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s%s", script, args, err, out, stderr.String())
	}
	return strings.TrimSuffix(string(out), "\n")
}

// refused runs a script that must exit 1 and say all of words on stderr.
func (h *testHost) refused(t *testing.T, script string, words ...string) {
	t.Helper()
	var stderr bytes.Buffer
	cmd := h.command(script)
	cmd.Stderr = &stderr
	_ = cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("%s: exit status %d\n%s", script, code, stderr.String())
	}
	for _, word := range words {
		if !strings.Contains(stderr.String(), word) {
			t.Errorf("%s: says nothing of %s:\n%s", script, word, stderr.String())
		}
	}
}

// want compares what a script prints.
func (h *testHost) want(t *testing.T, script, want string) {
	t.Helper()
	if got := strings.TrimSpace(h.sh(t, script)); got != strings.TrimSpace(want) {
		t.Errorf("%s:\n%s\nwant:\n%s", script, got, strings.TrimSpace(want))
	}
}

// state is what cage-ls says of a cage.
func (h *testHost) state(t *testing.T, ref, want string) {
	t.Helper()
	h.want(t, `{ cage-ls --filter name=`+ref+`; cage-ls --filter uuid=`+ref+`; } | awk '$1 != "NAME" { print $3 }'`, want)
}

func (h *testHost) cage(uuid string) string { return h.data + "/" + uuid + ".w" }
func (h *testHost) mnt(uuid string) string  { return h.cage(uuid) + "/mnt" }

// busyboxTree makes a small system.
func busyboxTree(t *testing.T) string {
	t.Helper()
	tree := t.TempDir()
	h := exec.Command("bash", "-euc", `cd "$1"
mkdir -p bin etc dev proc sys root run usr var/opt home/nobody
install -m 0755 "$(command -v busybox)" bin/busybox
for name in sh ls cat sleep readlink mkdir rmdir chmod rm mount umount su id touch setsid true; do ln -s busybox bin/$name; done
echo root:x:0:0:root:/root:/bin/sh >etc/passwd
echo nobody:x:65534:65534:nobody:/home/nobody:/bin/sh >>etc/passwd
ln -s ../run/systemd/resolve/stub-resolv.conf etc/resolv.conf
mkdir -m 1777 tmp
echo host >etc/marker`, "-", tree)
	if out, err := h.CombinedOutput(); err != nil {
		t.Fatalf("cannot make a tree: %v\n%s", err, out)
	}
	return tree
}

// btrfsHost mounts a btrfs whose subvolume @ holds a small system, and returns
// the path of that.
func btrfsHost(t *testing.T) string {
	t.Helper()
	ownMounts(t)
	scratch := t.TempDir()
	point := filepath.Join(scratch, "top")
	if err := os.Mkdir(point, 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("../scripts/testbed", "btrfs", scratch+"/image", point, busyboxTree(t)).Output()
	if err != nil {
		t.Fatalf("testbed: %v", err)
	}
	t.Cleanup(func() { unmountAfter(t, point) })
	return strings.TrimSpace(string(out))
}

// unmountAfter never leaves a mount for the removal of a test's directory to
// walk into, but a busy one is the test's failure.
func unmountAfter(t *testing.T, point string) {
	if err := syscall.Unmount(point, 0); err != nil {
		t.Errorf("cannot unmount %s: %v", point, err)
		_ = syscall.Unmount(point, syscall.MNT_DETACH)
	}
}

// ownMounts stops a test that would mount in the machine's own mount namespace.
func ownMounts(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	own, err := os.ReadFile("/proc/self/mountinfo")
	host, err2 := os.ReadFile("/proc/1/mountinfo")
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	id, _, _ := strings.Cut(string(own), " ")
	if strings.Contains("\n"+string(host), "\n"+id+" ") {
		t.Fatal("this test mounts; type: unshare -m --propagation private go test ./applets")
	}
}
