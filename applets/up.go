package applets

import (
	"fmt"
	"slices"

	"cage/applets/internal/kernel"
	"cage/applets/internal/plan"
	"cage/applets/internal/store"

	"github.com/urfave/cli/v2"
)

type upOptions struct {
	seconds    float64
	rebase     bool
	foreground bool

	throwAway bool // the cage is not to outlive this command
}

func newUp(s *session) *cli.App {
	var o upOptions
	app := s.app(
		&cli.Float64Flag{Name: "time", Aliases: []string{"t"}, DefaultText: "never", Usage: "end a start script after `SECONDS`", Destination: &o.seconds},
		boolFlag("foreground", "", "be the start script's parent and exit as it does", &o.foreground),
		boolFlag("rebase", "", "other lower directories than last time are meant", &o.rebase),
	)
	app.Action = func(c *cli.Context) error {
		if err := checkSeconds(o.seconds); err != nil {
			return err
		}
		if o.foreground && c.NArg() > 1 {
			return usageError("--foreground takes one cage")
		}
		return s.each(c, func(ref string) error { return runUp(s, o, ref) })
	}
	return describe(app, "CAGE...", `   cage-up web               mount it and run its script; prints the mountpoint
   cage-up -n web | less     see the commands that would do it
   cage-up --foreground web  what systemctl start cage@web runs
`)
}

// runUp mounts one cage and, exactly when this call made or completed the mounts,
// runs its start script.
func runUp(s *session, o upOptions, ref string) error {
	c, layers, held, err := s.lockAll(ref)
	if err != nil {
		return err
	}
	defer func() { held.release() }()
	f, err := look(c)
	if err != nil {
		return err
	}
	if f.state == up && !(o.foreground && c.Start != "" && idle(c, f)) {
		return alreadyUp(s, o, c, f)
	}
	if err := checkScript(c, "start", c.Start); err != nil {
		return err
	}
	var p plan.Plan
	if f.state != down {
		own, err := mountsOf(c, f.without)
		if err != nil {
			return err
		}
		p = planComplete(c, slices.Concat(f.missing, own))
	} else {
		needs, err := s.checkUp(o, c, layers)
		if err != nil {
			return err
		}
		if err := inodeTrap(c.Root, layers); err != nil {
			s.warn("%s", err)
		}
		p = planUp(c, layers, needs, o.throwAway)
		if err := sayable(s, p); err != nil {
			return err
		}
	}
	if o.foreground && !s.dryRun {
		s.stop = passedOn()
	}
	if err := s.carryOut(p); err != nil {
		return err
	}
	if err := s.start(o, c, func() { held.release() }); err != nil || o.foreground {
		return err
	}
	return s.result(c.Mountpoint)
}

// sayable refuses to print what mount(8) cannot be told.
func sayable(s *session, p plan.Plan) error {
	for _, step := range p {
		if m, ok := step.(*plan.MountTree); ok && s.dryRun {
			if err := m.Sayable(); err != nil {
				return fmt.Errorf("cannot print the mount of %s: %w", m.Point, err)
			}
		}
	}
	return nil
}

// planUp is the story of bringing a cage up, which may be one to throw away.
func planUp(c *store.Cage, layers []store.Layer, needs upNeeds, throwAway bool) plan.Plan {
	var p plan.Plan
	if needs.mountpoint {
		p = append(p, &plan.Mkdir{Path: c.Mountpoint, Mode: 0o755, Parents: !c.InsideDir()})
	}
	if needs.lower {
		p = append(p, &plan.Write{Path: lowerPath(c), Data: []byte(lowerText(layers)), Mode: 0o644, Volatile: true})
	}
	for _, path := range needs.stale {
		p = append(p, &plan.RemoveFile{Path: path})
	}
	p = append(p, &plan.MountTree{
		Point:  c.Mountpoint,
		Layers: kernel.Layers{Lower: layerDirs(layers), Upper: c.Root, Work: c.Work, Volatile: throwAway},
		Inside: slices.Concat(inside, needs.own),
	})
	if needs.resolv {
		p = append(p, lend(c))
	}
	return p
}

// lend gives the cage the host's resolv.conf where its own is a link to nowhere.
func lend(c *store.Cage) plan.Step {
	return &plan.Lend{From: resolvConf, Root: c.Mountpoint, Link: resolvLink, Binds: bound(c)}
}

// planComplete mounts what a cage lacks that is not down.
func planComplete(c *store.Cage, missing []kernel.FS) plan.Plan {
	var p plan.Plan
	for _, fs := range missing {
		p = append(p, &plan.MountInside{Point: c.Mountpoint, FS: fs})
	}
	if exists(resolvConf) {
		p = append(p, lend(c))
	}
	return p
}
