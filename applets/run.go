package applets

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"cage/applets/internal/kernel"
	"cage/applets/internal/store"

	"github.com/urfave/cli/v2"
)

type runOptions struct {
	newOptions
	enterOptions
}

func newRun(s *session) *cli.App {
	var o runOptions
	first := []cli.Flag{
		boolFlag("rm", "", "throw the cage away when the command has ended", &o.throwAway),
		&cli.StringFlag{Name: "name", Usage: "call the cage `NAME`", Destination: &o.name},
		&cli.StringFlag{Name: "base", Usage: "stand on `REF[:REF]`, the first on top (default: host)", Destination: &o.base},
		&cli.GenericFlag{Name: "set", Usage: "put `KEY=VALUE` into its conf, such as bind=DIR", Value: &o.set},
	}
	app := newApp(s.name, slices.Concat(first, o.flags(), []cli.Flag{s.verboseFlag(), s.quietFlag()})...)
	app.Action = func(c *cli.Context) error {
		if err := o.check(); err != nil {
			return err
		}
		if err := o.checkSet(); err != nil {
			return err
		}
		status, err := runRun(s, o, c.Args().Slice())
		s.tell(err)
		return exitStatus(status)
	}
	return describeStatus(app, "[COMMAND [ARG...]]", commandStatus, `   cage-run --rm apt-get -y upgrade   try an upgrade of this machine, on a copy
   cage-run --name web nginx          a command in a new cage that stays
   cage-run --rm                      a shell in a copy that is gone after it
`)
}

// runRun makes a cage, brings it up and runs a command in it. One that is to be
// thrown away goes however the command, or what comes before it, ends.
func runRun(s *session, o runOptions, command []string) (status int, err error) {
	if err := s.open(); err != nil {
		return exitCage, err
	}
	stay := o.throwAway || o.tty
	if stay {
		s.answer(o.tty)
	}
	c, err := s.newCage(o.newOptions)
	if err != nil {
		return exitCage, err
	}
	if o.throwAway {
		defer func() {
			if e := s.throwAway(c); e != nil {
				status, err = exitCage, errors.Join(err, e)
			}
		}()
		// Until this process ends it tells cage-check that the cage will be taken away.
		if _, err := kernel.LockDir(c.Work, false); err != nil {
			return exitCage, err
		}
	} else {
		s.note("the cage is %s", c.Label())
	}
	if err := s.upFirst(c, o.throwAway); err != nil {
		if !o.throwAway {
			err = withHint(err, "cage-rm %s", c.Label())
		}
		return exitCage, err
	}
	return s.enter(c, o.enterOptions, command, stay)
}

// throwAway ends what runs in a cage, at once, and removes it; no signal stops that.
func (s *session) throwAway(c *store.Cage) error {
	s.stop = nil
	held, err := s.lock(c.Entry)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // somebody else has removed it
	}
	if err != nil {
		return err
	}
	defer held.release()
	f, err := look(c)
	if err != nil {
		return err
	}
	if err := s.takeDown(c, f, downOptions{}, 0); err != nil {
		return err
	}
	if err := s.freeUpper(c, downOptions{}, 0); err != nil {
		return err
	}
	if err := checkMountless("remove", c.Label(), c.Dir); err != nil {
		return err
	}
	return s.remove(c.Entry)
}

// errCut says that a cage to be thrown away was not.
var errCut = errors.New("it was one to throw away, cut short: what its files hold was never synced")

// checkCut refuses a cage that a throw-away mount has left its mark on (overlayfs,
// "volatile"): the kernel will not mount it.
func checkCut(c *store.Cage) error {
	mark := filepath.Join(c.Work, "work/incompat")
	if !lexists(mark + "/volatile") {
		return nil
	}
	return withHint(fmt.Errorf("cannot bring up %s: %w", c.Label(), errCut), "cage-rm %s, or to use it all the same: rm -r %s", c.Label(), mark)
}
