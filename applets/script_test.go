package applets

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs testdata/*.txt. A script finds in its environment
//
//	$CAGE_CONF        a conf of its own: data=$DATA, tool=$WORK/tool, snapshots=$WORK/snapshots, host=$BASE
//	$DATA             which nobody has made yet
//	$BASE             a small system, made of busybox, which all scripts share
//	$CGROUPS          where the cgroups of cages are
//
// and these commands besides those of testscript:
//
//	exits N COMMAND      the command exits with status N
//	unchanged N COMMAND  the same, and it changes nothing below $WORK, neither files nor mounts
//	refused N COMMAND    the same, and it prints no result
//	capture NAME         makes the last output a variable
//	ended PID            the process is no more, or waits to be reaped
//	as-nobody cage-X     runs an applet without rights
//
// It must leave nothing mounted and nobody running.
func TestScripts(t *testing.T) {
	scratch := scratchOnTmpfs(t)
	base := filepath.Join(scratch, "base")
	makeBase(t, base)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		WorkdirRoot:         scratch,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			return setUpScript(env, base)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     exits,
			"unchanged": unchanged,
			"refused":   refused,
			"capture":   capture,
			"ended":     ended,
		},
	})
}

// scratchOnTmpfs returns a directory in which cages can be, wherever the
// machine's own are. It goes together with what a test leaves mounted in it.
func scratchOnTmpfs(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	own, errOwn := os.ReadFile("/proc/self/mountinfo")
	host, errHost := os.ReadFile("/proc/1/mountinfo")
	if err := errors.Join(errOwn, errHost); err != nil {
		t.Fatal(err)
	}
	// A mount id is in one namespace only.
	if id, _, _ := strings.Cut(string(own), " "); strings.Contains("\n"+string(host), "\n"+id+" ") {
		t.Fatal("this test mounts; type: unshare -m --propagation private go test ./applets")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// makeBase makes a system of busybox alone.
func makeBase(t *testing.T, base string) {
	t.Helper()
	script := `umask 022; mkdir -p "$1/bin" "$1/etc" "$1/root" "$1/proc" "$1/sys" "$1/dev" "$1/tmp"; chmod 1777 "$1/tmp"
		cp "$(command -v busybox)" "$1/bin/busybox"; echo of the base >"$1/etc/motd"
		for name in cat chmod env false grep id kill ln ls mkdir mount pwd readlink rm sed sh sleep sort touch true tty umount wc; do ln -s busybox "$1/bin/$name"; done`
	if out, err := exec.Command("sh", "-ec", script, "sh", base).CombinedOutput(); err != nil {
		t.Fatalf("cannot make a base of busybox: %v\n%s", err, out)
	}
}

// setUpScript gives a script its environment, and holds it to what it may leave.
func setUpScript(env *testscript.Env, base string) error {
	data := filepath.Join(env.WorkDir, "data")
	cgroups := "/sys/fs/cgroup/cage"
	if _, err := os.Stat("/sys/fs/cgroup/unified"); err == nil {
		cgroups = "/sys/fs/cgroup/unified/cage"
	}
	conf := filepath.Join(env.WorkDir, "cage.conf")
	env.Vars = append(env.Vars, "CAGE_CONF="+conf, "DATA="+data, "BASE="+base, "CGROUPS="+cgroups, "LC_ALL=C")
	env.Defer(func() {
		if left := leftovers(env.WorkDir, cgroups); left != "" {
			env.T().Fatal("the script left behind:\n" + left)
		}
	})
	text := fmt.Sprintf("tool=%s/tool\ndata=%s\nsnapshots=%[1]s/snapshots\nhost=%[3]s\n", env.WorkDir, data, base)
	return os.WriteFile(conf, []byte(text), 0o644)
}

// leftovers ends the processes whose root is below dir, unmounts what is mounted
// there, removes the cgroups of its cages, and says what all that was.
func leftovers(dir, cgroups string) string {
	var left strings.Builder
	roots, _ := filepath.Glob("/proc/[0-9]*/root")
	for _, link := range roots {
		root, err := os.Readlink(link)
		if err != nil || !strings.HasPrefix(root, dir+"/") {
			continue
		}
		fmt.Fprintf(&left, "process %s in %s\n", link, root)
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link))); err == nil {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	for _, line := range slices.Backward(mountsBelow(dir)) {
		fmt.Fprintln(&left, "mount", line)
		syscall.Unmount(strings.Fields(line)[4], syscall.MNT_DETACH)
	}
	cages, _ := filepath.Glob(dir + "/data/*.w")
	for _, cage := range cages {
		cgroup := filepath.Join(cgroups, strings.TrimSuffix(filepath.Base(cage), ".w"))
		if err := os.Remove(cgroup); !errors.Is(err, os.ErrNotExist) {
			fmt.Fprintln(&left, "cgroup", cgroup, err)
		}
	}
	return left.String()
}

// mountsBelow returns the lines of mountinfo for what is mounted below dir:
//
//	36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
func mountsBelow(dir string) []string {
	table, _ := os.ReadFile("/proc/self/mountinfo")
	return slices.DeleteFunc(strings.Split(string(table), "\n"), func(line string) bool {
		fields := strings.Fields(line)
		return len(fields) < 5 || !strings.HasPrefix(fields[4], dir+"/")
	})
}
