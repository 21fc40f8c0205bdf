package kernel

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// init makes the test binary, copied into a cage, the programs that live there.
// Each prints a line when it stands where it should and ends by itself within a
// minute, or when the reader of the line is gone and it is told so.
func init() {
	role := os.Getenv("CAGE_TEST_INMATE")
	if role == "" {
		return
	}
	arg := ""
	if len(os.Args) > 1 {
		arg = os.Args[1]
	}
	switch role {
	case "wait":
	case "stubborn":
		signal.Ignore(unix.SIGTERM, unix.SIGHUP)
	case "shell": // as a shell at its terminal
		signal.Ignore(unix.SIGTERM)
	case "chroot":
		must(unix.Chroot(arg)) // and the working directory stays outside
	case "fd":
		must1(os.Open(arg))
	case "map":
		f := must1(os.Open(arg))
		must1(unix.Mmap(int(f.Fd()), 0, 1, unix.PROT_READ, unix.MAP_PRIVATE))
		f.Close()
	case "thread":
		done := make(chan bool)
		go func() {
			runtime.LockOSThread()
			must(unix.Unshare(unix.CLONE_FS))
			must(unix.Chdir(arg))
			done <- true
			select {}
		}()
		<-done
	case "headless":
		go stay()
		syscall.RawSyscall(syscall.SYS_EXIT, 0, 0, 0) // init runs on the leader
	case "daemon": // setsid, and the parent ends
		child := exec.Command("/inmate")
		child.Env = []string{"CAGE_TEST_INMATE=stubborn"}
		child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		must(child.Start())
		os.Exit(0)
	case "bomb":
		bomb(20)
	case "caller": // arg is the device of a tree and the name of a cgroup
		dev, name, _ := strings.Cut(arg, " ")
		c, _ := CgroupOf(name)
		p, ok := CallerInside(Tree{Dev: must1(strconv.ParseUint(dev, 10, 64))}, c)
		fmt.Println(p.PID, p.How, ok)
		os.Exit(0)
	case "parent":
		child := exec.Command("/proc/self/exe", arg)
		child.Env, child.Dir = []string{"CAGE_TEST_INMATE=caller"}, "/"
		child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
		must(child.Run())
		os.Exit(0)
	case "nursery":
		// what is orphaned below is reaped by the kernel as it ends: an init
		// too slow for a bomb would fill /proc with zombies
		signal.Ignore(unix.SIGCHLD)
		must(unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
		must1(syscall.ForkExec("/inmate", []string{"inmate"}, &syscall.ProcAttr{
			Env: []string{"CAGE_TEST_INMATE=bomb"}, Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Chroot: arg},
		}))
		time.Sleep(time.Minute) // the line is the bomb's
	default:
		panic(role)
	}
	stay()
}

// stay tells the pid and waits.
func stay() {
	fmt.Println(os.Getpid())
	time.Sleep(time.Minute)
	os.Exit(0)
}

// bomb leaves chains of processes behind, of which each forks and ends at once.
// Nothing of Go's runtime works after the fork, hence the bare calls. They go on
// for as long as somebody has the other end of their standard input, a pipe.
func bomb(chains int) {
	signal.Ignore(unix.SIGTERM, unix.SIGHUP)
	must1(unix.Setsid())
	link := unix.Timespec{Nsec: 200_000}
	for range chains {
		pid, _, _ := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
		if pid != 0 {
			continue
		}
		for {
			in, wait := unix.PollFd{Fd: 0}, link // no event but POLLHUP
			n, _, _ := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&in)), 1, uintptr(unsafe.Pointer(&wait)), 0, 0, 0)
			if n != 0 {
				break
			}
			pid, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
			if errno == 0 && pid != 0 {
				break
			}
		}
		syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
	}
	fmt.Println(os.Getpid())
	os.Exit(0)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func must1[T any](v T, err error) T {
	must(err)
	return v
}

