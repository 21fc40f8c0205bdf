package applets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"cage/applets/internal/kernel"
	"cage/applets/internal/plan"
	"cage/applets/internal/store"
	"cage/conf"

	"github.com/urfave/cli/v2"
)

type rebaseOptions struct{ force bool }

func newRebase(s *session) *cli.App {
	var o rebaseOptions
	app := s.app(boolFlag("force", "f", "do it although files hide the base's or inode numbers repeat", &o.force))
	app.Action = func(c *cli.Context) error {
		if c.NArg() != 2 {
			return usageError("it takes a cage and BASE[:BASE]")
		}
		if err := s.open(); err != nil {
			return err
		}
		return runRebase(s, o, c.Args().Get(0), c.Args().Get(1))
	}
	return describe(app, "CAGE BASE[:BASE...]", `   cage-rebase web host        let it stand on the last snapshot of the host
   cage-rebase web tools:host  the first on top
`)
}

// runRebase lets a cage that is down stand on other bases.
func runRebase(s *session, o rebaseOptions, ref, bases string) error {
	c, layers, held, err := s.lockOver(ref, func(c *store.Cage) (*store.Cage, error) { return s.draftRebase(c, bases) })
	if err != nil {
		return err
	}
	defer held.release()
	next, err := s.draftRebase(c, bases)
	if err != nil {
		return err
	}
	if err := checkDown(c, "rebase"); err != nil {
		return err
	}
	old, errOld := s.lastStoodOn(c)
	if errOld == nil && c.Conf.Get("base") == next.Conf.Get("base") && slices.EqualFunc(old, layers, sameDir) {
		s.note("%s stands on %s already", c.Label(), bases)
		return nil
	}
	if err := inodeTrap(c.Root, layers); err != nil && !o.force {
		return err
	}
	if errOld == nil {
		err = s.checkConflicts(o, c, old, layers, bases)
	} else {
		err = s.checkGone(o, c, errOld, bases)
	}
	if err != nil {
		return err
	}
	if err := s.warnOfNewer(c, layers); err != nil {
		return err
	}
	return s.carryOut(planRebase(c, next, layers, s.hiding(c, layers)))
}

// draftRebase is the cage with its new bases.
func (s *session) draftRebase(c *store.Cage, bases string) (*store.Cage, error) {
	ids, err := s.resolveBases(bases)
	if err != nil {
		return nil, err
	}
	file := conf.Parse(c.Conf.Bytes())
	if err := file.Set("base", ids); err != nil {
		return nil, fmt.Errorf("%w (%s)", err, c.ConfPath())
	}
	return c.Entry.Parse(file.Bytes())
}

// lastStoodOn returns the directories that a cage last stood on, which must be
// there: those of its record, else those that its conf leads to.
func (s *session) lastStoodOn(c *store.Cage) ([]string, error) {
	dirs, err := readLower(c)
	if errors.Is(err, fs.ErrNotExist) {
		layers, _, err := s.store.Layers(c)
		return layerDirs(layers), err
	}
	if err != nil {
		return nil, err
	}
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("cannot compare %s with what it last stood on: %s is not there", c.Label(), dir)
		}
	}
	return dirs, nil
}

// conflictsShown is how many conflicts are named.
const conflictsShown = 20

// checkConflicts names what in the cage would hide something that the new base
// has otherwise than the old, and refuses.
func (s *session) checkConflicts(o rebaseOptions, c *store.Cage, old []string, layers []store.Layer, bases string) error {
	list, err := s.conflicts(c, old, layerDirs(layers))
	if err != nil || len(list) == 0 {
		return err
	}
	if !o.force || !s.quiet {
		for _, path := range list[:min(len(list), conflictsShown)] {
			fmt.Fprintf(s.stderr, "%s: %s\n", s.name, oneLine("/"+path))
		}
		if more := len(list) - conflictsShown; more > 0 {
			fmt.Fprintf(s.stderr, "%s: and %d more\n", s.name, more)
		}
	}
	if o.force {
		s.warn("%d of the files of %s hide what is different in the new base", len(list), c.Label())
		return nil
	}
	return withHint(fmt.Errorf("cannot rebase %s: %d of its files would hide what is different in the new base", c.Label(), len(list)), "cage-rebase -f %s %s", c.Label(), bases)
}

// checkGone refuses a cage whose files cannot be compared, for what it stood on is gone.
func (s *session) checkGone(o rebaseOptions, c *store.Cage, why error, bases string) error {
	pristine, err := s.isPristine(c)
	if err != nil || pristine || o.force {
		return err
	}
	return withHint(why, "cage-rebase -f %s %s", c.Label(), bases)
}

// hiding makes what hides the cages and snapshots that are in the layers, where the
// cage has not got that yet.
func (s *session) hiding(c *store.Cage, layers []store.Layer) (p plan.Plan) {
	for _, h := range s.hidden(layers) {
		path := filepath.Join(c.Root, h.path)
		info, err := os.Lstat(path)
		missing := errors.Is(err, fs.ErrNotExist)
		if missing {
			p = append(p, like(path, h.info))
		}
		if h.opaque && (missing || err == nil && info.IsDir() && !kernel.IsOpaque(path)) {
			p = append(p, &plan.Opaque{Path: path})
		}
	}
	return p
}

// planRebase is the story of standing on something else: the conf says so, and
// `lower` for cage-up.
func planRebase(c, next *store.Cage, layers []store.Layer, hiding plan.Plan) plan.Plan {
	return append(hiding,
		&plan.Write{Path: c.ConfPath(), Data: next.Conf.Bytes(), Mode: 0o644},
		&plan.Write{Path: lowerPath(c), Data: []byte(lowerText(layers)), Mode: 0o644})
}
