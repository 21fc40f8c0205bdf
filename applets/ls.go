package applets

import (
	"strings"

	"cage/applets/internal/kernel"

	"github.com/urfave/cli/v2"
)

type lsOptions struct {
	size, tree, dot, json bool
	filter                words // KEY=VALUE
}

func newLs(s *session) *cli.App {
	var o lsOptions
	app := newApp(s.name,
		boolFlag("size", "s", "add what the upper directory takes on the disk", &o.size),
		boolFlag("tree", "t", "draw which cage stands on which", &o.tree),
		boolFlag("dot", "", "the same for graphviz", &o.dot),
		boolFlag("json", "", "print one array, for programs", &o.json),
		&cli.GenericFlag{Name: "filter", Usage: "only with `KEY=VALUE`: name, uuid, state or one of the conf", Value: &o.filter},
		boolFlag("quiet", "q", "print the uuids alone", &s.quiet))
	app.Action = func(c *cli.Context) error {
		filters, err := o.check(s.quiet)
		if err != nil {
			return err
		}
		if err := s.openAlone(c); err != nil {
			return err
		}
		return runLs(s, o, filters)
	}
	return describe(app, "", `   cage-ls                   a cage a line
   cage-ls -q --filter state=up --filter base=tools
   cage-ls -t                who stands on whom
`)
}

// check refuses options that contradict each other.
func (o lsOptions) check(quiet bool) ([]filter, error) {
	var shapes []string
	for _, f := range []struct {
		name  string
		given bool
	}{{"--quiet", quiet}, {"--tree", o.tree}, {"--dot", o.dot}, {"--json", o.json}} {
		if f.given {
			shapes = append(shapes, f.name)
		}
	}
	if len(shapes) > 1 {
		return nil, usageError(shapes[0] + " and " + shapes[1] + " are two ways to print")
	}
	if o.size && len(shapes) > 0 && !o.json {
		return nil, usageError(shapes[0] + " has no place for --size")
	}
	return parseFilters(o.filter)
}

// runLs lists the cages. One that cannot be read is listed as broken, and what is
// wrong with it is said after.
func runLs(s *session, o lsOptions, filters []filter) error {
	list, err := s.survey(o, filters)
	if err != nil {
		return err
	}
	switch {
	case s.quiet:
		var b strings.Builder
		for _, l := range list.cages {
			b.WriteString(l.UUID + "\n")
		}
		return s.print(b.String())
	case o.json:
		err = s.print(jsonText(lsJSON(list.cages, o.size)) + "\n")
	case o.tree:
		err = s.print(drawTree(list, linesOf()))
	case o.dot:
		err = s.print(dot(list))
	default:
		err = s.print(lsTable(list, o.size, s.width()))
	}
	for _, l := range list.cages {
		s.tell(l.err)
	}
	return err
}

// survey finds out what the options ask for, of the cages that pass the filters,
// and no more.
func (s *session) survey(o lsOptions, filters []filter) (listing, error) {
	list, err := s.census()
	if err != nil {
		return list, err
	}
	list.sieve(filters, false)
	if s.quiet && !asksState(filters) {
		return list, nil
	}
	if err := s.lookAll(list.cages); err != nil {
		return list, err
	}
	list.sieve(filters, true)
	if s.quiet || o.tree || o.dot {
		return list, nil
	}
	if err := countAll(list.cages); err != nil {
		return list, err
	}
	if o.size {
		for _, l := range list.cages {
			l.measure()
		}
	}
	return list, nil
}

// measure finds the size of the upper directory.
func (l *listed) measure() {
	if l.cage == nil || !l.Writable {
		return
	}
	size, err := kernel.DiskUsage(l.cage.Root)
	if err == nil {
		l.size = &size
	} else if l.err == nil {
		l.err = err
	}
}
