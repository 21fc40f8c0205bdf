package kernel

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestDiskUsage compares with du(1), which counts all but bind mounts of the
// same filesystem.
func TestDiskUsage(t *testing.T) {
	for name, dir := range map[string]string{"btrfs": mountBtrfs(t), "ext4 or what the machine has": scratch(t)} {
		t.Run(name, func(t *testing.T) {
			top := dir + "/upper"
			mkdirs(t, top+"/a/b", top+"/empty")
			if name == "btrfs" {
				subvolumes(t, top+"/a/nested")
				put(t, top+"/a/nested/file", strings.Repeat("n", 50000))
			}
			put(t, top+"/a/file", strings.Repeat("x", 100000))
			put(t, top+"/small", "x")
			must(os.Link(top+"/a/file", top+"/a/b/again"))
			must(os.Symlink("/", top+"/link"))
			must(unix.Mkfifo(top+"/fifo", 0o600))
			must(os.Truncate(top+"/small", 1<<30))
			run(t, "sync", "-f", top)
			want, err := strconv.ParseInt(strings.Fields(run(t, "du", "-s", "-B1", top))[0], 10, 64)
			must(err)
			mkdirs(t, top+"/mnt", top+"/bind") // what is mounted on counts as nothing
			put(t, top+"/target", "")
			mountOn(t, "tmpfs", top+"/mnt", "tmpfs", 0, "")
			put(t, top+"/mnt/file", strings.Repeat("x", 100000))
			mountOn(t, top+"/a", top+"/bind", "", unix.MS_BIND, "")
			mountOn(t, top+"/a/file", top+"/target", "", unix.MS_BIND, "")
			if got, err := DiskUsage(top); got != want || err != nil {
				t.Errorf("DiskUsage = %d, %v; du says %d", got, err, want)
			}
		})
	}
	if _, err := DiskUsage("/nowhere"); err == nil || err.Error() != "cannot measure /nowhere: no such file or directory" {
		t.Error(err)
	}
}
