package applets

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"cage/applets/internal/kernel"
	"cage/applets/internal/plan"

	"github.com/urfave/cli/v2"
)

func newLogs(s *session) *cli.App {
	var follow bool
	app := newApp(s.name,
		boolFlag("follow", "f", "go on with what is said from now on, until interrupted", &follow),
		s.quietFlag())
	app.Action = func(c *cli.Context) error {
		ref, err := s.openOne(c)
		if err != nil {
			return err
		}
		return runLogs(s, ref, follow)
	}
	return describe(app, "CAGE", `   cage-logs web             all that its start and stop scripts said
   cage-logs -f web          and what they say next
`)
}

// logs are the two files of a cage's log, each open and read to its end so far. A
// daemon goes on writing to the one that it was started with.
type logs struct {
	path     string
	out      io.Writer
	old, now *os.File // nil: not there
}

// runLogs prints the log of a cage.
func runLogs(s *session, ref string, follow bool) error {
	e, err := s.find(ref)
	if err != nil {
		return err
	}
	if !e.Writable {
		return fmt.Errorf("cannot print the log of %s: it is a base, and nothing runs in it", e.Label())
	}
	l := logs{path: filepath.Join(e.Dir, "log"), out: s.stdout}
	var watch *kernel.Watch
	if follow {
		if watch, err = kernel.WatchDir(e.Dir); err != nil { // before the first look, so that nothing is missed
			return err
		}
		defer watch.Close()
	}
	if err := l.open(); err != nil {
		return err
	}
	if l.old == nil && l.now == nil {
		s.note("%s has no log yet: no script of it has run, unless by systemd: journalctl -u cage@%[1]s", e.Label())
	}
	err = l.print()
	for gone := false; follow && err == nil && !gone; {
		if gone, err = watch.Wait(); err == nil {
			err = l.print()
		}
		if gone {
			s.note("the cage is gone")
		}
	}
	return err
}

// open opens both files. The older one last: what is moved meanwhile is then found
// twice, and not missed.
func (l *logs) open() (err error) {
	if l.now, err = openLog(l.path); err != nil {
		return err
	}
	if l.old, err = openLog(l.path + plan.LogOld); err != nil {
		return err
	}
	if l.old != nil && l.now != nil && same(l.old, l.now) {
		l.now = nil // print looks for the next one
	}
	return nil
}

// print prints what is new: of both files, and of one that took the place of the
// second, which is the older one then.
func (l *logs) print() error {
	if err := errors.Join(l.rest(l.old), l.rest(l.now)); err != nil {
		return err
	}
	next, err := openLog(l.path)
	if err != nil || next == nil {
		return err
	}
	if l.now != nil && same(l.now, next) || l.old != nil && same(l.old, next) {
		return next.Close()
	}
	// What came between the two looks: nobody writes to the new one before the move.
	if err := l.rest(l.now); err != nil {
		return err
	}
	if l.now != nil {
		l.old.Close()
		l.old = l.now
	}
	l.now = next
	return l.rest(next)
}

// rest prints a file from where it was read to; from its beginning, if somebody
// has emptied it.
func (l *logs) rest(f *os.File) error {
	if f == nil {
		return nil
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err == nil {
		var info os.FileInfo
		if info, err = f.Stat(); err == nil && info.Size() < at {
			_, err = f.Seek(0, io.SeekStart)
		}
	}
	if err == nil {
		_, err = io.Copy(l.out, f)
	}
	if err != nil {
		return kernel.Cannot("print", f.Name(), err)
	}
	return nil
}

// openLog opens a file of the log; one that is not there is nil.
func openLog(path string) (*os.File, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, kernel.Cannot("read", path, err)
	}
	return f, nil
}

// same tells whether two open files are one.
func same(a, b *os.File) bool {
	x, errA := a.Stat()
	y, errB := b.Stat()
	return errA == nil && errB == nil && os.SameFile(x, y)
}
