package applets

import (
	"fmt"
	"os"

	"cage/applets/internal/kernel"
	"cage/applets/internal/store"
)

// mountsOf returns how to mount what a cage has beside the article's five. What it
// is to have of the host must be there.
func mountsOf(c *store.Cage, list []store.Mount) ([]kernel.FS, error) {
	var all []kernel.FS
	for _, m := range list {
		fs := kernel.FS{Type: "tmpfs", Source: "tmpfs", At: m.At[1:], Flags: kernel.NoSuid | kernel.NoDev, Kind: kernel.OwnTmpfs}
		if m.Source != "" {
			fs = kernel.FS{Source: m.Source, At: m.At[1:], Kind: kernel.Bind}
			info, err := os.Stat(m.Source)
			if err != nil {
				return nil, kernel.Cannot("bring up", fmt.Sprintf("%s: %s=%s on line %d of its conf", c.Label(), m.Line.Key, m.Line.Value, m.Line.Number), err)
			}
			if !info.IsDir() {
				fs.Kind = kernel.BindFile
			}
			if m.ReadOnly {
				fs.Flags = kernel.ReadOnly
			}
		}
		all = append(all, fs)
	}
	return all, nil
}

// bound returns where a cage has what is the host's.
func bound(c *store.Cage) []string {
	var dirs []string
	for _, m := range c.Mounts {
		if m.Source != "" {
			dirs = append(dirs, m.At)
		}
	}
	return dirs
}
