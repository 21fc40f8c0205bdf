package kernel

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// shell runs a script in the host's own root and returns what it wrote.
func shell(t *testing.T, c Command, script string, limit time.Duration) (string, syscall.WaitStatus, error) {
	t.Helper()
	c.Root, c.Args = "/", []string{"/bin/sh", "-c", script}
	c.Output = must1(os.CreateTemp(t.TempDir(), "output"))
	defer c.Output.Close()
	status, err := Run(c, limit, nil)
	return string(must1(os.ReadFile(c.Output.Name()))), status, err
}

func TestRunStatus(t *testing.T) {
	asRoot(t)
	files := openFiles(t)
	for script, want := range map[string]syscall.WaitStatus{"exit 0": 0, "exit 3": 3 << 8, "kill -TERM $$": syscall.WaitStatus(unix.SIGTERM)} {
		if _, status, err := shell(t, Command{}, script, 0); status != want || err != nil {
			t.Errorf("%s: %v, %v; want %v", script, status, err, want)
		}
	}
	if _, status, err := shell(t, Command{}, "exit 4", time.Minute); status != 4<<8 || err != nil {
		t.Errorf("within its limit: %v, %v", status, err)
	}
	if n := openFiles(t); n != files {
		t.Errorf("%d files open, %d before", n, files)
	}
}

// TestRunSurroundings is what a start script finds around it.
func TestRunSurroundings(t *testing.T) {
	asRoot(t)
	inherited := must1(unix.Dup(2)) // as from who started cage, without O_CLOEXEC
	defer unix.Close(inherited)
	script := fmt.Sprintf(`cat; pwd; echo "$A"; env | grep -c ^HOME; [ ! -e /proc/$$/fd/%d ] || echo inherited; echo end >&2
		read -r pid a b c pgrp session rest </proc/$$/stat; [ $pid = $session ] && echo session`, inherited)
	out, _, err := shell(t, Command{Env: []string{"A=b c"}}, script, 0)
	if want := "/\nb c\n0\nend\nsession\n"; out != want || err != nil {
		t.Errorf("it writes %q, %v; want %q", out, err, want)
	}
}

func TestRunInCgroup(t *testing.T) {
	asRoot(t)
	c, _ := testCgroup(t)
	out, _, err := shell(t, Command{Cgroup: c}, "cat /proc/self/cgroup", 0)
	if err != nil || !strings.Contains("\n"+out, "\n0::"+c.rel+"\n") {
		t.Errorf("its cgroup: %s, %v; want %s", out, err, c.rel)
	}
}

// TestRunBesideRemove has somebody, such as a cage-check elsewhere, take the empty
// cgroup away at any moment.
func TestRunBesideRemove(t *testing.T) {
	asRoot(t)
	c, _ := testCgroup(t)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				unix.Rmdir(c.dir)
			}
		}
	}()
	for range 200 {
		if out, _, err := shell(t, Command{Cgroup: c}, "echo ran", 0); out != "ran\n" || err != nil {
			t.Errorf("%q, %v", out, err)
			break
		}
	}
	close(stop)
	<-stopped
}

func TestRunCannotStart(t *testing.T) {
	asRoot(t)
	dir := t.TempDir()
	put(t, dir+"/plain", "#!/bin/sh\n")
	put(t, dir+"/script", "#!/none/sh\n")
	must(os.Chmod(dir+"/script", 0o755))
	for path, want := range map[string]error{"/none": fs.ErrNotExist, "/plain": fs.ErrPermission, "/script": fs.ErrNotExist} {
		_, err := Run(Command{Root: dir, Args: []string{path}, Output: os.Stderr}, 0, nil)
		var p *os.PathError
		if !errors.As(err, &p) || !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
}

// TestRunInTree looks from outside at who runs in the tree.
func TestRunInTree(t *testing.T) {
	tree := testTree(t)
	r, w, err := os.Pipe()
	must(err)
	stop := make(chan os.Signal, 1)
	done := make(chan error)
	go func() {
		_, err := Run(Command{Root: tree.Point, Args: []string{"/inmate"}, Env: []string{"CAGE_TEST_INMATE=wait"}, Output: w}, 0, func() <-chan os.Signal { return stop })
		done <- err
	}()
	buf := make([]byte, 64)
	pid := strings.TrimSpace(string(buf[:must1(r.Read(buf))]))
	for _, link := range []string{"root", "cwd"} {
		if dir, err := os.Readlink("/proc/" + pid + "/" + link); dir != tree.Point || err != nil {
			t.Errorf("%s is %s, %v", link, dir, err)
		}
	}
	stop <- unix.SIGINT
	if err := <-done; err != ErrInterrupted {
		t.Errorf("Run = %v", err)
	}
	w.Close()
	if rest := must1(io.ReadAll(r)); len(rest) != 0 { // ends when nobody has it open
		t.Errorf("more output: %q", rest)
	}
	r.Close()
}

// TestRunOutlived wants the exit of the program waited for, and not the end of
// its output, which a daemon keeps open.
func TestRunOutlived(t *testing.T) {
	asRoot(t)
	out, status, err := shell(t, Command{}, "sleep 60 & echo $!", 0)
	pid := must1(strconv.Atoi(strings.TrimSpace(out)))
	if err != nil || status != 0 {
		t.Errorf("Run = %v, %v", status, err)
	}
	if name, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "comm")); err != nil || strings.TrimSpace(string(name)) == "" {
		t.Errorf("its daemon is gone: %v", err)
	}
	must(unix.Kill(pid, unix.SIGKILL))
}

func TestRunTimeout(t *testing.T) {
	asRoot(t)
	if _, _, err := shell(t, Command{}, "sleep 60", time.Millisecond); err != ErrTimeout {
		t.Errorf("Run = %v", err)
	}
}

// TestRunStubborn ends what does not obey, with all its group: the pipe is at its
// end only when the last of them is.
func TestRunStubborn(t *testing.T) {
	asRoot(t)
	for script, want := range map[string]string{
		"trap 'echo asked; exit' TERM; sh -c 'echo ready; exec sleep 60' & wait": "asked\n",
		"trap '' TERM; sh -c 'echo ready; exec sleep 60' & wait":                 "",
	} {
		r, w, err := os.Pipe()
		must(err)
		stop := make(chan os.Signal, 1)
		done := make(chan error)
		go func() {
			_, err := Run(Command{Root: "/", Args: []string{"/bin/sh", "-c", script}, Output: w}, 0, func() <-chan os.Signal { return stop })
			done <- err
		}()
		must1(io.ReadFull(r, make([]byte, len("ready\n"))))
		stop <- unix.SIGTERM
		if err := <-done; err != ErrInterrupted {
			t.Errorf("%s: Run = %v", script, err)
		}
		w.Close()
		if out := string(must1(io.ReadAll(r))); out != want {
			t.Errorf("%s: it writes %q, want %q", script, out, want)
		}
		r.Close()
	}
}
