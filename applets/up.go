package applets

import (
	"errors"
	"slices"
	"time"

	"cage/applets/internal/kernel"
	"cage/applets/internal/plan"
	"cage/applets/internal/store"

	"github.com/urfave/cli/v2"
)

type upOptions struct {
	seconds float64
	rebase  bool
}

func newUp(s *session) *cli.App {
	var o upOptions
	app := s.app(
		&cli.Float64Flag{Name: "time", Aliases: []string{"t"}, DefaultText: "never", Usage: "end the start script, and with it the cage, after `SECONDS`", Destination: &o.seconds},
		boolFlag("rebase", "", "stand on other lower directories than last time, and mean it", &o.rebase),
	)
	app.Action = func(c *cli.Context) error {
		if err := checkSeconds(o.seconds); err != nil {
			return err
		}
		return s.each(c, func(ref string) error { return runUp(s, o, ref) })
	}
	return describe(app, "CAGE...", `   cage-up web               mount it and run its start script; prints the mountpoint
   cage-up -n web | less     see the commands that would do it
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
	if f.state == up {
		return alreadyUp(s, c, f)
	}
	if err := checkScript(c, "start", c.Start); err != nil {
		return err
	}
	var p plan.Plan
	if f.state == half {
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
		p = planUp(c, layers, needs)
		if err := sayable(s, p); err != nil {
			return err
		}
	}
	if err := s.carryOut(p); err != nil {
		return err
	}
	if err := s.start(o, c, func() { held.release() }); err != nil {
		return err
	}
	return s.result(c.Mountpoint)
}

// start puts the cage's cgroup in place and runs its start script, without the
// lock; where that fails the cage is taken down again.
func (s *session) start(o upOptions, c *store.Cage, release func()) error {
	if !s.dryRun {
		// For cage-down, which then need not look at every process of the host;
		// where there can be none, it does.
		_ = cgroupOf(c).Ensure()
	}
	if c.Start == "" {
		return nil
	}
	release()
	limit := time.Duration(o.seconds * float64(time.Second))
	err := s.runScript(c, "start", c.Start, limit)
	if err == nil {
		return nil
	}
	return errors.Join(err, runDown(s, downOptions{seconds: graceDefault, noScript: true}, c.UUID))
}

// alreadyUp says that a cage is up, and whether it does nothing.
func alreadyUp(s *session, c *store.Cage, f facts) error {
	s.note("%s is up already", c.Label())
	for _, m := range f.without {
		s.note("it is without %s=%s, which is mounted when it is next brought up", m.Line.Key, m.Line.Value)
	}
	if c.Start != "" {
		if busy, err := anybodyInside(c, f); err == nil && !busy {
			s.note("nothing runs inside; its start script runs when it is next brought up")
		}
	}
	if s.dryRun {
		return nil
	}
	return s.result(c.Mountpoint)
}

// planUp is the story of bringing a cage up.
func planUp(c *store.Cage, layers []store.Layer, needs upNeeds) plan.Plan {
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
	lower := make([]string, len(layers))
	for i, l := range layers {
		lower[i] = l.Dir
	}
	p = append(p, &plan.MountTree{
		Point:  c.Mountpoint,
		Layers: kernel.Layers{Lower: lower, Upper: c.Root, Work: c.Work},
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

// planComplete mounts what a half cage lacks.
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
