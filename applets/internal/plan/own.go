package plan

import (
	"fmt"
	"path/filepath"
	"strings"

	"cage/applets/internal/kernel"
)

// ownMount is what mounts a bind or tmpfs of a cage's own at dir: nothing on the
// way is a link, which mount(8) would follow out of the cage; what is missing is made.
func ownMount(point, dir string, fs kernel.FS) string {
	way := point
	var all []string
	for part := range strings.SplitSeq(fs.At, "/") {
		way += "/" + part
		all = append(all, Quote(way))
	}
	lines := []string{fmt.Sprintf(`for way in %s; do [ ! -L "$way" ] || { echo "$way is a link" >&2; exit 1; }; done`, strings.Join(all, " "))}
	make := command("mkdir", "-p", dir)
	if fs.Kind == kernel.BindFile {
		make = command("mkdir", "-p", filepath.Dir(dir)) + " && : >" + Quote(dir)
	}
	lines = append(lines, fmt.Sprintf("[ -e %s ] || (umask 022 && %s)", Quote(dir), make))
	if fs.Kind == kernel.OwnTmpfs {
		like := fmt.Sprintf(`"$(stat -c mode=%%a,uid=%%u,gid=%%g %s)"`, Quote(dir))
		return strings.Join(append(lines, "mount -t tmpfs -o "+options(fs)+","+like+" "+command(fs.Source, dir)), "\n")
	}
	lines = append(lines, command("mount", "--bind", fs.Source, dir), command("mount", "--make-private", dir))
	if fs.Flags&kernel.ReadOnly != 0 {
		lines = append(lines, command("mount", "-o", "remount,bind,ro", dir))
	}
	return strings.Join(lines, "\n")
}
