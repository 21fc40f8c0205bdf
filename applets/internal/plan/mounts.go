package plan

import (
	"errors"
	"fmt"
	"strings"

	"cage/applets/internal/kernel"
)

// MountTree mounts an overlay and the filesystems inside it, all at once.
type MountTree struct {
	Point  string
	Layers kernel.Layers
	Inside []kernel.FS

	done bool
}

// Sayable returns an error where no mount(8) can be told of such layers.
func (m *MountTree) Sayable() error {
	options, err := kernel.OverlayOptions(m.Layers)
	if err == nil && strings.Contains(options, `"`) {
		err = errors.New("mount(8) takes the double quote in a path for one of its own")
	}
	return err
}

func (m *MountTree) String() string {
	options, err := kernel.OverlayOptions(m.Layers)
	if err != nil {
		return "# cannot be told to mount(8): " + err.Error() + "\nfalse"
	}
	mount := command("mount", "-t", "overlay", "overlay", "-o", options, m.Point)
	if len(options) > 255 || strings.Contains(options, `\`) {
		// mount(8) of util-linux 2.39 and later hands over a value of at most 255 bytes, and in other escapes.
		mount = "LIBMOUNT_FORCE_MOUNT2=always " + mount
	}
	lines := []string{mount}
	for _, fs := range m.Inside {
		lines = append(lines, (&MountInside{Point: m.Point, FS: fs}).String())
	}
	return strings.Join(lines, "\n")
}

// Do mounts the tree.
func (m *MountTree) Do() error {
	if err := kernel.MountTree(m.Point, m.Layers, m.Inside); err != nil {
		return err
	}
	m.done = true
	return nil
}

// Undo unmounts it.
func (m *MountTree) Undo() error {
	if !m.done {
		return nil
	}
	var errs []error
	for i := len(m.Inside) - 1; i >= 0; i-- {
		errs = append(errs, kernel.Unmount(m.Point+"/"+m.Inside[i].At))
	}
	return errors.Join(append(errs, kernel.Unmount(m.Point))...)
}

// MountInside mounts one filesystem inside a tree that stands.
type MountInside struct {
	Point string
	FS    kernel.FS

	done bool
}

func (m *MountInside) String() string {
	dir := m.Point + "/" + m.FS.At
	if m.FS.Kind != kernel.New {
		return ownMount(m.Point, dir, m.FS)
	}
	line := command("mount", "-t", m.FS.Type, "-o", options(m.FS), m.FS.Source, dir)
	if strings.HasPrefix(m.FS.At, "dev/") {
		line = fmt.Sprintf("[ -d %s ] || %s\n%s", Quote(dir), command("mkdir", "-m", "0755", dir), line)
	}
	return line
}

// options are those of a new filesystem for mount(8).
func options(fs kernel.FS) string {
	var list []string
	for _, f := range []struct {
		bit  uintptr
		name string
	}{{kernel.NoSuid, "nosuid"}, {kernel.NoDev, "nodev"}, {kernel.NoExec, "noexec"}} {
		if fs.Flags&f.bit != 0 {
			list = append(list, f.name)
		}
	}
	if fs.Data != "" {
		list = append(list, fs.Data)
	}
	return strings.Join(list, ",")
}

// Do mounts it.
func (m *MountInside) Do() error {
	if err := kernel.MountInside(m.Point, m.FS); err != nil {
		return err
	}
	m.done = true
	return nil
}

// Undo unmounts it.
func (m *MountInside) Undo() error {
	if !m.done {
		return nil
	}
	return kernel.Unmount(m.Point + "/" + m.FS.At)
}

// MakeSlave stops a mount and all below it from sending events to peers elsewhere.
type MakeSlave struct{ Point string }

func (m *MakeSlave) String() string { return command("mount", "--make-rslave", m.Point) }

// Do makes them slaves.
func (m *MakeSlave) Do() error { return kernel.MakeSlave(m.Point) }

// Unmount unmounts one mount point, never lazily.
type Unmount struct{ Point string }

func (u *Unmount) String() string { return command("umount", u.Point) }

// Do unmounts it.
func (u *Unmount) Do() error { return kernel.Unmount(u.Point) }
