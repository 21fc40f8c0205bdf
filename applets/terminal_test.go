package applets

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"cage/applets/internal/kernel"

	"golang.org/x/sys/unix"
)

// screen is a terminal with somebody in front of it.
type screen struct {
	master, peer *os.File
	said         string
}

func newScreen(t *testing.T) *screen {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	ok(t, err)
	var n int
	control(t, master, func(fd int) (err error) {
		if err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err == nil {
			n, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
		}
		return err
	})
	peer, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	ok(t, err)
	t.Cleanup(func() { peer.Close(); master.Close() })
	x := &screen{master: master, peer: peer}
	x.resize(t, 37, 91)
	return x
}

// control calls f with the descriptor of a file, which stays one that can wait.
func control(t *testing.T, file *os.File, f func(fd int) error) {
	t.Helper()
	raw, err := file.SyscallConn()
	ok(t, err)
	ok(t, raw.Control(func(fd uintptr) { err = f(int(fd)) }))
	ok(t, err)
}

func (x *screen) resize(t *testing.T, rows, columns uint16) {
	t.Helper()
	control(t, x.master, func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: columns})
	})
}

func (x *screen) termios(t *testing.T) (termios *unix.Termios) {
	t.Helper()
	control(t, x.master, func(fd int) (err error) {
		termios, err = unix.IoctlGetTermios(fd, unix.TCGETS)
		return err
	})
	return termios
}

// start starts a command that has the screen as its terminal.
func (x *screen) start(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = x.peer, x.peer, x.peer
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	startForAWhile(t, cmd)
}

// startForAWhile starts a command that a test waits for, and kills one that never ends.
func startForAWhile(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	ok(t, cmd.Start())
	late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() { late.Stop() })
}

func (x *screen) press(t *testing.T, keys string) {
	t.Helper()
	_, err := x.master.WriteString(keys)
	ok(t, err)
}

// read reads on until text has appeared since the last that was read for, and
// returns what stands before it.
func (x *screen) read(t *testing.T, text string) (before string) {
	t.Helper()
	ok(t, x.master.SetReadDeadline(time.Now().Add(20*time.Second)))
	buf := make([]byte, 4096)
	for !strings.Contains(x.said, text) {
		n, err := x.master.Read(buf)
		if err != nil {
			t.Fatalf("the screen shows %q, want %q: %v", x.said, text, err)
		}
		x.said += string(buf[:n])
	}
	before, x.said, _ = strings.Cut(x.said, text)
	return before
}

// TestTerminal: the terminal of -t is the cage's, looks like the caller's, and
// the caller's is afterwards as it was, however the command ends.
func TestTerminal(t *testing.T) {
	w := plainWorld(t)
	w.must(t, "cage-new", "--name", "web", "--base", "base")
	for _, c := range []struct {
		name   string
		end    func(x *screen, cmd *exec.Cmd)
		status int
	}{
		{"exit", func(x *screen, _ *exec.Cmd) { x.press(t, "exit 5\r") }, 5},
		{"end of the input", func(x *screen, _ *exec.Cmd) { x.press(t, "\x04") }, 0},
		{"SIGTERM", func(_ *screen, cmd *exec.Cmd) { ok(t, cmd.Process.Signal(syscall.SIGTERM)) }, 23},
		{"SIGHUP", func(_ *screen, cmd *exec.Cmd) { ok(t, cmd.Process.Signal(syscall.SIGHUP)) }, 129},
		{"SIGABRT", func(_ *screen, cmd *exec.Cmd) { ok(t, cmd.Process.Signal(syscall.SIGABRT)) }, 134},
		{"a real-time signal", func(_ *screen, cmd *exec.Cmd) { ok(t, cmd.Process.Signal(syscall.Signal(40))) }, 168},
		{"cage-down", func(*screen, *exec.Cmd) { w.must(t, "cage-down", "-t", "0", "web") }, 137},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := newScreen(t)
			before := x.termios(t)
			cmd := w.command(t, "cage-exec", "-Ut", "web", "sh", "-c", `trap 'exit 23' TERM; trap 'echo caught; go=1' INT; trap 'busybox stty size' WINCH
				tty; busybox stty size; echo ready; until [ $go ]; do :; done
				while read -r line; do eval "$line"; done`)
			x.start(t, cmd)
			x.read(t, "/dev/pts/")
			x.read(t, "37 91\r\n")
			x.read(t, "ready")
			for x.termios(t).Lflag&(unix.ICANON|unix.ECHO|unix.ISIG) != 0 {
				time.Sleep(time.Millisecond) // nothing tells when a terminal is set
			}
			x.resize(t, 40, 100)
			x.read(t, "40 100\r\n")
			x.press(t, "\x03")
			x.read(t, "caught")
			c.end(x, cmd)
			_ = cmd.Wait()
			if got := kernel.ExitStatus(cmd.ProcessState.Sys().(syscall.WaitStatus)); got != c.status {
				t.Errorf("exit status %d, want %d; the screen shows %q", got, c.status, x.said)
			}
			if after := x.termios(t); *after != *before {
				t.Errorf("the terminal is %+v, was %+v", after, before)
			}
		})
	}
	w.run(t, "cage-down", "web")
}

