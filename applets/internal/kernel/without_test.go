package kernel

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// newCalls are the system calls that older kernels lack.
var newCalls = map[string]uint32{
	"open_tree": unix.SYS_OPEN_TREE, "mount_setattr": unix.SYS_MOUNT_SETATTR, "move_mount": unix.SYS_MOVE_MOUNT, "fsopen": unix.SYS_FSOPEN,
	"statmount": unix.SYS_STATMOUNT, "listmount": unix.SYS_LISTMOUNT, "statx": unix.SYS_STATX,
	"openat2": unix.SYS_OPENAT2, "pidfd_open": unix.SYS_PIDFD_OPEN,
}

// isLinux tells whether this kernel is of that version or a later one.
func isLinux(major, minor int) bool {
	var uts unix.Utsname
	must(unix.Uname(&uts))
	release := unix.ByteSliceToString(uts.Release[:]) // 6.1.0-50-amd64
	var a, b int
	if _, err := fmt.Sscanf(release, "%d.%d", &a, &b); err != nil {
		panic(release)
	}
	return a > major || a == major && b >= minor
}

// needsLinux skips a test of what older kernels have not.
func needsLinux(t *testing.T, major, minor int) {
	t.Helper()
	if !isLinux(major, minor) {
		t.Skipf("needs Linux %d.%d", major, minor)
	}
}

// without names the system calls that this process has to do without.
var without = os.Getenv("CAGE_TEST_WITHOUT")

// init takes them away, with seccomp(2), from all threads.
func init() {
	if without == "" {
		return
	}
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	filter := []unix.SockFilter{load(0)} // struct seccomp_data begins with the number of the call
	for name := range strings.SplitSeq(without, ",") {
		filter = append(filter,
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: newCalls[name]},
			unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)})
	}
	filter = append(filter, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0x7fff0000}) // SECCOMP_RET_ALLOW
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	if e != 0 {
		panic(e)
	}
	for name := range strings.SplitSeq(without, ",") {
		if _, _, e := unix.Syscall(uintptr(newCalls[name]), ^uintptr(0), 0, 0); e != unix.ENOSYS {
			panic(name + " is still there: " + e.Error())
		}
	}
}

// TestWithout runs the tests of what has a fallback on such a kernel.
func TestWithout(t *testing.T) {
	if without != "" {
		return
	}
	privateMounts(t)
	const mounts = "TestWhichever|TestWhicheverOwn|TestUpperInUse|TestMountOn|TestBelow|TestUnder|TestPeersOutside"
	const files = "TestLend|TestRemoveOddEntries|TestRemoveNeverCrossesAMount"
	for calls, tests := range map[string]string{
		"fsopen": mounts, "move_mount": mounts, "open_tree": mounts, "fsopen,open_tree": mounts, "mount_setattr": mounts, "statmount": mounts, "listmount": mounts,
		"statmount,listmount,statx": mounts, "openat2": files, "pidfd_open": "TestRunInTree|TestLock",
		"open_tree,move_mount,mount_setattr,fsopen,statmount,listmount,statx,openat2,pidfd_open": mounts + "|" + files + "|TestLock",
	} {
		t.Run(calls, func(t *testing.T) {
			cmd := exec.Command("/proc/self/exe", "-test.v", "-test.run", "^("+tests+")$")
			cmd.Env = append(os.Environ(), "CAGE_TEST_WITHOUT="+calls)
			out, err := cmd.CombinedOutput()
			passed := strings.Count("\n"+string(out), "\n--- PASS: ")
			if err != nil || passed != 1+strings.Count(tests, "|") {
				t.Errorf("%v, %d tests passed\n%s", err, passed, out)
			}
		})
	}
}

// TestWhichever mounts a tree by what there is.
func TestWhichever(t *testing.T) {
	dir := scratch(t)
	point, o := treeIn(t, dir)
	must(MountTree(point, o, insideAll))
	wantOverlay(t, point, o)
	if n := len(pointsBelow(point)); n != 1+len(insideAll) {
		t.Errorf("mounted: %q", pointsBelow(point))
	}
	m, _, err := MountOn(point)
	must(err)
	for _, x := range must1(Below(m)) {
		must(Unmount(x.Point))
	}
	if err := MountTree(point, o, append(insideAll[:4:4], FS{Type: "tmpfs", Source: "x", At: "none"})); err == nil {
		t.Error("no error for a missing directory")
	}
	if left := pointsBelow(dir); len(left) != 0 {
		t.Errorf("left mounted: %q", left)
	}
}

// TestTooManyForMount2 is refused before mount(2) could cut it.
func TestTooManyForMount2(t *testing.T) {
	if without == "" {
		cmd := exec.Command("/proc/self/exe", "-test.v", "-test.run", "^TestTooManyForMount2$")
		cmd.Env = append(os.Environ(), "CAGE_TEST_WITHOUT=fsopen")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestTooManyForMount2") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	dir := scratch(t)
	o := many(t, dir, 400)
	mkdirs(t, dir+"/mnt")
	err := MountTree(dir+"/mnt", o, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "cannot mount overlay on "+dir+"/mnt: 400 layers need ") {
		t.Errorf("400 layers by mount(2): %v", err)
	}
	if left := pointsBelow(dir); len(left) != 0 {
		t.Errorf("left mounted: %q", left)
	}
}
