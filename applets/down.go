package applets

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"cage/applets/internal/kernel"
	"cage/applets/internal/plan"
	"cage/applets/internal/store"

	"github.com/urfave/cli/v2"
)

// graceDefault is how many seconds processes have between TERM and KILL.
const graceDefault = 10

type downOptions struct {
	seconds  float64
	all      bool
	force    bool // end those of the host that hold the cage busy too
	noScript bool // the start script failed: its counterpart has nothing to stop

	only kernel.Mount // unless zero: this overlay is meant, and none that was mounted after it
}

func newDown(s *session) *cli.App {
	o := downOptions{seconds: graceDefault}
	app := s.app(
		&cli.Float64Flag{Name: "time", Aliases: []string{"t"}, DefaultText: strconv.Itoa(graceDefault), Usage: "give `SECONDS` to end before killing", Destination: &o.seconds},
		boolFlag("all", "a", "all that are not down, the last mounted first", &o.all),
		boolFlag("force", "f", "end the host's processes that hold it busy, too", &o.force),
	)
	app.Action = func(c *cli.Context) error {
		if err := checkSeconds(o.seconds); err != nil {
			return err
		}
		if o.all {
			return s.downAll(c, o)
		}
		return s.each(c, func(ref string) error { return runDown(s, o, ref) })
	}
	return describe(app, "CAGE...", `   cage-down web             stop script, TERM, KILL after 10 s, unmount
   cage-down --all           the same for all cages, as at shutdown
   cage-down -t 60 db        give a database a minute to end
`)
}

// checkSeconds refuses a --time that a time.Duration cannot hold.
func checkSeconds(seconds float64) error {
	if !(seconds >= 0 && seconds <= math.MaxInt32) {
		return usageError(fmt.Sprintf("--time takes 0 to %d seconds", math.MaxInt32))
	}
	return nil
}

// runDown stops what runs in a cage and unmounts it.
func runDown(s *session, o downOptions, ref string) error {
	c, err := s.load(ref)
	if err != nil {
		return err
	}
	grace := time.Duration(o.seconds * float64(time.Second))
	if c.Stop != "" && !o.noScript && !o.only.Gone() { // without the lock; what it changed is looked at after
		if f, err := lookDown(c); err != nil {
			return err
		} else if f.state != down {
			if err := s.stopScript(c, grace); err != nil {
				return err
			}
		}
	}
	if !s.dryRun {
		held, err := s.lock(c.Entry)
		if err != nil {
			return err
		}
		defer held.release()
	}
	f, err := lookDown(c)
	switch {
	case err != nil:
		return err
	case f.state == down:
		return s.alreadyDown(c, o, grace)
	case o.only.Gone():
		return nil
	case s.dryRun:
		return s.printDown(c, f, grace, o)
	}
	if err := s.takeDown(c, f, o, grace); err != nil {
		return err
	}
	return s.freeUpper(c, o, grace)
}

// lookDown looks at a cage that is to go down, and refuses where this command
// would end itself.
func lookDown(c *store.Cage) (facts, error) {
	f, err := look(c)
	if err != nil || f.state == down {
		return f, err
	}
	if p, ok := kernel.CallerInside(f.kernelTree(), cgroupOf(c)); ok {
		return f, withHint(fmt.Errorf("cannot bring down %s: this command, or what started it, stands in it (%d %s, %s)", c.Label(), p.PID, p.Comm, p.Path), "cd /")
	}
	return f, nil
}

// alreadyDown says that a cage is down, unless its upper directory lives on in
// another mount: --force ends who keeps it there.
func (s *session) alreadyDown(c *store.Cage, o downOptions, grace time.Duration) error {
	if used, err := kernel.UpperInUse(c.Root); err == nil && used && !s.dryRun {
		if o.force {
			return s.freeUpper(c, o, grace)
		}
		return inUse(c, "finish bringing down")
	}
	s.note("%s is down already", c.Label())
	return nil
}

// stopScript runs the stop script; what goes wrong with it is reported and does
// not keep the cage up. Its error is that a signal came.
func (s *session) stopScript(c *store.Cage, limit time.Duration) error {
	if limit == 0 {
		s.warn("%s has no time for its stop script", c.Label())
		return nil
	}
	err := checkScript(c, "stop", c.Stop)
	if err == nil {
		err = s.runScript(c, "stop", c.Stop, limit)
	}
	if errors.Is(err, kernel.ErrInterrupted) {
		return err
	}
	s.tell(err)
	return nil
}

// printDown prints what a down would do with things as they are now.
func (s *session) printDown(c *store.Cage, f facts, grace time.Duration, o downOptions) error {
	pids, err := kernel.Members(f.kernelTree(), cgroupOf(c), o.also())
	if err != nil {
		return err
	}
	if len(pids) > 0 {
		fmt.Fprintln(s.stdout, plan.KillCommands(pids, grace))
	}
	p, err := planDown(c, f)
	if err != nil {
		return err
	}
	return s.carryOut(p)
}

// planDown is the story of unmounting a cage: what it was lent is taken back,
// then every mount below the mountpoint goes, the last first, and none that
// would take one of the host's along.
func planDown(c *store.Cage, f facts) (plan.Plan, error) {
	var p plan.Plan
	if lent, ok := kernel.FindLent(c.Mountpoint, resolvLink, bound(c)); ok {
		p = append(p, &plan.TakeBack{Root: c.Mountpoint, Lent: lent})
	}
	peers, err := kernel.PeersOutside(f.tree)
	if err != nil {
		return nil, err
	}
	if len(peers) > 0 {
		// the whole tree, for a path names only the topmost of stacked mounts
		p = append(p, &plan.MakeSlave{Point: c.Mountpoint})
	}
	for _, m := range f.tree {
		p = append(p, &plan.Unmount{Point: m.Point})
	}
	return p, nil
}
