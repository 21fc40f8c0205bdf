package applets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
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
		p = planComplete(c, f)
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

// upNeeds is what cage-up found missing.
type upNeeds struct {
	mountpoint bool // to be made
	lower      bool // to be written
	resolv     bool // the host has a resolv.conf to lend

	stale []string // pid files to be removed
}

// checkUp refuses what must not be mounted.
func (s *session) checkUp(o upOptions, c *store.Cage, layers []store.Layer) (needs upNeeds, err error) {
	for _, dir := range []struct{ key, path string }{{"root", c.Root}, {"work", c.Work}} {
		if info, err := os.Lstat(dir.path); err != nil {
			return needs, kernel.Cannot("use "+dir.key, dir.path, err)
		} else if !info.IsDir() {
			return needs, fmt.Errorf("cannot use %s %s: it is not a directory", dir.key, dir.path)
		}
	}
	entries, err := os.ReadDir(c.Mountpoint)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		needs.mountpoint = true
	case err != nil:
		return needs, kernel.Cannot("use the mountpoint", c.Mountpoint, err)
	case len(entries) > 0:
		return needs, fmt.Errorf("cannot use the mountpoint %s: it is not empty (%s)", c.Mountpoint, entries[0].Name())
	}
	if used, err := kernel.UpperInUse(c.Root); err != nil {
		return needs, err
	} else if used {
		return needs, inUse(c, "bring up")
	}
	if needs.lower, err = s.checkLower(o, c, layers); err != nil {
		return needs, err
	}
	needs.resolv = exists(resolvConf)
	if lexists(c.Root + "/run") {
		needs.stale = kernel.PIDFiles(c.Root, "run") // nobody is inside
	}
	return needs, nil
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
		Inside: inside,
	})
	if needs.resolv {
		p = append(p, lend(c))
	}
	return p
}

// lend gives the cage the host's resolv.conf where its own is a link to nowhere.
func lend(c *store.Cage) plan.Step {
	return &plan.Lend{From: resolvConf, Root: c.Mountpoint, Link: resolvLink}
}

// planComplete mounts what a half cage lacks.
func planComplete(c *store.Cage, f facts) plan.Plan {
	var p plan.Plan
	for _, fs := range f.missing {
		p = append(p, &plan.MountInside{Point: c.Mountpoint, FS: fs})
	}
	if exists(resolvConf) {
		p = append(p, lend(c))
	}
	return p
}
