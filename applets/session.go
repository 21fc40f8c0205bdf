package applets

import (
	"errors"
	"fmt"
	"io"
	"os"

	"cage/applets/internal/kernel"
	"cage/applets/internal/plan"
	"cage/applets/internal/store"

	"github.com/urfave/cli/v2"
)

// session is one run of an applet: its common options, its store, its output.
type session struct {
	name           string // cage-up
	stdout, stderr io.Writer

	dryRun, verbose, quiet bool

	store *store.Store
	stop  chan os.Signal

	listening <-chan struct{} // unless nil: closed once signals arrive on stop
}

// app returns the App of the session's applet with the flags that all share.
func (s *session) app(flags ...cli.Flag) *cli.App {
	return newApp(s.name, append(flags,
		boolFlag("dry-run", "n", "print the commands for one cage, change nothing", &s.dryRun),
		s.verboseFlag(), s.quietFlag())...)
}

func (s *session) verboseFlag() cli.Flag {
	return boolFlag("verbose", "v", "print each command while doing it", &s.verbose)
}

func (s *session) quietFlag() cli.Flag {
	return boolFlag("quiet", "q", "print no notes and warnings", &s.quiet)
}

// describe adds what stands below the flags in the help: exit status and examples.
func describe(app *cli.App, operands, examples string) *cli.App {
	return describeStatus(app, operands, "0 done, 1 failed or refused", examples)
}

// describeStatus is describe for an applet with an exit status of its own.
func describeStatus(app *cli.App, operands, status, examples string) *cli.App {
	app.ArgsUsage = operands
	app.CustomAppHelpTemplate = helpTemplate + "EXIT STATUS:\n   " + status + ", 2 usage\n\nEXAMPLES:\n" + examples
	return app
}

const helpTemplate = `{{.Name}} - {{.Usage}}

USAGE:
   {{.Name}} [OPTION...]{{if .ArgsUsage}} {{.ArgsUsage}}{{end}}

OPTIONS:
{{range .VisibleFlags}}   {{.}}
{{end}}
`

// open prepares the session for work: root rights and the store.
func (s *session) open() error {
	if os.Geteuid() != 0 {
		return withHint(errors.New("cannot go on: you are not root"), "sudo %s", s.name)
	}
	var err error
	s.store, err = store.Open(os.Getenv("CAGE_CONF"))
	return err
}

// openAlone is open for an applet that takes no operand.
func (s *session) openAlone(c *cli.Context) error {
	if c.NArg() > 0 {
		return usageError("unknown operand " + c.Args().First())
	}
	return s.open()
}

// openOne is open for an applet that takes one cage, which it returns.
func (s *session) openOne(c *cli.Context) (ref string, err error) {
	switch c.NArg() {
	case 0:
		return "", usageError("which cage?")
	case 1:
		return c.Args().First(), s.open()
	}
	return "", usageError("unknown operand " + c.Args().Get(1))
}

// note tells what one may like to know.
func (s *session) note(format string, args ...any) {
	if !s.quiet {
		fmt.Fprintf(s.stderr, "%s: %s\n", s.name, oneLine(fmt.Sprintf(format, args...)))
	}
}

// warn tells what one should know.
func (s *session) warn(format string, args ...any) { s.note("warning: "+format, args...) }

// carryOut prints the plan under --dry-run, else does it.
func (s *session) carryOut(p plan.Plan) error {
	if s.dryRun {
		return p.Print(s.stdout)
	}
	var trace func(plan.Step)
	if s.verbose {
		trace = func(step plan.Step) { fmt.Fprintln(s.stderr, step) }
	}
	return p.Run(trace, s.stop)
}

// result prints the one line that a command gives back.
func (s *session) result(line string) error {
	if s.dryRun {
		return nil
	}
	return s.print(line + "\n")
}

// print prints what a command finds.
func (s *session) print(text string) error {
	if _, err := io.WriteString(s.stdout, text); err != nil {
		return fmt.Errorf("cannot write the result: %w", err)
	}
	return nil
}

// each does f for every operand, goes on after one that fails but for a signal,
// and returns what failed. Errors are told as they come, so that they stand among the notes.
func (s *session) each(c *cli.Context, f func(ref string) error) error {
	refs := c.Args().Slice()
	if len(refs) == 0 {
		return usageError("which cage?")
	}
	if s.dryRun && len(refs) > 1 {
		return usageError("--dry-run takes one cage")
	}
	if err := s.open(); err != nil {
		return err
	}
	return s.inTurn(refs, f)
}

// inTurn is each for cages that are known.
func (s *session) inTurn(refs []string, f func(ref string) error) error {
	var failed error
	for _, ref := range refs {
		if err := f(ref); err != nil {
			failed = exitStatus(s.tell(err))
			if errors.Is(err, kernel.ErrInterrupted) {
				break
			}
		}
	}
	return failed
}

// find returns the cage that ref names, with a hint where there is none.
func (s *session) find(ref string) (store.Entry, error) {
	e, err := s.store.Find(ref)
	switch {
	case errors.Is(err, store.ErrAmbiguous):
		return e, withHint(err, "cage-ls, and take the uuid, or enough digits of it")
	case !errors.Is(err, store.ErrNotFound):
		return e, err
	case ref == "host" || ref == store.HostUUID:
		return e, withHint(err, "cage-snapshot")
	}
	if _, e := os.Stat(s.store.Data); e != nil {
		return store.Entry{}, withHint(fmt.Errorf("cannot find %s: the data directory %s is not there", ref, s.store.Data), "cage-snapshot")
	}
	return e, withHint(err, "cage-ls")
}

// load finds and reads the cage that ref names; it must be one that can be up.
func (s *session) load(ref string) (*store.Cage, error) {
	e, err := s.find(ref)
	if err != nil {
		return nil, err
	}
	c, err := e.Load()
	if err != nil {
		return nil, err
	}
	if !c.Writable {
		return nil, withHint(fmt.Errorf("cannot use %s: it is read-only, a base", ref), "cage-new --base %s", ref)
	}
	return c, nil
}
