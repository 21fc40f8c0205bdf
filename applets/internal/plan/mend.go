package plan

import (
	"errors"
	"path/filepath"
	"syscall"

	"cage/applets/internal/kernel"
)

// RemoveFile removes one file.
type RemoveFile struct{ Path string }

func (r *RemoveFile) String() string { return command("rm", r.Path) }

// Do removes it.
func (r *RemoveFile) Do() error { return remove(r.Path) }

// DeleteSnapshot deletes a btrfs snapshot.
type DeleteSnapshot struct{ Path string }

func (d *DeleteSnapshot) String() string { return command("btrfs", "subvolume", "delete", d.Path) }

// Do deletes it.
func (d *DeleteSnapshot) Do() error {
	return kernel.DeleteSubvolume(filepath.Dir(d.Path), filepath.Base(d.Path))
}

// RemoveCgroup removes a cgroup that nobody is in.
type RemoveCgroup struct{ Cgroup kernel.Cgroup }

func (r *RemoveCgroup) String() string { return command("rmdir", r.Cgroup.String()) }

// Do removes it, unless somebody has come in meanwhile.
func (r *RemoveCgroup) Do() error {
	if err := r.Cgroup.Remove(); !errors.Is(err, syscall.EBUSY) {
		return err
	}
	return nil
}
