package kernel

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// init makes the test binary a process that wants a lock, tells what it got, and
// keeps it until its standard input ends.
func init() {
	how, path, ok := strings.Cut(os.Getenv("CAGE_TEST_LOCK"), " ")
	if !ok {
		return
	}
	_, err := LockDir(path, how == "exclusive")
	switch {
	case err == nil:
		fmt.Println("locked")
	case errors.Is(err, fs.ErrNotExist):
		fmt.Println("gone")
	default:
		fmt.Println(err)
	}
	must1(io.Copy(io.Discard, os.Stdin))
	os.Exit(0)
}

// rival is a process that wants a lock.
type rival struct {
	cmd  *exec.Cmd
	in   io.Closer
	line chan string
}

func startRival(t *testing.T, how, path string) *rival {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env, cmd.Stderr = append(os.Environ(), "CAGE_TEST_LOCK="+how+" "+path), os.Stderr
	r := &rival{cmd, must1(cmd.StdinPipe()), make(chan string, 1)}
	out := must1(cmd.StdoutPipe())
	must(cmd.Start())
	go func() {
		line, _ := bufio.NewReader(out).ReadString('\n')
		r.line <- strings.TrimSpace(line)
	}()
	t.Cleanup(r.end)
	return r
}

func (r *rival) end() {
	r.in.Close()
	_ = r.cmd.Wait()
}

// says wants the rival's line, and waits for it.
func (r *rival) says(t *testing.T, want string) {
	t.Helper()
	if got := <-r.line; got != want {
		t.Errorf("the rival says %q, want %q", got, want)
	}
}

// waits returns once the kernel has the rival wait. Of proc_locks(5):
//
//	1: FLOCK  ADVISORY  WRITE 708 08:01:391 0 EOF
//	1: -> FLOCK  ADVISORY  WRITE 709 08:01:391 0 EOF
func (r *rival) waits(t *testing.T) {
	t.Helper()
	for {
		for line := range strings.Lines(string(must1(os.ReadFile("/proc/locks")))) {
			f := strings.Fields(line)
			if f[1] == "->" && f[5] == fmt.Sprint(r.cmd.Process.Pid) {
				return
			}
		}
		select {
		case line := <-r.line:
			t.Fatalf("the rival does not wait, it says %q", line)
		default:
		}
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	files := openFiles(t)
	for _, c := range []struct {
		mine, its string
		waits     bool
	}{{"exclusive", "exclusive", true}, {"exclusive", "shared", true}, {"shared", "exclusive", true}, {"shared", "shared", false}} {
		lock := must1(LockDir(dir, c.mine == "exclusive"))
		r := startRival(t, c.its, dir)
		if c.waits {
			r.waits(t)
			lock.Unlock()
		}
		r.says(t, "locked")
		r.end()
		lock.Unlock() // twice is once
	}
	if n := openFiles(t); n != files {
		t.Errorf("%d files open, %d before", n, files)
	}
	var none *Lock
	none.Unlock()
}

// TestLockOfTheDead goes to who waits.
func TestLockOfTheDead(t *testing.T) {
	dir := t.TempDir()
	holder := startRival(t, "exclusive", dir)
	holder.says(t, "locked")
	r := startRival(t, "exclusive", dir)
	r.waits(t)
	must(holder.cmd.Process.Kill())
	r.says(t, "locked")
}

func TestLockRenamedAway(t *testing.T) {
	for _, how := range []string{"exclusive", "shared"} {
		dir := t.TempDir()
		mkdirs(t, dir+"/cage")
		lock := must1(LockDir(dir+"/cage", true))
		r := startRival(t, how, dir+"/cage")
		r.waits(t)
		must(os.Rename(dir+"/cage", dir+"/aside"))
		lock.Unlock()
		r.says(t, "gone")
	}
}

func TestLockReplaced(t *testing.T) {
	dir := t.TempDir()
	mkdirs(t, dir+"/cage", dir+"/new")
	lock := must1(LockDir(dir+"/cage", true))
	r := startRival(t, "exclusive", dir+"/cage")
	r.waits(t)
	must(Exchange(dir+"/cage", dir+"/new"))
	lock.Unlock()
	r.says(t, "locked")
	for path, want := range map[string]error{dir + "/cage": unix.EWOULDBLOCK, dir + "/new": nil} {
		f := must1(os.Open(path))
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, want) {
			t.Errorf("the lock on %s: %v, want %v", path, err, want)
		}
		f.Close()
	}
}

func TestLockErrors(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/file", "")
	must(os.Symlink(".", dir+"/link"))
	for path, want := range map[string]error{dir + "/none": fs.ErrNotExist, dir + "/file": unix.ENOTDIR, dir + "/link": unix.ENOTDIR} {
		if l, err := LockDir(path, true); l != nil || !errors.Is(err, want) {
			t.Errorf("LockDir(%s) = %v, %v; want %v", path, l, err, want)
		}
	}
}
