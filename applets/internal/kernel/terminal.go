package kernel

import (
	"errors"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Terminal is a pseudo-terminal, pty(7), of a tree's own devpts, for a program
// inside; this process carries its input and output.
type Terminal struct {
	master int
	peer   *os.File      // for the program
	caller *unix.Termios // how this process's standard input was set, where it is a terminal
}

// ErrNoDevpts says that a tree cannot have terminals.
var ErrNoDevpts = errors.New("no devpts is mounted on its dev/pts")

// IsTerminal tells whether f is a terminal (ioctl_tty(2), TCGETS).
func IsTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// NewTerminal makes a terminal that belongs to owner, set and as large as the one
// of this process, which must be inside the tree. An open master would keep the
// devpts busy and so the tree, so it is opened on a mount of the same devpts that
// is nowhere (open_tree(2), Linux 5.2); no name in the tree but dev/pts is trusted.
func NewTerminal(owner uint32) (*Terminal, error) {
	dir, err := unix.Open("/dev/pts", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT {
		err = ErrNoDevpts
	}
	if err != nil {
		return nil, err
	}
	defer unix.Close(dir)
	var st unix.Statfs_t
	if err := unix.Fstatfs(dir, &st); err != nil {
		return nil, err
	} else if st.Type != unix.DEVPTS_SUPER_MAGIC {
		return nil, ErrNoDevpts
	}
	tree, err := unix.OpenTree(dir, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH)
	if err != nil {
		return nil, err
	}
	defer unix.Close(tree)
	t := &Terminal{}
	if t.master, err = openEntry(tree, "ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK); err != nil {
		return nil, err
	}
	if err := t.openPeer(dir, owner); err != nil {
		unix.Close(t.master)
		return nil, err
	}
	return t, nil
}

// openPeer opens the other end: under its name in the tree, so that ttyname(3)
// finds it there.
func (t *Terminal) openPeer(dir int, owner uint32) error {
	if err := unix.IoctlSetPointerInt(t.master, unix.TIOCSPTLCK, 0); err != nil {
		return err
	}
	n, err := unix.IoctlGetUint32(t.master, unix.TIOCGPTN)
	if err != nil {
		return err
	}
	name := strconv.Itoa(int(n))
	fd, err := openEntry(dir, name, unix.O_RDWR|unix.O_NOCTTY)
	if err != nil {
		return err
	}
	t.peer = os.NewFile(uintptr(fd), name)
	if err := unix.Fchown(fd, int(owner), -1); err != nil {
		t.peer.Close()
		return err
	}
	if t.caller, err = unix.IoctlGetTermios(0, unix.TCGETS); err == nil {
		_ = unix.IoctlSetTermios(fd, unix.TCSETS, t.caller)
	}
	t.resize()
	return nil
}

// resize makes the terminal as large as that of this process, if there is one.
func (t *Terminal) resize() {
	for fd := range 3 {
		if size, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ); err == nil {
			_ = unix.IoctlSetWinsize(t.master, unix.TIOCSWINSZ, size)
			return
		}
	}
}

// setRaw lets every key of this process's terminal through as it is (termios(3),
// cfmakeraw): what it means is for the terminal inside to say.
func (t *Terminal) setRaw() {
	if t.caller == nil {
		return
	}
	raw := *t.caller
	raw.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	raw.Oflag &^= unix.OPOST
	raw.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	raw.Cflag = raw.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	_ = unix.IoctlSetTermios(0, unix.TCSETS, &raw)
}

// restore sets this process's terminal as it was.
func (t *Terminal) restore() {
	if t.caller != nil {
		_ = unix.IoctlSetTermios(0, unix.TCSETS, t.caller)
	}
}

// inForeground tells whether the keys of this process's terminal that send a
// signal send it to this process.
func inForeground() bool {
	for fd := range 3 {
		if group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP); err == nil {
			return group == unix.Getpgrp()
		}
	}
	return false
}

// TerminalWidth returns how many columns the terminal f has, or 0 where f is no
// terminal or does not say (ioctl_tty(2), TIOCGWINSZ).
func TerminalWidth(f *os.File) int {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	return int(size.Col)
}
