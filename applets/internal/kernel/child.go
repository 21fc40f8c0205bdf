package kernel

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Child is a guest that this process waits for, from outside the tree.
type Child struct {
	process  process
	terminal *Terminal
}

// Attend waits for the child, carries the input and output of its terminal, and
// hands it each signal that arrives, but those that a common terminal has given it
// already. This process's own terminal is afterwards as it was.
func (c *Child) Attend(signals <-chan os.Signal) syscall.WaitStatus {
	ended, forwarded := make(chan struct{}), make(chan struct{})
	go func() {
		c.forward(signals, ended)
		close(forwarded)
	}()
	if c.terminal != nil {
		c.carry()
	}
	status := c.process.wait()
	close(ended)
	<-forwarded // it uses the pidfd
	c.process.close()
	return status
}

func (c *Child) forward(signals <-chan os.Signal, ended <-chan struct{}) {
	for {
		select {
		case <-ended:
			return
		case sig := <-signals:
			switch {
			case sig == unix.SIGWINCH:
				if c.terminal != nil {
					c.terminal.resize()
				}
			case c.terminal == nil && (sig == unix.SIGINT || sig == unix.SIGQUIT) && inForeground():
			default:
				c.process.signal(sig)
			}
		}
	}
}

// carry runs until the child has ended and all that it said is out. When the
// leader of a terminal's session ends the kernel hangs the terminal up, for those
// too that it leaves behind (credentials(7)); they are not waited for. The master
// stays open, for carryIn may be about to write to it.
func (c *Child) carry() {
	t := c.terminal
	defer t.restore()
	t.setRaw()
	go c.carryIn()
	buf := make([]byte, 32<<10)
	for heard := true; ; {
		said, ended := c.poll(t.master, unix.POLLIN)
		if said&unix.POLLIN == 0 && (said != 0 || ended) {
			return
		}
		n, err := unix.Read(t.master, buf)
		switch {
		case err == unix.EINTR || err == unix.EAGAIN:
		case err != nil || n == 0:
			return
		case heard && !c.write(1, buf[:n], false):
			// Nobody listens any more: what a hangup of the terminal is.
			heard = false
			c.process.signal(unix.SIGHUP)
		}
	}
}

// carryIn carries this process's standard input to the terminal while the child
// lives. At its end it types what ends the input there: once at the start of a
// line, else twice.
func (c *Child) carryIn() {
	t := c.terminal
	defer t.restore() // in a panic; else the child has ended, or there is no terminal
	buf := make([]byte, 4<<10)
	last := byte('\n')
	for {
		if ready, ended := c.poll(0, unix.POLLIN); ended {
			return
		} else if ready == 0 {
			continue
		}
		n, err := unix.Read(0, buf)
		switch {
		case err == unix.EINTR || err == unix.EAGAIN:
		case err != nil || n == 0:
			c.typeEnd(last == '\n')
			return
		case !c.write(t.master, buf[:n], true):
			return
		default:
			last = buf[n-1]
		}
	}
}

// typeEnd types what ends the input of the terminal, and again whenever who reads
// there has changed between lines and single keys: a shell that sets its terminal
// only then finds no end in what was typed for a line (bash, with readline(3)).
// Nothing tells of that change, so it looks.
func (c *Child) typeEnd(lineDone bool) {
	set := []unix.PollFd{{Fd: int32(c.process.fd), Events: unix.POLLIN}}
	for mode, first := uint32(0), true; ; first = false {
		termios, err := unix.IoctlGetTermios(c.terminal.master, unix.TCGETS)
		if err != nil {
			return
		}
		if now := termios.Lflag & unix.ICANON; first || now != mode {
			mode = now
			keys := []byte{termios.Cc[unix.VEOF], termios.Cc[unix.VEOF]} // ^D
			if lineDone || !first {
				keys = keys[:1]
			}
			if !c.write(c.terminal.master, keys, true) {
				return
			}
		}
		if n, err := unix.Poll(set, 100); n > 0 || err != nil && err != unix.EINTR {
			return
		}
	}
}

// poll waits for events of a descriptor or the end of the child (a pidfd is
// readable then, Linux 5.3).
func (c *Child) poll(fd int, events int16) (ready int16, ended bool) {
	set := []unix.PollFd{{Fd: int32(fd), Events: events}, {Fd: int32(c.process.fd), Events: unix.POLLIN}}
	if _, err := unix.Poll(set, -1); err != nil {
		return 0, err != unix.EINTR
	}
	return set[0].Revents, set[1].Revents != 0
}

// write writes all of data, waiting where it must: to the child only while it lives.
func (c *Child) write(fd int, data []byte, toChild bool) bool {
	for len(data) > 0 {
		n, err := unix.Write(fd, data)
		switch err {
		case nil:
			data = data[n:]
		case unix.EINTR:
		case unix.EAGAIN:
			_, ended := c.poll(fd, unix.POLLOUT)
			switch {
			case ended && toChild:
				return false
			case ended: // which that poll sees again at once
				_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, -1)
			}
		default:
			return false
		}
	}
	return true
}
