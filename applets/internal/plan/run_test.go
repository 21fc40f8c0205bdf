package plan

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"cage/applets/internal/kernel"
)

// failing is a step that cannot be done.
type failing struct{ err error }

func (f *failing) String() string { return "false" }
func (f *failing) Do() error      { return f.err }

// stubborn is a step that can be done and not undone.
type stubborn struct{ err error }

func (s *stubborn) String() string { return "true" }
func (s *stubborn) Do() error      { return nil }
func (s *stubborn) Undo() error    { return s.err }

// allUndoable makes a plan with every kind of step that can be taken back but
// the snapshot, which needs a btrfs.
func allUndoable(t *testing.T, d string) Plan {
	t.Helper()
	for _, dir := range []string{"lower/tmp", "lower/proc", "upper", "work", "a", "b"} {
		must(t, os.MkdirAll(filepath.Join(d, dir), 0o755))
	}
	put(t, d+"/a/file", "a")
	put(t, d+"/old", "old\n")
	must(t, os.Chmod(d+"/old", 0o600))
	layers := kernel.Layers{Lower: []string{d + "/lower"}, Upper: d + "/upper", Work: d + "/work"}
	// What the first mount of an upper directory leaves in it and in work is there before.
	must(t, os.Mkdir(d+"/mnt", 0o755))
	must(t, kernel.MountTree(d+"/mnt", layers, nil))
	must(t, kernel.Unmount(d+"/mnt"))
	tmp := kernel.FS{Type: "tmpfs", Source: "tmp", At: "tmp", Data: "mode=1777"}
	proc := kernel.FS{Type: "proc", Source: "proc", At: "proc"}
	return Plan{
		&Mkdir{Path: d + "/new", Mode: 0o700},
		&Mkdir{Path: d + "/new/mnt", Mode: 0o755},
		&Write{Path: d + "/new/conf", Data: []byte("x\n"), Mode: 0o600},
		&Write{Path: d + "/old", Data: []byte("new\n"), Mode: 0o644},
		&Write{Path: d + "/old", Data: []byte("new\n"), Mode: 0o600},
		&Copy{From: d + "/old", To: d + "/new/copy", Mode: 0o755},
		&Symlink{Target: "nowhere", Path: d + "/new/link"},
		&CopyTree{From: d + "/a", To: d + "/new/tree"},
		&Exchange{A: d + "/a", B: d + "/b"},
		&Rename{From: d + "/b/file", To: d + "/new/file"},
		&MountTree{Point: d + "/new/mnt", Layers: layers, Inside: []kernel.FS{tmp}},
		&MountInside{Point: d + "/new/mnt", FS: proc},
	}
}

// scratch is a directory for mounts; that they are gone is what the test is about.
// If they are not, it stays.
func scratch(t *testing.T) string {
	t.Helper()
	asRoot(t)
	dir, err := os.MkdirTemp("", "cage-test-")
	must(t, err)
	t.Cleanup(func() {
		for {
			list, err := kernel.Under(dir)
			must(t, err)
			if len(list) == 0 {
				break
			}
			t.Errorf("left mounted: %s", list[len(list)-1].Point)
			must(t, kernel.Unmount(list[len(list)-1].Point))
		}
		must(t, kernel.Remove(filepath.Dir(dir), filepath.Base(dir), "", nil))
	})
	return dir
}

// TestRunUndoes fails at each place of the plan, by a step and by a signal.
func TestRunUndoes(t *testing.T) {
	steps := len(allUndoable(t, scratch(t)))
	for _, how := range []string{"a failure", "a signal"} {
		for at := range steps + 1 {
			dir := scratch(t)
			p := allUndoable(t, dir)
			before := listing(t, dir)
			want, stop := errors.New("no"), make(chan os.Signal, 1)
			var trace func(Step)
			seen := 0
			switch how {
			case "a failure":
				p = slices.Insert(p, at, Step(&failing{want}))
				trace = func(Step) { seen++ }
			case "a signal":
				p = slices.Insert(p, at, Step(&Mkdir{Path: dir + "/last", Mode: 0o700}), Step(&failing{want}))
				trace = func(Step) {
					if seen++; seen == at+1 {
						stop <- syscall.SIGTERM
					}
				}
				want = errors.New("cannot go on: interrupted")
			}
			err := p.Run(trace, stop)
			if err == nil || err.Error() != want.Error() || seen != at+1 {
				t.Errorf("%s at %d: %v, %d steps were told of", how, at, err, seen)
			}
			if after := listing(t, dir); after != before {
				t.Errorf("%s at %d: there is\n%s\nbefore\n%s", how, at, after, before)
			}
		}
	}
}

// TestRunKeepsWhatIsStoodOn: what was done before a step that cannot be taken back stays.
func TestRunKeepsWhatIsStoodOn(t *testing.T) {
	var order []string
	undo, no := errors.New("cannot undo"), errors.New("no")
	d := t.TempDir()
	p := Plan{&Mkdir{Path: d + "/x", Mode: 0o700}, &stubborn{undo}, &Mkdir{Path: d + "/y", Mode: 0o700}, &failing{no}, &stubborn{errors.New("never done")}}
	err := p.Run(func(s Step) { order = append(order, s.String()) }, nil)
	if err == nil || err.Error() != "no\ncannot undo" || !errors.Is(err, undo) || !errors.Is(err, no) {
		t.Errorf("Run: %v", err)
	}
	if len(order) != 4 {
		t.Errorf("told of %q", order)
	}
	if left, err := filepath.Glob(d + "/*"); err != nil || !slices.Equal(left, []string{d + "/x"}) {
		t.Errorf("left: %q", left)
	}
}

func TestRunAll(t *testing.T) {
	d := scratch(t)
	p := allUndoable(t, d)
	must(t, p.Run(nil, nil))
	if list, err := kernel.Under(d); len(list) != 3 || err != nil {
		t.Errorf("mounted: %+v, %v", list, err)
	}
	must(t, p.undo())
	if err := (Plan{}).Run(nil, nil); err != nil {
		t.Error(err)
	}
}
