package kernel

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// grace is far longer than an obedient process takes, so that one that needs
// SIGKILL where SIGTERM should do makes the test slow and its signal wrong.
const grace = 20 * time.Second

// canaries are processes of the host that nothing may ever touch.
func canaries(t *testing.T) func() {
	here := start(t, "wait", "", nil)
	elsewhere := start(t, "wait", "", func(c *exec.Cmd) {
		c.SysProcAttr.Cloneflags = unix.CLONE_NEWNS
		c.SysProcAttr.Setsid = true
	})
	return func() {
		t.Helper()
		if here.ended() || elsewhere.ended() {
			t.Error("a process of the host was ended")
		}
	}
}

func TestEndAsks(t *testing.T) {
	tree := testTree(t)
	alive := canaries(t)
	terminal := must1(os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0))
	defer terminal.Close()
	must(unix.IoctlSetPointerInt(int(terminal.Fd()), unix.TIOCSPTLCK, 0))
	n := must1(unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPTN))
	tty := must1(os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0))
	defer tty.Close()

	plain := start(t, "wait", "", in(tree))
	stopped := start(t, "wait", "", in(tree))
	must(unix.Kill(stopped.pid, unix.SIGSTOP))
	private := start(t, "wait", "", func(c *exec.Cmd) { in(tree)(c); c.SysProcAttr.Cloneflags = unix.CLONE_NEWNS })
	outsideCwd := start(t, "chroot", tree.Point, nil)
	shell := start(t, "shell", "", func(c *exec.Cmd) {
		in(tree)(c)
		c.Stdin = tty
		c.SysProcAttr.Setsid, c.SysProcAttr.Setctty = true, true
	})
	headless := start(t, "headless", "", in(tree))

	if err := End(tree, Cgroup{}, grace, nil, nil); err != nil {
		t.Fatal(err)
	}
	if !headless.ended() {
		t.Error("a process whose leading thread had ended is left")
	}
	for _, p := range []inmate{plain, stopped, private, outsideCwd} {
		if got := p.died(); got != unix.SIGTERM {
			t.Errorf("ended by %v, want SIGTERM", got)
		}
	}
	if got := shell.died(); got != unix.SIGHUP {
		t.Errorf("the shell at a terminal ended by %v, want SIGHUP", got)
	}
	alive()
}

func TestEndKills(t *testing.T) {
	tree := testTree(t)
	alive := canaries(t)
	stubborn := start(t, "stubborn", "", in(tree))
	daemon := start(t, "daemon", "", in(tree))
	if err := End(tree, Cgroup{}, 50*time.Millisecond, nil, nil); err != nil {
		t.Fatal(err)
	}
	if got := stubborn.died(); got != unix.SIGKILL {
		t.Errorf("ended by %v, want SIGKILL", got)
	}
	if !daemon.ended() {
		t.Error("the daemon is left")
	}
	alive()
}

func TestEndSparesHolders(t *testing.T) {
	tree := testTree(t)
	holder := start(t, "fd", tree.Point+"/inmate", nil)
	spared := start(t, "wait", "", func(c *exec.Cmd) { c.Dir = tree.Point + "/tmp" })
	inside := start(t, "wait", "", in(tree))
	if err := End(tree, Cgroup{}, grace, nil, nil); err != nil {
		t.Fatal(err)
	}
	if holder.ended() || spared.ended() || !inside.ended() {
		t.Errorf("open file ended %v, working directory ended %v, root ended %v; want only the last", holder.ended(), spared.ended(), inside.ended())
	}
	also := func(p Process) bool { return p.PID == holder.pid }
	if err := End(tree, Cgroup{}, grace, also, nil); err != nil {
		t.Fatal(err)
	}
	if !holder.ended() || spared.ended() {
		t.Errorf("chosen ended %v, not chosen ended %v; want only the first", holder.ended(), spared.ended())
	}
}

// A bomb that came in by chroot is in no cgroup. A pass that finds nobody
// proves nothing, so only the unmount tells that it is gone.
func TestEndBomb(t *testing.T) {
	t.Run("by hand", func(t *testing.T) { endBomb(t, Cgroup{}, func(*exec.Cmd) {}) })
	t.Run("cgroup", func(t *testing.T) {
		c, fd := testCgroup(t)
		endBomb(t, c, func(cmd *exec.Cmd) { cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, fd })
	})
}

