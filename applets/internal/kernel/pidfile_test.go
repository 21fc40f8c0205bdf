package kernel

import (
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestPIDFiles(t *testing.T) {
	dir := scratch(t)
	mkdirs(t, dir+"/run/deep/er", dir+"/run/dir.pid", dir+"/elsewhere", dir+"/run/mounted")
	want := map[string]string{
		"run/nginx.pid":       "4711\n",
		"run/bare.pid":        "1",
		"run/deep/er/two.pid": "  12 \n",
		"run/deep/pid":        "4711\n", // dbus-daemon(1) does not start where there is one
	}
	for path, content := range want {
		must(os.WriteFile(dir+"/"+path, []byte(content), 0o600))
	}
	for path, content := range map[string]string{
		"run/words.pid": "4711 nginx\n", "run/two.pid": "1\n2\n", "run/empty.pid": "", "run/blank.pid": "\n", "run/long.pid": "1" + strings.Repeat(" ", 100),
		"run/minus.pid": "-1", "run/rapid": "4711\n", "run/nginx.pid.old": "4711\n", "elsewhere/host.pid": "4711\n",
	} {
		must(os.WriteFile(dir+"/"+path, []byte(content), 0o600))
	}
	must(os.Symlink(dir+"/elsewhere/host.pid", dir+"/run/link.pid"))
	must(os.Symlink(dir+"/elsewhere", dir+"/run/linked"))
	must(unix.Mkfifo(dir+"/run/fifo.pid", 0o600))
	must(unix.Mount(dir+"/elsewhere", dir+"/run/mounted", "", unix.MS_BIND, ""))
	mkdirs(t, dir+"/run/file.d")
	must(os.WriteFile(dir+"/run/file.d/bound.pid", nil, 0o600))
	must(unix.Mount(dir+"/elsewhere/host.pid", dir+"/run/file.d/bound.pid", "", unix.MS_BIND, ""))

	var paths []string
	for path := range want {
		paths = append(paths, dir+"/"+path)
	}
	got := PIDFiles(dir, "run")
	slices.Sort(paths)
	slices.Sort(got)
	if !slices.Equal(got, paths) {
		t.Errorf("PIDFiles = %q, want %q", got, paths)
	}
	must(os.Symlink("run", dir+"/link"))
	for _, name := range []string{"link", "mounted", "none", "run/nginx.pid"} {
		if got := PIDFiles(dir, name); got != nil {
			t.Errorf("PIDFiles of %s = %q", name, got)
		}
	}
	if got := PIDFiles(dir+"/run", "mounted"); got != nil {
		t.Errorf("PIDFiles of a mount point = %q", got)
	}
}