// TestPrompt: the cage's name is in the prompt of a bash that knows nothing of
// debian_chroot, is not run, and a prompt that has it stays.
func TestPrompt(t *testing.T) {
	w := plainWorld(t)
	sh(t, `for file in $(ldd /bin/bash | grep -o '/[^ ]*'); do mkdir -p "$1$(dirname "$file")"; cp -L "$file" "$1$file"; done
		cp -L /bin/bash "$1/bin/bash"; echo root:x:0:0:root:/root:/bin/bash >"$1/etc/passwd"`, w.base)
	const name = `a'b"c $(echo run) \w`
	w.must(t, "cage-new", "--name", name, "--base", "base")
	x := newScreen(t)
	cmd := w.command(t, "cage-exec", "-U", name)
	x.start(t, cmd)
	x.read(t, "("+name+") -bash-")
	x.press(t, "PS1='${debian_chroot:+<$debian_chroot>}$ '\r")
	x.read(t, "\r\n")
	x.read(t, "<"+name+">$ ")
	x.press(t, "shopt login_shell; exit 4\r")
	x.read(t, "login_shell    \ton")
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 4 {
		t.Errorf("exit status %d, want 4", got)
	}
	w.must(t, "cage-down", name)
}

// TestRunOnATerminal: a key that sends a signal sends it once, to the command, and
// when that has ended, or the terminal is gone, so is the cage.
func TestRunOnATerminal(t *testing.T) {
	w := plainWorld(t)
	for _, c := range []struct {
		name   string
		end    func(x *screen, cmd *exec.Cmd)
		status int
	}{
		{"SIGTERM", func(x *screen, cmd *exec.Cmd) {
			ok(t, cmd.Process.Signal(syscall.SIGTERM))
			x.read(t, "2 of them")
		}, 0},
		{"no terminal", func(x *screen, _ *exec.Cmd) { ok(t, x.master.Close()) }, 129},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := newScreen(t)
			cmd := w.command(t, "cage-run", "--rm", "--base", "base", "sh", "-c", `n=0; trap 'n=$((n+1)); echo got $n' INT
				trap 'echo $n of them; exit' TERM; echo ready; while :; do :; done`)
			x.start(t, cmd)
			x.read(t, "ready")
			x.press(t, "\x03")
			x.read(t, "got 1")
			x.press(t, "\x03")
			x.read(t, "got 2")
			c.end(x, cmd)
			_ = cmd.Wait()
			if got := kernel.ExitStatus(cmd.ProcessState.Sys().(syscall.WaitStatus)); got != c.status {
				t.Errorf("exit status %d, want %d; the screen shows %q", got, c.status, x.said)
			}
			if all := w.must(t, "cage-ls", "-q"); strings.Count(all, "\n") > 1 {
				t.Errorf("cages left: %s", all)
			}
		})
	}
}

// TestRunForwardsInterrupts that no terminal has given to the command.
func TestRunForwardsInterrupts(t *testing.T) {
	w := plainWorld(t)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGUSR1} {
		cmd := w.command(t, "cage-run", "--rm", "--base", "base", "busybox", "tail", "-f", "/etc/motd")
		out, err := cmd.StdoutPipe()
		ok(t, err)
		startForAWhile(t, cmd)
		_, err = out.Read(make([]byte, 10))
		ok(t, err)
		ok(t, cmd.Process.Signal(sig))
		_ = cmd.Wait()
		if got := cmd.ProcessState.ExitCode(); got != 128+int(sig) {
			t.Errorf("%v: exit status %d", sig, got)
		}
		if all := w.must(t, "cage-ls", "-q"); strings.Count(all, "\n") > 1 {
			t.Errorf("%v: cages left: %s", sig, all)
		}
	}
}
