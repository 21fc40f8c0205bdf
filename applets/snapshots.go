package applets

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"cage/applets/internal/kernel"
	"cage/applets/internal/store"
)

// stampLayout is the layout of a snapshot's stamp, which its name has before .ss.
const stampLayout = "20060102150405"

// snapshot is one of the snapshots of the host, and who would miss it.
type snapshot struct {
	stamp, path string

	host   bool          // the host's cage stands on it
	cages  []*store.Cage // who else does, but for the pins
	mounts []string      // what shows it and is no cage's, in words
	pins   []*store.Cage // the bases that cage-snapshot made of it and nobody stands on
}

// note returns the path of the text beside the snapshot.
func (x *snapshot) note() string { return strings.TrimSuffix(x.path, ".ss") + ".txt" }

// users names who stands on the snapshot.
func (x *snapshot) users() []string {
	var names []string
	if x.host {
		names = append(names, "host")
	}
	for _, c := range x.cages {
		names = append(names, c.Label())
	}
	return append(names, x.mounts...)
}

// snapshots returns the snapshots of the host, the newest last, with who stands
// on each: by the confs, by the records of what the cages last stood on, by the
// mount tables. A snapshot is a subvolume, which has a device of its own, so no
// path needs to be compared.
func (s *session) snapshots() ([]*snapshot, error) {
	entries, err := listIfThere(s.store.Snapshots)
	if err != nil {
		return nil, err
	}
	var all []*snapshot
	byDev := map[uint64]*snapshot{}
	for _, e := range entries {
		path := filepath.Join(s.store.Snapshots, e.Name())
		stamp, ok := strings.CutSuffix(e.Name(), ".ss")
		if _, err := time.Parse(stampLayout, stamp); !ok || err != nil || len(stamp) != len(stampLayout) || !e.IsDir() {
			continue
		}
		if _, ok, err := kernel.Subvolume(path); err != nil || !ok {
			continue
		}
		x := &snapshot{stamp: stamp, path: path}
		if dev, ok := kernel.Device(path); ok {
			byDev[dev] = x
		}
		all = append(all, x)
	}
	grounds, err := s.store.Grounds()
	if err != nil {
		return nil, err
	}
	based := map[string]bool{} // uuids that somebody names as a base
	for _, g := range grounds {
		for _, id := range g.Cage.Base {
			based[id] = true
		}
	}
	for _, g := range grounds {
		stand(g, byDev, based[g.Cage.UUID])
	}
	for _, m := range kernel.Standings() {
		if x := byDev[m.Dev]; x != nil {
			x.addMount(m, s.store.Data, grounds)
		}
	}
	return all, nil
}

// stand adds a cage to the snapshots that it stands on. based tells that it is a base of another.
func stand(g store.Ground, byDev map[uint64]*snapshot, based bool) {
	c, dirs := g.Cage, g.Dirs
	if c.Writable {
		if last, err := readLower(c); err == nil {
			dirs = slices.Concat(dirs, last)
		}
	}
	for i, dir := range dirs {
		dev, ok := kernel.Device(dir)
		x := byDev[dev]
		switch {
		case !ok || x == nil:
		case c.UUID == store.HostUUID:
			x.host = true
		case i == 0 && dir == x.path && isPin(c, x):
			// Who stands on it is there with a name of its own.
			if !based {
				x.pins = append(x.pins, c)
			}
		case !slices.Contains(x.cages, c):
			x.cages = append(x.cages, c)
		}
	}
}

// isPin tells whether a base is what cage-snapshot makes of a snapshot that the
// host's cage moves on from: its old name, a conf and a link. One of another name
// somebody made for a purpose.
func isPin(c *store.Cage, x *snapshot) bool {
	_, err := linkOnly(c)
	return !c.Writable && c.Name == "host_"+x.stamp && err == nil
}

// addMount adds a mount to those that show the snapshot, under the name of the cage that it is of.
func (x *snapshot) addMount(m kernel.Standing, data string, grounds []store.Ground) {
	for _, g := range grounds {
		if g.Cage.Writable && filepath.Dir(m.Upper) == filepath.Join(data, filepath.Base(g.Cage.Dir)) {
			if !slices.Contains(x.cages, g.Cage) {
				x.cages = append(x.cages, g.Cage)
			}
			return
		}
	}
	if !slices.Contains(x.mounts, m.Where) {
		x.mounts = append(x.mounts, m.Where)
	}
}

// listSnapshots prints a snapshot a line, the newest last.
func listSnapshots(s *session) error {
	all, err := s.snapshots()
	if err != nil {
		return err
	}
	if s.quiet {
		var b strings.Builder
		for _, x := range all {
			b.WriteString(x.stamp + "\n")
		}
		return s.print(b.String())
	}
	rows := [][]string{{"STAMP", "NOTE", "CAGES"}}
	for _, x := range all {
		text, _ := os.ReadFile(x.note()) // who makes a snapshot by hand may write none
		note, _, _ := strings.Cut(string(text), "\n")
		rows = append(rows, []string{x.stamp, oneLine(note), oneLine(strings.Join(x.users(), ", "))})
	}
	return s.print(columns(rows, 0))
}
