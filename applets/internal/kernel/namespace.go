package kernel

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// inPrivateNamespace runs f in a copy of the mount namespace that nobody else is
// in and that sends nothing back; what f mounts there goes away with it.
func inPrivateNamespace(f func() error) error {
	done := make(chan error)
	go func() {
		// Never unlocked, so that the thread, which no longer shares the
		// directory and umask of the others, ends with this function.
		runtime.LockOSThread()
		done <- runInNamespace(f)
	}()
	return <-done
}

func runInNamespace(f func() error) (err error) {
	host, err := unix.Open("/proc/thread-self/ns/mnt", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return noNamespace(err)
	}
	defer unix.Close(host)
	// setns(2) into a mount namespace demands a thread with its own fs attributes.
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
		return noNamespace(err)
	}
	defer func() {
		// The thread may be the process's first one, which outlives its function.
		if e := unix.Setns(host, unix.CLONE_NEWNS); e != nil && err == nil {
			err = noNamespace(fmt.Errorf("there is no way back: %w", e))
		}
	}()
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return noNamespace(err)
	}
	return f()
}

func noNamespace(err error) error {
	return &mountError{"in a mount namespace of its own", "", err}
}
