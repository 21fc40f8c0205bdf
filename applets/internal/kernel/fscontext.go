package kernel

import (
	"strings"

	"golang.org/x/sys/unix"
)

// The new mount interface: fsopen(2), fsconfig(2), fsmount(2), move_mount(2).

// valueMax is the longest string that fsconfig(2) takes, 256 bytes with its NUL.
const valueMax = 255

// fsContext opens a context for a new filesystem and sets its options.
func fsContext(what, fstype string, options [][2]string) (int, error) {
	fd, err := unix.Fsopen(fstype, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, &mountError{what, "", err}
	}
	for _, o := range options {
		if err := setOption(fd, o[0], o[1]); err != nil {
			log := fsLog(fd)
			unix.Close(fd)
			return -1, &mountError{what, log, err}
		}
	}
	return fd, nil
}

// setOption hands over one option, one without a value as a flag; a path too long
// for a string goes as a file descriptor (overlayfs, Linux 6.13). upperdir and
// workdir unescape backslashes, lowerdir+ takes a path as it is.
func setOption(fd int, key, value string) error {
	if value == "" {
		return unix.FsconfigSetFlag(fd, key)
	}
	text := value
	if key == "upperdir" || key == "workdir" {
		text = strings.ReplaceAll(value, `\`, `\\`)
	}
	if len(text) <= valueMax {
		return unix.FsconfigSetString(fd, key, text)
	}
	dir, err := unix.Open(value, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	return unix.FsconfigSetFd(fd, key, dir)
}

// create makes the filesystem of a context and returns a detached mount of it.
func create(fd int, what string, flags int) (int, error) {
	defer unix.Close(fd)
	err := unix.FsconfigCreate(fd)
	if err == nil {
		var mnt int
		if mnt, err = unix.Fsmount(fd, unix.FSMOUNT_CLOEXEC, flags); err == nil {
			return mnt, nil
		}
	}
	return -1, &mountError{what, fsLog(fd), err}
}

// newOverlay returns a detached overlay, what; lowerdir+ is of Linux 6.8.
func newOverlay(what string, o Layers) (int, error) {
	options := [][2]string{{"source", "overlay"}}
	for _, dir := range o.Lower {
		options = append(options, [2]string{"lowerdir+", dir})
	}
	options = append(options, [2]string{"upperdir", o.Upper}, [2]string{"workdir", o.Work})
	if o.Volatile {
		options = append(options, [2]string{"volatile"})
	}
	fd, err := fsContext(what, "overlay", options)
	if err != nil {
		return -1, err
	}
	return create(fd, what, 0)
}

// newFS returns a detached mount of a new filesystem.
func newFS(what string, fs FS) (int, error) {
	options := [][2]string{{"source", fs.Source}}
	for option := range strings.SplitSeq(fs.Data, ",") {
		if k, v, ok := strings.Cut(option, "="); ok {
			options = append(options, [2]string{k, v})
		}
	}
	fd, err := fsContext(what, fs.Type, options)
	if err != nil {
		return -1, err
	}
	// MS_NOSUID, MS_NODEV and MS_NOEXEC have the bits of their MOUNT_ATTR names.
	return create(fd, what, int(fs.Flags))
}

// attach mounts the detached mnt, what, at path, relative to dir.
func attach(mnt, dir int, path, what string) error {
	flags := unix.MOVE_MOUNT_F_EMPTY_PATH
	if dir == unix.AT_FDCWD { // a mountpoint may be a link, a directory inside may not
		flags |= unix.MOVE_MOUNT_T_SYMLINKS
	}
	if err := unix.MoveMount(mnt, "", dir, path, flags); err != nil {
		return &mountError{what, "", err}
	}
	return nil
}

// fsLog returns what the kernel wrote into the log of a context, without the
// letter of the level ("e overlay: ...").
func fsLog(fd int) string {
	var lines []string
	buf := make([]byte, 512)
	for {
		n, err := unix.Read(fd, buf)
		if err != nil || n <= 2 {
			return strings.Join(lines, "; ")
		}
		lines = append(lines, strings.TrimSpace(string(buf[2:n])))
	}
}
