package kernel

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// testCgroup makes a cgroup, gone again at the end of the test, and returns the
// descriptor to start processes in it.
func testCgroup(t *testing.T) (Cgroup, int) {
	t.Helper()
	c, ok := CgroupOf("test-" + rand.Text())
	if !ok {
		t.Skip("needs cgroup2")
	}
	if _, err := c.Populated(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Populated of a missing cgroup = %v, want fs.ErrNotExist", err)
	}
	fd, err := c.Make()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unix.Close(fd)
		for range 2 { // a missing one is no error
			if err := c.Remove(); err != nil {
				t.Error(err)
			}
		}
	})
	return c, fd
}

func TestCgroup(t *testing.T) {
	testTree(t)
	for name, kill := range map[string]func(Cgroup) error{"kill": Cgroup.Kill, "frozen": Cgroup.killFrozen} {
		t.Run(name, func(t *testing.T) {
			c, fd := testCgroup(t)
			if full, err := c.Populated(); full || err != nil {
				t.Errorf("Populated of a new cgroup = %v, %v", full, err)
			}
			must(os.Mkdir(c.dir+"/below", 0o755))
			cloned := start(t, "stubborn", "", func(c *exec.Cmd) { c.SysProcAttr.UseCgroupFD, c.SysProcAttr.CgroupFD = true, fd })
			joined := start(t, "stubborn", "", nil)
			below := Cgroup{dir: c.dir + "/below", rel: c.rel + "/below"}
			if err := below.Join(joined.pid); err != nil {
				t.Fatal(err)
			}
			if pids, err := c.PIDs(); len(pids) != 2 || err != nil {
				t.Errorf("PIDs = %v, %v, want %d and %d", pids, err, cloned.pid, joined.pid)
			}
			if full, err := c.Populated(); !full || err != nil {
				t.Errorf("Populated = %v, %v, want true", full, err)
			}
			if err := kill(c); err != nil {
				t.Fatal(err)
			}
			if cloned.died() != unix.SIGKILL || joined.died() != unix.SIGKILL {
				t.Error("not killed")
			}
		})
	}
}