// testTree mounts an overlay with a tmpfs in it, and the test binary in it as
// /inmate. It is unmounted at the end of the test, and that must succeed.
func testTree(t *testing.T) Tree {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	privateMounts(t)
	dir := t.TempDir()
	for _, name := range []string{"lower/tmp", "lower/proc", "upper", "work", "mnt"} {
		must(os.MkdirAll(filepath.Join(dir, name), 0o755))
	}
	binary := must1(os.ReadFile("/proc/self/exe"))
	must(os.WriteFile(dir+"/lower/inmate", binary, 0o755))
	point := dir + "/mnt"
	data := fmt.Sprintf("lowerdir=%s/lower,upperdir=%[1]s/upper,workdir=%[1]s/work", dir)
	must(unix.Mount("overlay", point, "overlay", 0, data))
	t.Cleanup(func() { unmount(t, point) })
	must(unix.Mount("tmpfs", point+"/tmp", "tmpfs", 0, ""))
	t.Cleanup(func() { unmount(t, point+"/tmp") })
	tree := Tree{IDs: map[uint64]bool{}, Point: point}
	for _, p := range []string{point, point + "/tmp"} {
		var st unix.Statx_t
		must(unix.Statx(unix.AT_FDCWD, p, 0, unix.STATX_MNT_ID, &st))
		tree.IDs[st.Mnt_id] = true
		if p == point {
			tree.Dev = unix.Mkdev(st.Dev_major, st.Dev_minor)
		}
	}
	return tree
}

// unmount never leaves a mount for the removal of the test's directory to walk
// into, but a busy one is the test's failure. EINVAL, and ENOENT where the
// overlay beneath is away too: the test has done it.
func unmount(t *testing.T, point string) {
	if err := unix.Unmount(point, 0); err != nil && err != unix.EINVAL && err != unix.ENOENT {
		t.Errorf("cannot unmount %s: %v", point, err)
		must(unix.Unmount(point, unix.MNT_DETACH))
	}
}

// inmate is a process of a test.
type inmate struct {
	pid  int // as it tells; a daemon's is not that of the command started
	line string
	cmd  *exec.Cmd
	fd   int // pidfd
}

// start runs a role and waits for its line. change is what differs from a
// process of the host with its working directory outside.
func start(t *testing.T, role, arg string, change func(*exec.Cmd)) inmate {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", arg)
	cmd.Env, cmd.Dir, cmd.SysProcAttr = []string{"CAGE_TEST_INMATE=" + role}, "/", &syscall.SysProcAttr{}
	if change != nil {
		change(cmd)
	}
	cmd.Stderr = os.Stderr
	out := must1(cmd.StdoutPipe())
	must(cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%s does not start: %v", role, err)
	}
	p := inmate{line: strings.TrimSpace(line), cmd: cmd, fd: -1}
	p.pid, _ = strconv.Atoi(p.line)
	if fd, err := unix.PidfdOpen(p.pid, 0); err == nil {
		p.fd = fd
	}
	t.Cleanup(func() {
		if p.fd >= 0 {
			_ = unix.PidfdSendSignal(p.fd, unix.SIGKILL, nil, 0)
			_ = await([]held{{fd: p.fd}}, time.Now().Add(5*time.Second), nil)
			unix.Close(p.fd)
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return p
}

// in is the change for a process that stands in the tree by chroot.
func in(tree Tree) func(*exec.Cmd) {
	return func(c *exec.Cmd) { c.Path, c.SysProcAttr.Chroot = "/inmate", tree.Point }
}

// ended reports whether the process is gone or a zombie.
func (p inmate) ended() bool {
	set := []unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(set, 0)
		if err != unix.EINTR {
			return n == 1
		}
	}
}

// died waits for the process and returns the signal that ended it.
func (p inmate) died() syscall.Signal {
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.Sys().(syscall.WaitStatus).Signal()
}
