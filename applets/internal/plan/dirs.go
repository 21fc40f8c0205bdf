package plan

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"cage/applets/internal/kernel"
)

// Mkdir makes one directory that is not there yet, with exactly this mode and owner.
type Mkdir struct {
	Path     string
	Mode     os.FileMode // permissions and os.ModeSticky, whatever the umask
	UID, GID int
	Parents  bool // make missing parents too, 0755; undoing leaves those

	made bool
}

func (m *Mkdir) String() string {
	var b strings.Builder
	if m.Parents {
		fmt.Fprintf(&b, "mkdir -p %s\n", Quote(filepath.Dir(m.Path)))
	}
	b.WriteString(command("mkdir", "-m", octal(m.Mode), m.Path))
	if m.UID != 0 || m.GID != 0 {
		fmt.Fprintf(&b, "\nchown %d:%d %s", m.UID, m.GID, Quote(m.Path))
	}
	return b.String()
}

// octal writes a mode as chmod(1) takes it.
func octal(mode os.FileMode) string {
	n := uint32(mode.Perm())
	if mode&os.ModeSetuid != 0 {
		n |= 0o4000
	}
	if mode&os.ModeSetgid != 0 {
		n |= 0o2000
	}
	if mode&os.ModeSticky != 0 {
		n |= 0o1000
	}
	return fmt.Sprintf("%04o", n)
}

// Do makes the directory.
func (m *Mkdir) Do() error {
	if m.Parents {
		if err := os.MkdirAll(filepath.Dir(m.Path), 0o755); err != nil {
			return kernel.Cannot("make", m.Path, err)
		}
	}
	if err := os.Mkdir(m.Path, m.Mode.Perm()); err != nil {
		return kernel.Cannot("make", m.Path, err)
	}
	m.made = true
	if m.UID != 0 || m.GID != 0 {
		if err := os.Chown(m.Path, m.UID, m.GID); err != nil {
			return kernel.Cannot("change the owner of", m.Path, err)
		}
	}
	if err := os.Chmod(m.Path, m.Mode); err != nil {
		return kernel.Cannot("change the mode of", m.Path, err)
	}
	return nil
}

// Undo removes it again.
func (m *Mkdir) Undo() error {
	if !m.made {
		return nil
	}
	m.made = false
	return remove(m.Path)
}

// Opaque makes a directory of an upper layer hide what lies below it.
type Opaque struct{ Path string }

func (o *Opaque) String() string {
	return command("setfattr", "-n", "trusted.overlay.opaque", "-v", "y", o.Path)
}

// Do sets the mark.
func (o *Opaque) Do() error { return kernel.MakeOpaque(o.Path) }
