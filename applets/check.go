package applets

import (
	"fmt"
	"slices"

	"cage/applets/internal/kernel"
	"cage/applets/internal/plan"

	"github.com/urfave/cli/v2"
)

// What is said of a directory or a snapshot that was not finished, or not quite removed.
const (
	halfMade    = "half made"
	halfRemoved = "half removed"
)

// finding is one thing that is not as it should be.
type finding struct {
	where, what string
	repair      string    // the command to type, or ""
	mend        plan.Plan // what --repair does; it loses nothing. nil: nothing
}

func newCheck(s *session) *cli.App {
	var repair bool
	app := newApp(s.name,
		boolFlag("repair", "", "do what repairs without losing anything", &repair),
		s.quietFlag())
	app.Action = func(c *cli.Context) error {
		if err := s.openAlone(c); err != nil {
			return err
		}
		return runCheck(s, repair)
	}
	return describeStatus(app, "", "0 clean or repaired, 1 something was found", `   cage-check                a finding a line: where, what, what repairs it
   cage-check --repair       finish what was interrupted
`)
}

// runCheck looks at everything and changes nothing unless told.
func runCheck(s *session, repair bool) error {
	if repair {
		// Nobody makes a cage or a snapshot meanwhile, so what is half made is nobody's.
		lock, err := kernel.LockDir(s.store.Data, true)
		if err == nil {
			defer lock.Unlock()
		}
	}
	var all []finding
	for _, check := range []func() ([]finding, error){s.checkLeftovers, s.checkSnapshots, s.checkCages, s.checkCgroups, s.checkMounts} {
		found, err := check()
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	if !repair {
		all = slices.DeleteFunc(all, s.underWay)
	}
	var left error
	for _, f := range all {
		line := f.where + ": " + f.what
		switch {
		case f.mend != nil && repair:
			if err := s.carryOut(f.mend); err != nil {
				s.tell(err)
				left = exitStatus(exitFailed)
				continue
			}
			line += ": repaired"
		default:
			left = exitStatus(exitFailed)
			if f.mend != nil {
				f.repair = "cage-check --repair"
			}
			if f.repair != "" {
				line += ": " + f.repair
			}
		}
		fmt.Fprintln(s.stdout, oneLine(line))
	}
	return left
}

// underWay tells whether somebody may be at work on what was found half made or half
// removed, or has finished since. Who makes something, or deletes a snapshot, holds
// the data directory's lock for as long as that has a hidden name, so the order matters.
func (s *session) underWay(f finding) bool {
	return (f.what == halfMade || f.what == halfRemoved) && (kernel.Locked(s.store.Data) || !lexists(f.where))
}
