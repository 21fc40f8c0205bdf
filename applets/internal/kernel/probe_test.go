package kernel

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// probeDir is probeDetached of a path.
func probeDir(dir string) error {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return probeDetached(fd)
}

// wantInUse asks in every way, and wants nothing written while it does.
func wantInUse(t *testing.T, o Layers, want bool) {
	t.Helper()
	asks := map[string]func(string) (bool, error){
		"UpperInUse": UpperInUse,
		"in a namespace": func(dir string) (bool, error) {
			err := probeInNamespace(dir)
			return err == unix.EBUSY, ignore(err, unix.EBUSY)
		},
	}
	if without == "" && isLinux(6, 15) {
		asks["detached"] = func(dir string) (bool, error) {
			err := probeDir(dir)
			m, _ := err.(*mountError)
			busy := m != nil && m.cause == unix.EBUSY
			if busy {
				err = nil
			}
			return busy, err
		}
	}
	for name, ask := range asks {
		for _, dir := range []string{o.Upper, o.Work} {
			before := run(t, "find", dir, "-printf", `%p %y %i %m %U:%G %s %T@ %C@ %l\n`) + run(t, "getfattr", "-R", "-d", "-m", "-", dir)
			files, points := openFiles(t), len(pointsBelow("/"))
			if got, err := ask(dir); got != want || err != nil {
				t.Errorf("%s of %s = %v, %v; want %v", name, dir, got, err, want)
			}
			after := run(t, "find", dir, "-printf", `%p %y %i %m %U:%G %s %T@ %C@ %l\n`) + run(t, "getfattr", "-R", "-d", "-m", "-", dir)
			if before != after || openFiles(t) != files || len(pointsBelow("/")) != points {
				t.Errorf("%s left its mark:\n%s\nbefore:\n%s", name, after, before)
			}
		}
		for _, dir := range o.Lower {
			if got, err := ask(dir); got || err != nil {
				t.Errorf("%s of the lower directory %s = %v, %v", name, dir, got, err)
			}
		}
	}
}

func ignore(err, what error) error {
	if err == what {
		return nil
	}
	return err
}

func TestUpperInUse(t *testing.T) {
	dir := scratch(t) + `/a b,c:d\e`
	o := layersIn(t, dir, "top", "bottom")
	mnt := dir + "/mnt"
	mkdirs(t, mnt, o.Upper+"/sub")
	put(t, o.Upper+"/file", "x")
	options := must1(OverlayOptions(o))
	wantInUse(t, o, false)

	must(unix.Mount("overlay", mnt, "overlay", 0, options))
	wantInUse(t, o, true)
	must(unix.Unmount(mnt, 0))
	wantInUse(t, o, false)

	mounted, leave, left := make(chan error), make(chan bool), make(chan error)
	go func() {
		left <- inPrivateNamespace(func() error {
			mounted <- unix.Mount("overlay", mnt, "overlay", 0, options)
			<-leave
			return nil
		})
	}()
	must(<-mounted)
	wantInUse(t, o, true)
	close(leave)
	must(<-left)

	must(MountTree(mnt, o, nil))
	held := must1(os.Open(mnt + "/who"))
	must(unix.Unmount(mnt, unix.MNT_DETACH))
	wantInUse(t, o, true)
	must(held.Close())
	wantInUse(t, o, false)
}

func TestUpperInUseErrors(t *testing.T) {
	dir := scratch(t)
	put(t, dir+"/file", "")
	for path, want := range map[string]string{
		dir + "/none": "cannot ask who uses " + dir + "/none: no such file or directory",
		dir + "/file": "cannot ask who uses " + dir + "/file: not a directory",
		"/proc":       "cannot ask who uses /proc: ",
	} {
		if used, err := UpperInUse(path); used || err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("UpperInUse(%s) = %v, %v; want %s", path, used, err, want)
		}
	}
}
