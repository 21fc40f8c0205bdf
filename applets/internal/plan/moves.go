package plan

import (
	"errors"
	"io/fs"
	"path/filepath"

	"cage/applets/internal/kernel"
)

// Rename gives From the new name To, which nothing has yet, and makes
// that durable, after all that is in it.
type Rename struct {
	From, To string
	Volatile bool // a power cut may take it back: nothing is lost by that

	done bool
}

func (r *Rename) String() string { return command("mv", "-T", r.From, r.To) }

// Do renames.
func (r *Rename) Do() error {
	if !r.Volatile {
		if err := kernel.Sync(r.From); err != nil {
			return err
		}
	}
	if err := kernel.RenameNew(r.From, r.To); err != nil {
		return err
	}
	r.done = true
	if r.Volatile {
		return nil
	}
	return kernel.Sync(filepath.Dir(r.To))
}

// Undo gives the old name back.
func (r *Rename) Undo() error {
	if !r.done {
		return nil
	}
	return kernel.RenameNew(r.To, r.From)
}

// Exchange lets A and B, of one directory, trade names at one moment
// (renameat2(2), RENAME_EXCHANGE), and makes that durable, after all that is in B.
type Exchange struct {
	A, B string

	done bool
}

func (e *Exchange) String() string {
	aside := e.B + ".aside"
	return command("mv", "-T", e.A, aside) + "\n" + command("mv", "-T", e.B, e.A) + "\n" + command("mv", "-T", aside, e.B)
}

// Do exchanges the names.
func (e *Exchange) Do() error {
	if err := kernel.Sync(e.B); err != nil {
		return err
	}
	if err := kernel.Exchange(e.A, e.B); err != nil {
		return err
	}
	e.done = true
	return kernel.Sync(filepath.Dir(e.A))
}

// Undo exchanges them again.
func (e *Exchange) Undo() error {
	if !e.done {
		return nil
	}
	return kernel.Exchange(e.A, e.B)
}

// Remove removes a directory and all in it, and never crosses a mount. One that is
// gone already is no error.
type Remove struct {
	Path     string
	Last     string            // the entry of it that goes last; may be ""
	Progress func(entries int) // told of long removals; may be nil
}

func (r *Remove) String() string { return command("rm", "-r", "--one-file-system", r.Path) }

// Do removes.
func (r *Remove) Do() error {
	err := kernel.Remove(filepath.Dir(r.Path), filepath.Base(r.Path), r.Last, r.Progress)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Snapshot makes a read-only btrfs snapshot of Source at Path.
type Snapshot struct {
	Source, Path string

	made bool
}

func (s *Snapshot) String() string {
	return command("btrfs", "subvolume", "snapshot", "-r", s.Source, s.Path)
}

// Do makes the snapshot.
func (s *Snapshot) Do() error {
	if err := kernel.Snapshot(s.Source, filepath.Dir(s.Path), filepath.Base(s.Path)); err != nil {
		return err
	}
	s.made = true
	return nil
}

// Undo deletes it again.
func (s *Snapshot) Undo() error {
	if !s.made {
		return nil
	}
	return kernel.DeleteSubvolume(filepath.Dir(s.Path), filepath.Base(s.Path))
}