func endBomb(t *testing.T, c Cgroup, into func(*exec.Cmd)) {
	tree := testTree(t)
	alive := canaries(t)
	stdin, fuse, err := os.Pipe()
	must(err)
	t.Cleanup(func() { fuse.Close() }) // the bomb goes on until then
	start(t, "nursery", tree.Point, func(cmd *exec.Cmd) {
		cmd.Stdin = stdin
		into(cmd)
	})
	stdin.Close()
	// so many processes come and go only if the chains go on
	for made, last := 0, lastPID(); made < 500; runtime.Gosched() {
		pid := lastPID()
		made += max(0, pid-last) // the numbers start again somewhere
		last = pid
	}
	must(unix.Unmount(tree.Point+"/tmp", 0))
	for n := 1; ; n++ {
		if err := End(tree, c, 0, nil, nil); err != nil {
			t.Fatal(err)
		}
		err := unix.Unmount(tree.Point, 0)
		if err == nil {
			t.Logf("gone after %d calls", n)
			break
		}
		if err != unix.EBUSY || n == 50 {
			t.Fatal(err)
		}
	}
	alive()
}

// lastPID is the number of the newest process, the last column of /proc/loadavg.
func lastPID() int {
	f := strings.Fields(string(must1(os.ReadFile("/proc/loadavg"))))
	return must1(strconv.Atoi(f[len(f)-1]))
}

func TestEndStops(t *testing.T) {
	tree := testTree(t)
	p := start(t, "stubborn", "", in(tree))
	stop := make(chan os.Signal, 1)
	time.AfterFunc(50*time.Millisecond, func() { stop <- unix.SIGINT })
	err := End(tree, Cgroup{}, grace, nil, stop)
	if !errors.Is(err, ErrInterrupted) {
		t.Errorf("End = %v, want that it was stopped", err)
	}
	if p.ended() {
		t.Error("killed although End was stopped")
	}
}

func TestEndRefusesItsCaller(t *testing.T) {
	tree := testTree(t)
	other := start(t, "wait", "", in(tree))
	t.Chdir(tree.Point)
	err := End(tree, Cgroup{}, 0, nil, nil)
	t.Chdir("/")
	if err == nil || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("End = %v, want an error that names pid %d", err, os.Getpid())
	}
	if other.ended() {
		t.Error("somebody was ended all the same")
	}
}

func TestHoldRefusesAReusedPID(t *testing.T) {
	tree := testTree(t)
	still := func(dir int) bool { _, in := tree.rooted(dir, ""); return in }
	for range 50 { // another process of this machine may take the number first
		victim := start(t, "wait", "", in(tree))
		var stranger inmate
		beforeLook = func(pid int) {
			victim.cmd.Process.Kill()
			victim.cmd.Wait()
			must(os.WriteFile("/proc/sys/kernel/ns_last_pid", []byte(strconv.Itoa(pid-1)), 0))
			stranger = start(t, "wait", "", nil)
		}
		h, ok := hold(victim.pid, still)
		beforeLook = func(int) {}
		if ok {
			h.close()
			t.Fatal("holds a process that has ended")
		}
		if stranger.pid == victim.pid {
			if stranger.ended() {
				t.Error("the stranger was ended")
			}
			return
		}
	}
	t.Error("the pid was never used again")
}

// The member of a cage's cgroup need not have its root there, and with an
// empty Tree nobody else is looked for.
func TestEndCgroup(t *testing.T) {
	tree := testTree(t)
	c, fd := testCgroup(t)
	alive := canaries(t)
	into := func(cmd *exec.Cmd) { cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, fd }
	obedient, stubborn := start(t, "wait", "", into), start(t, "stubborn", "", into)
	if err := c.Freeze(true); err != nil {
		t.Fatal(err)
	}
	byHand := start(t, "wait", "", in(tree))
	if err := End(Tree{Point: tree.Point}, c, time.Second, nil, nil); err != nil {
		t.Fatal(err)
	}
	if got := obedient.died(); got != unix.SIGTERM {
		t.Errorf("ended by %v, want SIGTERM", got)
	}
	if got := stubborn.died(); got != unix.SIGKILL {
		t.Errorf("ended by %v, want SIGKILL", got)
	}
	if byHand.ended() {
		t.Error("with an empty Tree somebody outside the cgroup was ended")
	}
	if err := End(tree, c, grace, nil, nil); err != nil || byHand.died() != unix.SIGTERM {
		t.Errorf("End = %v, want an end by SIGTERM", err)
	}
	if full, err := c.Populated(); full || err != nil {
		t.Errorf("Populated = %v, %v, want false", full, err)
	}
	alive()
}

func TestEndWithoutItsCgroup(t *testing.T) {
	tree := testTree(t)
	missing, ok := CgroupOf("test-missing")
	if !ok {
		t.Skip("needs cgroup2")
	}
	for _, c := range []Cgroup{missing, {}} {
		p := start(t, "stubborn", "", in(tree))
		if err := End(tree, c, 0, nil, nil); err != nil || p.died() != unix.SIGKILL {
			t.Errorf("End = %v, want an end by SIGKILL", err)
		}
		if err := c.Remove(); err != nil {
			t.Error(err)
		}
	}
}
