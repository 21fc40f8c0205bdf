package applets

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// ownTerminal opens a new terminal of the cage's own, both ends.
func ownTerminal(t *testing.T, mnt string) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile(mnt+"/dev/pts/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	ok(t, err)
	ok(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	fd, _, errno := unix.Syscall(unix.SYS_IOCTL, master.Fd(), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY)
	if errno != 0 {
		t.Fatal(errno)
	}
	return master, os.NewFile(fd, "slave")
}

// shellAt starts an interactive shell in a cage, by cage-exec or by chroot, at a
// terminal, and returns where to talk to it.
func (w *world) shellAt(t *testing.T, mnt string, byHand bool) (shell *exec.Cmd, master *os.File) {
	t.Helper()
	master, slave := ownTerminal(t, mnt)
	defer slave.Close()
	shell = w.command(t, "cage-exec", "web", "sh", "-i")
	shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if byHand {
		shell = &exec.Cmd{Path: "/bin/sh", Args: []string{"sh", "-i"}, Dir: "/", SysProcAttr: shell.SysProcAttr}
		shell.SysProcAttr.Chroot = mnt
	}
	shell.Stdin, shell.Stdout, shell.Stderr = slave, slave, slave
	ok(t, shell.Start())
	return shell, master
}

// typed types a command and waits for the word that it prints on a line.
func typed(t *testing.T, master *os.File, command, word string) {
	t.Helper()
	_, err := fmt.Fprintln(master, command)
	ok(t, err)
	for said, buf := "", make([]byte, 100); !strings.Contains(said, "\n"+word+"\r\n"); {
		n, err := master.Read(buf)
		ok(t, err)
		said += string(buf[:n])
	}
}

// TestShellEndsOnDown: a shell at a terminal ignores TERM; HUP ends it at once,
// without the grace, although the other end of the terminal stays open.
func TestShellEndsOnDown(t *testing.T) {
	w := plainWorld(t)
	uuid := w.must(t, "cage-new", "--name", "web", "--base", "base")
	mnt := filepath.Join(w.data, uuid+".w/mnt")
	for _, byHand := range []bool{false, true} {
		w.must(t, "cage-up", "web")
		shell, master := w.shellAt(t, mnt, byHand)
		typed(t, master, "echo bird", "bird")
		ok(t, shell.Process.Signal(syscall.SIGTERM))
		typed(t, master, "echo still here", "still here")

		start := time.Now()
		r := w.run(t, "cage-down", "web")
		if !strings.Contains(r.errs, fmt.Sprintf("it is held busy by %d ", os.Getpid())) {
			t.Errorf("cage-down says %q", r.errs)
		}
		_ = shell.Wait()
		if took := time.Since(start); took > graceDefault*time.Second/2 {
			t.Errorf("by hand %v: the shell ended after %v", byHand, took)
		}
		ok(t, master.Close())
		w.down(t, uuid)
	}
}
