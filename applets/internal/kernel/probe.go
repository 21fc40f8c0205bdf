package kernel

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// UpperInUse tells whether dir is the upper or work directory of any overlay
// alive: mounted by hand, in another mount namespace, or unmounted lazily and
// still held. It asks for an overlay with index=on that has dir as its lower
// directory, which the kernel refuses with EBUSY exactly then (Linux 5.2), and
// writes nothing into dir. What it does make goes away with it.
func UpperInUse(dir string) (bool, error) {
	err := probe(dir)
	if errors.Is(err, unix.EBUSY) {
		return true, nil
	}
	var m *mountError
	if errors.As(err, &m) {
		err = m.reason()
	}
	if err != nil {
		return false, Cannot("ask who uses", dir, err)
	}
	return false, nil
}

// probe asks; EBUSY says that somebody does.
func probe(dir string) error {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	// On a filesystem without file handles the kernel drops index=on and then
	// refuses nothing, so the answer would be worth nothing either.
	if _, _, err := unix.NameToHandleAt(fd, "", unix.AT_EMPTY_PATH); err != nil {
		return fmt.Errorf("its filesystem has no file handles: %w", err)
	}
	err = probeDetached(fd)
	if lacking(err) {
		err = probeInNamespace(dir)
	}
	return err
}

// probeDetached asks without touching any namespace (layers by file descriptor,
// Linux 6.13; on detached mounts, 6.15).
func probeDetached(dir int) error {
	fd, err := fsContext("tmpfs", "tmpfs", nil)
	if err != nil {
		return err
	}
	scratch, err := create(fd, "tmpfs", 0)
	if err != nil {
		return err
	}
	defer unix.Close(scratch)
	if fd, err = fsContext("overlay", "overlay", [][2]string{{"index", "on"}}); err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.FsconfigSetFd(fd, "lowerdir+", dir); err != nil {
		return err
	}
	for _, layer := range []string{"upperdir", "workdir"} {
		if err := unix.Mkdirat(scratch, layer, 0o700); err != nil {
			return err
		}
		d, err := unix.Openat(scratch, layer, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(d)
		if err := unix.FsconfigSetFd(fd, layer, d); err != nil {
			return err
		}
	}
	if err := unix.FsconfigCreate(fd); err != nil {
		return &mountError{"the probe", fsLog(fd), err}
	}
	return nil
}

// probeInNamespace asks in a mount namespace of its own; it costs a copy of the
// mount table.
func probeInNamespace(dir string) error {
	return inPrivateNamespace(func() error {
		fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		// Any directory that every system has will do; nobody else sees this.
		const scratch = "/dev"
		if err := unix.Mount("tmpfs", scratch, "tmpfs", 0, ""); err != nil {
			return err
		}
		for _, name := range []string{"lower", "upper", "work", "mnt"} {
			if err := os.Mkdir(scratch+"/"+name, 0o700); err != nil {
				return err
			}
		}
		// Bound to a short clean name the directory needs no escaping.
		if err := unix.Mount(fmt.Sprintf("/proc/thread-self/fd/%d", fd), scratch+"/lower", "", unix.MS_BIND, ""); err != nil {
			return err
		}
		options := strings.ReplaceAll("index=on,lowerdir=@/lower,upperdir=@/upper,workdir=@/work", "@", scratch)
		return unix.Mount("overlay", scratch+"/mnt", "overlay", 0, options)
	})
}

// UpperHolders says, a phrase each, which overlay mounts of any mount namespace
// have dir as their upper directory, as far as their mount tables tell.
func UpperHolders(dir string) []string {
	var phrases []string
	eachNamespace(func(pid int, comm string, table []Mount) {
		for _, m := range table {
			if is, known := IsUpper(m, dir); is && known {
				phrases = append(phrases, "mounted at "+m.Point+inNamespace(pid, comm))
			}
		}
	})
	return phrases
}

// UpperDevice returns the device of the overlay that has dir as its upper
// directory, as the mount table of any namespace tells.
func UpperDevice(dir string) (dev uint64, ok bool) {
	eachNamespace(func(_ int, _ string, table []Mount) {
		for _, m := range table {
			if is, known := IsUpper(m, dir); is && known {
				dev, ok = m.Dev, true
			}
		}
	})
	return dev, ok
}
