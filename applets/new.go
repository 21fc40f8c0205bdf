package applets

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"cage/applets/internal/kernel"
	"cage/applets/internal/plan"
	"cage/applets/internal/store"

	"github.com/urfave/cli/v2"
)

type newOptions struct {
	name, memo, base string
	start, stop      string
	set              words // KEY=VALUE
	ro               string
	force            bool

	hasMemo   bool // an empty memo was asked for, too
	throwAway bool // it is not to outlive this command
}

func newNew(s *session) *cli.App {
	var o newOptions
	app := s.app(
		&cli.StringFlag{Name: "name", Usage: "call it `NAME`", Destination: &o.name},
		&cli.StringFlag{Name: "memo", Usage: "note `TEXT` in its conf", Destination: &o.memo},
		&cli.StringFlag{Name: "base", Usage: "stand on `REF[:REF]`, the first on top (default: host)", Destination: &o.base},
		&cli.StringFlag{Name: "start", Usage: "copy `FILE` as its start script", Destination: &o.start},
		&cli.StringFlag{Name: "stop", Usage: "copy `FILE` as its stop script", Destination: &o.stop},
		&cli.GenericFlag{Name: "set", Usage: "put `KEY=VALUE` into its conf", Value: &o.set},
		&cli.StringFlag{Name: "ro", Usage: "make a base of the directory `DIR`", Destination: &o.ro},
		boolFlag("force", "f", "stand on another subvolume of the same btrfs all the same", &o.force),
	)
	app.Action = func(c *cli.Context) error {
		o.hasMemo = c.IsSet("memo")
		if c.NArg() > 0 && o.name == "" {
			return usageError("unknown operand " + c.Args().First() + "; a name follows --name")
		}
		if err := o.checkSet(); err != nil {
			return err
		}
		if err := s.openAlone(c); err != nil {
			return err
		}
		return runNew(s, o)
	}
	return describe(app, "", `   cage-new --name web                  over the last snapshot of the host
   cage-new --name lab --base tools:host
   cage-new --ro /srv/tree --name tools  a base of a directory
`)
}

// runNew makes a cage, or a base of a directory.
func runNew(s *session, o newOptions) error {
	c, err := s.newCage(o)
	if err != nil {
		return err
	}
	return s.result(c.UUID)
}

// newCage makes a cage, or a base of a directory.
func (s *session) newCage(o newOptions) (*store.Cage, error) {
	if err := checkNew(s, o); err != nil {
		return nil, err
	}
	s.warnOfTwin(o.name)
	c, err := s.draft(o, store.NewUUID())
	if err != nil {
		return nil, err
	}
	layers, warning, held, err := s.lockBases(c)
	if err != nil {
		return nil, err
	}
	defer held.release()
	s.warnOf(warning)
	return c, s.makeCage(o, c, layers)
}

// makeCage carries out the plan for the cage that was drafted.
func (s *session) makeCage(o newOptions, c *store.Cage, layers []store.Layer) error {
	lock, err := s.lockData()
	if err != nil {
		return err
	}
	defer lock.Unlock()
	s.signals()
	var p plan.Plan
	if c.Writable {
		if err := inodeTrap(nearest(s.store.Data), layers); err != nil && !o.force {
			return err
		}
		p = planNew(o, c, baseOf(layers), s.hidden(layers), policyDirs(layers))
	} else {
		dir, err := filepath.EvalSymlinks(o.ro)
		if err != nil {
			return kernel.Cannot("use", o.ro, err)
		}
		if dir, err = filepath.Abs(dir); err != nil {
			return kernel.Cannot("use", o.ro, err)
		}
		p = planBase(c, dir)
	}
	if !exists(s.store.Data) {
		p = append(plan.Plan{&plan.Mkdir{Path: s.store.Data, Mode: 0o700, Parents: true}}, p...)
	}
	return s.carryOut(p)
}

// planNew is the story of making a cage: under a hidden name first.
func planNew(o newOptions, c *store.Cage, base os.FileInfo, hidden, policy []hiddenDir) plan.Plan {
	dir := aside(c.Dir, "new")
	at := func(path string) string { return filepath.Join(dir, strings.TrimPrefix(path, c.Dir)) }
	root := like(at(c.Root), base)
	p := plan.Plan{&plan.Mkdir{Path: dir, Mode: 0o755}}
	if c.InsideDir() {
		p = append(p, &plan.Mkdir{Path: at(c.Mountpoint), Mode: 0o755})
	}
	p = append(p, &plan.Mkdir{Path: at(c.Work), Mode: 0o700}, root)
	for _, name := range []string{"proc", "sys", "dev"} {
		p = append(p, &plan.Mkdir{Path: root.Path + "/" + name, Mode: 0o755})
	}
	p = append(p, &plan.Mkdir{Path: root.Path + "/tmp", Mode: 0o777 | os.ModeSticky})
	made := []string{"proc", "sys", "dev", "tmp"}
	for _, h := range slices.Concat(hidden, policy) {
		if !slices.Contains(made, h.path) {
			made = append(made, h.path)
			p = append(p, like(root.Path+"/"+h.path, h.info))
		}
		if h.opaque {
			p = append(p, &plan.Opaque{Path: root.Path + "/" + h.path})
		}
	}
	if len(policy) > 0 {
		p = append(p, planPolicy(root.Path, o.throwAway))
	}
	for _, script := range []struct{ from, name string }{{o.start, "start"}, {o.stop, "stop"}} {
		if script.from != "" {
			p = append(p, &plan.Copy{From: script.from, To: filepath.Join(dir, script.name), Mode: 0o755})
		}
	}
	return append(p,
		&plan.Write{Path: filepath.Join(dir, "cage.conf"), New: true, Data: c.Conf.Bytes(), Mode: 0o644, Volatile: o.throwAway},
		&plan.Rename{From: dir, To: c.Dir, Volatile: o.throwAway})
}

// planBase is the story of making a base of a directory.
func planBase(c *store.Cage, dir string) plan.Plan {
	return append(prepareBase(c.Dir, filepath.Base(c.Root), dir, c.Conf), &plan.Rename{From: aside(c.Dir, "new"), To: c.Dir})
}
