package applets

import (
	"fmt"
	"text/tabwriter"

	"cage/applets/internal/store"

	"github.com/urfave/cli/v2"
)

func newLs(s *session) *cli.App {
	app := newApp(s.name, "")
	app.Flags = []cli.Flag{s.quietFlag("print the uuids alone")}
	app.Action = func(c *cli.Context) error {
		if err := s.openAlone(c); err != nil {
			return err
		}
		return runLs(s)
	}
	return describe(app, "", `   cage-ls                   a cage a line: name, uuid, state
   cage-ls -q                the uuids, for scripts
`)
}

// runLs lists all cages.
func runLs(s *session) error {
	all, err := s.store.List()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(s.stdout, 0, 8, 2, ' ', 0)
	if !s.quiet {
		fmt.Fprintln(w, "NAME\tUUID\tSTATE")
	}
	for _, e := range all {
		if s.quiet {
			fmt.Fprintln(w, e.UUID)
			continue
		}
		state, problem := s.stateOf(e)
		fmt.Fprintf(w, "%s\t%s\t%s\n", oneLine(e.Name()), e.UUID, state)
		if problem != nil {
			defer s.tell(problem)
		}
	}
	return w.Flush()
}

// stateOf returns the word for a cage's state, `base` for what is never up, and
// for a broken one what is wrong.
func (s *session) stateOf(e store.Entry) (string, error) {
	c, err := e.Load()
	if err == nil {
		_, _, err = s.store.Layers(c)
	}
	if err != nil {
		return "broken", err
	}
	if !e.Writable {
		return "base", nil
	}
	f, err := look(c)
	if err != nil {
		return "broken", err
	}
	return string(f.state), nil
}
