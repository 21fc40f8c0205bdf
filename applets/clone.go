package applets

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"cage/applets/internal/kernel"
	"cage/applets/internal/plan"
	"cage/applets/internal/store"
	"cage/conf"

	"github.com/urfave/cli/v2"
)

type cloneOptions struct {
	name, memo string
	force      bool

	hasMemo bool // an empty memo was asked for, too
}

func newClone(s *session) *cli.App {
	var o cloneOptions
	app := s.app(
		&cli.StringFlag{Name: "name", Usage: "call the copy `NAME`", DefaultText: "its own and -2, -3, ...", Destination: &o.name},
		&cli.StringFlag{Name: "memo", Usage: "note `TEXT` in its conf", DefaultText: "its own", Destination: &o.memo},
		boolFlag("force", "f", "stand on another subvolume of the same btrfs all the same", &o.force),
	)
	app.Action = func(c *cli.Context) error {
		o.hasMemo = c.IsSet("memo")
		if c.NArg() > 1 {
			return usageError("it takes one cage; the name of the copy follows --name")
		}
		ref, err := s.openOne(c)
		if err != nil {
			return err
		}
		return runClone(s, o, ref)
	}
	return describe(app, "CAGE", `   cage-clone web            a copy of a cage that is down; prints the uuid
   cage-clone web --name try --memo "before the upgrade"
`)
}

// runClone makes a copy of a cage, with a uuid of its own.
func runClone(s *session, o cloneOptions, ref string) error {
	if o.name != "" {
		if err := checkName(o.name); err != nil {
			return err
		}
	}
	c, layers, held, err := s.lockAll(ref)
	if err != nil {
		return err
	}
	defer func() { held.release() }()
	data, err := s.lockData()
	held = append(held, data)
	if err != nil {
		return err
	}
	if err := checkDown(c, "clone"); err != nil {
		return err
	}
	if err := checkMountless("clone", c.Label(), c.Root); err != nil {
		return err
	}
	if err := inodeTrap(s.store.Data, layers); err != nil && !o.force {
		return err
	}
	clone, err := s.draftClone(o, c)
	if err != nil {
		return err
	}
	s.signals()
	if err := s.carryOut(s.planClone(c, clone)); err != nil {
		return err
	}
	return s.result(clone.UUID)
}

// checkDown refuses a cage that is not down, or whose upper directory is in use.
func checkDown(c *store.Cage, verb string) error {
	f, err := look(c)
	if err != nil {
		return err
	}
	if f.state != down {
		return withHint(fmt.Errorf("cannot %s %s: it is %s", verb, c.Label(), f.state), "cage-down %s", c.Label())
	}
	if used, err := kernel.UpperInUse(c.Root); err != nil {
		return err
	} else if used {
		return inUse(c, verb)
	}
	return nil
}

// draftClone makes the conf of the copy, which is the cage's but for what one
// cage has alone, and reads it as any conf is read.
func (s *session) draftClone(o cloneOptions, c *store.Cage) (*store.Cage, error) {
	id := store.NewUUID()
	name := o.name
	if name == "" {
		var err error
		if name, err = s.freeName(c.Name, id); err != nil {
			return nil, err
		}
	}
	pairs := [][2]string{{"uuid", id}, {"name", name}}
	if o.hasMemo {
		pairs = append(pairs, [2]string{"memo", conf.Escape(o.memo)})
	}
	if filepath.IsAbs(c.Conf.Get("mountpoint")) {
		s.note("%s is mounted on %s, which two cannot share: its copy on mnt in its own directory", c.Label(), c.Mountpoint)
		pairs = append(pairs, [2]string{"mountpoint", "mnt"})
	}
	file := conf.Parse(c.Conf.Bytes())
	for _, p := range pairs {
		if err := file.Set(p[0], p[1]); err != nil {
			return nil, err
		}
	}
	clone, err := s.store.Entry(id, true).Parse(file.Bytes())
	if err != nil {
		return nil, kernel.Cannot("make", "such a cage", err)
	}
	return clone, nil
}

// freeName returns the first of NAME-2, NAME-3 and so on that no cage has. What
// has no name lends none.
func (s *session) freeName(name, id string) (string, error) {
	if name == "" {
		return "cage-" + id[:8], nil
	}
	all, err := s.store.List()
	if err != nil {
		return "", err
	}
	for n := 2; ; n++ {
		next := name + "-" + strconv.Itoa(n)
		if !slices.ContainsFunc(all, func(e store.Entry) bool { return e.Name() == next }) {
			return next, nil
		}
	}
}

// planClone is the story of copying a cage: under a hidden name first, and to the
// disk before it gets its own.
func (s *session) planClone(c, clone *store.Cage) plan.Plan {
	dir := aside(clone.Dir, "new")
	at := func(path string) string { return filepath.Join(dir, strings.TrimPrefix(path, clone.Dir)) }
	p := plan.Plan{
		&plan.Mkdir{Path: dir, Mode: 0o755},
		&plan.CopyTree{From: c.Root, To: at(clone.Root), Stop: s.signals},
		&plan.Mkdir{Path: at(clone.Work), Mode: 0o700},
		&plan.Mkdir{Path: at(clone.Mountpoint), Mode: 0o755},
	}
	files := []string{"lower"}
	for _, name := range []string{c.Start, c.Stop} {
		if name != "" && !filepath.IsAbs(name) && !slices.Contains(files, name) {
			files = append(files, name)
		}
	}
	for _, name := range files {
		from := filepath.Join(c.Dir, name)
		if info, err := os.Stat(from); err == nil {
			p = append(p, &plan.Copy{From: from, To: filepath.Join(dir, name), Mode: info.Mode().Perm()})
		}
	}
	return append(p,
		&plan.Write{Path: filepath.Join(dir, "cage.conf"), New: true, Data: clone.Conf.Bytes(), Mode: 0o644},
		&plan.SyncFS{Path: dir},
		&plan.Rename{From: dir, To: clone.Dir})
}
