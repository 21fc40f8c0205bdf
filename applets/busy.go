package applets

import (
	"fmt"
	"path/filepath"
	"strings"

	"cage/applets/internal/kernel"
	"cage/applets/internal/store"
)

// inUse is the refusal of an upper directory that some overlay has.
func inUse(c *store.Cage, verb string) error {
	err := fmt.Errorf("cannot %s %s: its %s is in use by another mount", verb, c.Label(), c.Root)
	if who := kernel.UpperHolders(c.Root); len(who) > 0 {
		return fmt.Errorf("%w: %s", err, strings.Join(who, ", "))
	}
	return withHint(err, "grep -l %s /proc/[0-9]*/mountinfo", filepath.Base(c.Dir))
}

// holders returns an error that names what keeps the cage busy and is not its own
// to end: processes of the host, unless --force ends them, loop devices, mounts.
func holders(c *store.Cage, f facts, o downOptions) error {
	t := f.kernelTree()
	list, err := kernel.Holders(t)
	if err != nil {
		return err
	}
	var names []string
	for _, p := range list {
		if p.How == "root" || o.force {
			return nil // the next round ends it
		}
		names = append(names, fmt.Sprintf("%d %s (%s %s)", p.PID, p.Comm, p.How, p.Path))
	}
	if len(names) > 0 {
		return withHint(fmt.Errorf("cannot bring down %s: it is held busy by %s", c.Label(), strings.Join(names, ", ")), "cage-down -f %s", c.Label())
	}
	if others := kernel.OtherHolders(t); len(others) > 0 {
		return fmt.Errorf("cannot bring down %s: it is held busy by %s", c.Label(), strings.Join(others, ", "))
	}
	return nil
}

// anybodyInside tells whether a process of the cage is alive.
func anybodyInside(c *store.Cage, f facts) (bool, error) {
	if populated, err := cgroupOf(c).Populated(); err == nil && populated {
		return true, nil
	}
	list, err := kernel.Inside(f.kernelTree())
	return len(list) > 0, err
}
