package applets

import (
	"fmt"
	"io"
	"slices"

	"cage/applets/internal/store"

	"github.com/urfave/cli/v2"
)

type execOptions struct {
	enterOptions
	up bool
}

func newExec(s *session) *cli.App {
	var o execOptions
	first := []cli.Flag{boolFlag("up", "U", "bring the cage up first, where it is not", &o.up)}
	app := newApp(s.name, slices.Concat(first, o.flags(), []cli.Flag{s.quietFlag()})...)
	app.Action = func(c *cli.Context) error {
		if c.NArg() == 0 {
			return usageError("which cage?")
		}
		if err := o.check(); err != nil {
			return err
		}
		command := c.Args().Tail()
		if len(command) > 0 && command[0] == "--" {
			command = command[1:]
		}
		status, err := runExec(s, o, c.Args().First(), command)
		s.tell(err)
		return exitStatus(status)
	}
	return describeStatus(app, "CAGE [COMMAND [ARG...]]", commandStatus, `   cage-exec web                 a shell inside, as one logs in there
   cage-exec web apt-get update  one command; its exit status is cage-exec's
   cage-exec -U -u www-data -w /srv web ./serve
`)
}

// commandStatus is the exit status, for the help, of what runs a command.
const commandStatus = "the command's own; 125 cage failed, 126 cannot run, 127 not found"

// runExec runs the command inside the cage, as a rule by becoming it: then it
// returns only where that fails.
func runExec(s *session, o execOptions, ref string, command []string) (int, error) {
	if err := s.open(); err != nil {
		return exitCage, err
	}
	c, err := s.load(ref)
	if err != nil {
		return exitCage, err
	}
	f, err := look(c)
	if err == nil && f.state != up && o.up {
		if err = s.upFirst(c, false); err == nil {
			f, err = look(c)
		}
	}
	if err != nil {
		return exitCage, err
	}
	if f.state != up {
		return exitCage, withHint(fmt.Errorf("cannot enter %s: it is %s", c.Label(), f.state), "cage-up %s", c.Label())
	}
	return s.enter(c, o.enterOptions, command, o.tty)
}

// upFirst brings a cage up as cage-up does; standard output is the command's alone.
func (s *session) upFirst(c *store.Cage, throwAway bool) error {
	quiet := *s
	quiet.stdout = io.Discard
	return runUp(&quiet, upOptions{throwAway: throwAway}, c.UUID)
}
