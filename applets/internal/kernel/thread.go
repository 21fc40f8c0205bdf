package kernel

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// onOwnThread runs f on a thread that ends with it, so that f may unshare(2) what
// threads share, and waits for f.
func onOwnThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: that is what ends the thread
		if unix.Gettid() == unix.Getpid() {
			// The first thread outlives its function, and its directory and files are what
			// others see as those of the process. Waiting here, it is not taken again.
			onOwnThread(f)
			runtime.UnlockOSThread()
			return
		}
		f()
	}()
	<-done
}
