package plan

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"cage/applets/internal/kernel"
)

// remove takes back what a step made.
func remove(path string) error {
	if err := os.Remove(path); err != nil {
		return kernel.Cannot("remove", path, err)
	}
	return nil
}

// Write makes data the content of a file as a whole, so that nobody ever sees
// half of it.
type Write struct {
	Path string
	Data []byte
	Mode os.FileMode
	New  bool // nothing is there, and a rename of its directory makes it durable

	Volatile bool // a power cut may take it back, never leave half of it; of a New one anything

	old     []byte
	oldMode os.FileMode
	was     bool
	done    bool
}

func (w *Write) String() string {
	const end = "___"
	path, text := Quote(w.Path), string(w.Data)
	how := fmt.Sprintf("printf %%s %s >%s", Quote(text), path)
	if strings.HasSuffix(text, "\n") && !strings.Contains("\n"+text, "\n"+end+"\n") && !strings.Contains(text, "\x00") {
		how = fmt.Sprintf("cat >%s <<'%s'\n%s%s", path, end, text, end)
	}
	return how + "\n" + command("chmod", octal(w.Mode), w.Path)
}

// Do writes the file, or a sibling that it renames.
func (w *Write) Do() error {
	if w.New {
		create := kernel.Create
		if w.Volatile {
			create = kernel.CreateVolatile
		}
		err := create(w.Path, w.Data, w.Mode)
		w.done = err == nil
		return err
	}
	old, err := os.ReadFile(w.Path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return kernel.Cannot("read", w.Path, err)
	}
	if w.old, w.was = old, err == nil; w.was {
		info, err := os.Stat(w.Path)
		if err != nil {
			return kernel.Cannot("read", w.Path, err)
		}
		w.oldMode = info.Mode()
	}
	replace := kernel.Replace
	if w.Volatile {
		replace = kernel.Swap
	}
	if err := replace(w.Path, w.Data, w.Mode); err != nil {
		return err
	}
	w.done = true
	return nil
}

// Undo puts the old content back, or takes the new file away.
func (w *Write) Undo() error {
	switch {
	case !w.done:
		return nil
	case !w.was:
		return remove(w.Path)
	default:
		return kernel.Replace(w.Path, w.old, w.oldMode)
	}
}

// Copy makes a new file To with the content of From.
type Copy struct {
	From, To string
	Mode     os.FileMode

	made bool
}

func (c *Copy) String() string { return command("install", "-m", octal(c.Mode), c.From, c.To) }

// Do copies, to the disk.
func (c *Copy) Do() error {
	data, err := os.ReadFile(c.From)
	if err != nil {
		return kernel.Cannot("read", c.From, err)
	}
	err = kernel.Create(c.To, data, c.Mode)
	c.made = err == nil
	return err
}

// Undo removes the copy.
func (c *Copy) Undo() error {
	if !c.made {
		return nil
	}
	return remove(c.To)
}

// Symlink makes a symbolic link at Path that points to Target.
type Symlink struct {
	Target, Path string

	made bool
}

func (l *Symlink) String() string { return command("ln", "-s", l.Target, l.Path) }

// Do makes the link.
func (l *Symlink) Do() error {
	if err := os.Symlink(l.Target, l.Path); err != nil {
		return kernel.Cannot("make link", l.Path, err)
	}
	l.made = true
	return nil
}

// Undo removes the link.
func (l *Symlink) Undo() error {
	if !l.made {
		return nil
	}
	return remove(l.Path)
}
