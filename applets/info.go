package applets

import (
	"slices"

	"cage/applets/internal/kernel"
	"cage/applets/internal/store"
	"cage/conf"

	"github.com/urfave/cli/v2"
)

func newInfo(s *session) *cli.App {
	var asJSON bool
	app := newApp(s.name,
		boolFlag("json", "", "print one object, for programs", &asJSON),
		s.quietFlag())
	app.Action = func(c *cli.Context) error {
		ref, err := s.openOne(c)
		if err != nil {
			return err
		}
		return runInfo(s, ref, asJSON)
	}
	return describe(app, "CAGE", `   cage-info web             its files, its mounts, who is inside
   cage-info host            the host's snapshot, and what is not in it
`)
}

// runInfo prints all there is to know of one cage. Of a broken one too: what is
// wrong with it is a part of that, and said on stderr.
func runInfo(s *session, ref string, asJSON bool) error {
	e, err := s.find(ref)
	if err != nil {
		return err
	}
	l := s.read(e, false)
	l.look(s.store.Resolver(), kernel.MountOn, kernel.Below)
	l.measure()
	if l.warning != "" {
		s.warn("%s", l.warning)
	}
	o, err := s.info(l)
	if err != nil {
		return err
	}
	text := jsonText(o) + "\n"
	if !asJSON {
		text = infoText(o)
	}
	if err := s.print(text); err != nil {
		return err
	}
	s.tell(l.err)
	return nil
}

// info puts together what is printed. Each member is there whatever the cage is,
// empty or null where it has no such thing.
func (s *session) info(l *listed) (object, error) {
	c := l.cage
	if c == nil {
		c = &store.Cage{Entry: l.Entry}
	}
	who, err := s.infoProcesses(l, c)
	if err != nil {
		return nil, err
	}
	others, err := s.store.Dependants(l.UUID)
	if err != nil {
		return nil, err
	}
	dependants := make([]object, len(others))
	for i, d := range others {
		dependants[i] = object{{"uuid", d.UUID}, {"name", d.Name}}
	}
	o := object{
		{"name", l.name},
		{"uuid", l.UUID},
		{"state", l.state},
		{"error", reasonOf(l.err)},
		{"writable", l.Writable},
		{"directory", l.Dir},
		{"root", orNull(realRoot(c))},
		{"mountpoint", orNull(c.Mountpoint)},
		{"memo", conf.Unescape(c.Memo)},
		{"start", orNull(c.Start)},
		{"stop", orNull(c.Stop)},
		{"size", l.bytes()},
	}
	return slices.Concat(o, s.infoLayers(l, c), who, object{
		{"mounts", infoMounts(l)},
		{"dependants", dependants},
		{"holes", s.infoHoles(l, c)},
	}), nil
}

// realRoot is the directory that a cage's root really is, as far as can be told.
func realRoot(c *store.Cage) string {
	if c.Writable || c.Root == "" {
		return c.Root
	}
	if dir, err := c.RealRoot(); err == nil {
		return dir
	}
	return c.Root
}

// nameOf returns the name of a cage, or "" where there is none.
func (s *session) nameOf(id string) string {
	e, err := s.store.Get(id)
	if err != nil {
		return ""
	}
	return e.Name()
}

// infoLayers is what the cage stands on: by its conf now, as the kernel has it
// mounted, and when it was last brought up.
func (s *session) infoLayers(l *listed, c *store.Cage) object {
	layers := make([]object, len(l.layers))
	for i, x := range l.layers {
		layers[i] = object{{"uuid", x.Base.UUID}, {"name", x.Base.Name}, {"directory", x.Dir}}
	}
	bases := make([]object, len(c.Base))
	for i, id := range c.Base {
		bases[i] = object{{"uuid", id}, {"name", s.nameOf(id)}}
	}
	mounted := []string{}
	var differs any
	if l.facts.mounted() {
		mounted = kernel.LowerDirs(l.facts.mount)
	}
	if l.facts.mounted() && len(l.layers) > 0 {
		differs = !slices.EqualFunc(mounted, l.layers, sameDir)
	}
	if differs == true {
		s.warn("%s is mounted over other lower directories than its conf says by now", l.cage.Label())
	}
	last := []string{}
	if dirs, err := readLower(c); err == nil && l.Writable {
		last = dirs
	}
	return object{
		{"bases", bases},
		{"layers", layers},
		{"mounted_lower", mounted},
		{"mounted_differs", differs},
		{"last_lower", last},
	}
}
