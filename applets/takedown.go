package applets

import (
	"errors"
	"syscall"
	"time"

	"cage/applets/internal/kernel"
	"cage/applets/internal/store"
)

// freeUpper ends the cage's processes that have it in a mount namespace of their
// own: there the overlay lives on, and its device tells who stands in it. A
// namespace that is just being left may hold it a moment longer.
func (s *session) freeUpper(c *store.Cage, o downOptions, grace time.Duration) error {
	used, err := kernel.UpperInUse(c.Root)
	if err != nil || !used {
		return err
	}
	if dev, ok := kernel.UpperDevice(c.Root); ok {
		if err := kernel.End(kernel.Tree{Dev: dev, Point: c.Mountpoint}, cgroupOf(c), grace, o.also(), s.stop); err != nil {
			return err
		}
	}
	for deadline := time.Now().Add(patience); used; {
		if time.Now().After(deadline) {
			return inUse(c, "finish bringing down")
		}
		time.Sleep(10 * time.Millisecond) // nothing tells when a namespace is gone
		if used, err = kernel.UpperInUse(c.Root); err != nil {
			return err
		}
	}
	return nil
}

const (
	// patience is how long an unmount may be busy with nobody to be found who
	// keeps it so: a process that was killed lets go a little later.
	patience = 2 * time.Second
	// brief is how long one of the host may keep it so, as a cage-up does that is
	// about to copy a start script into the cage.
	brief = patience / 10
)

// takeDown ends the cage's processes and unmounts, again until an unmount
// succeeds or time is up. What counts is the unmount, not what a look at the
// processes found.
func (s *session) takeDown(c *store.Cage, f facts, o downOptions, grace time.Duration) (err error) {
	g := cgroupOf(c)
	var busySince time.Time
	for round := 0; ; round++ {
		if round > 0 {
			if f, err = look(c); err != nil {
				return err
			}
		}
		if f.state == down {
			err := g.Remove()
			if errors.Is(err, syscall.EBUSY) { // a cage-up was about to run the start script in it
				err = errors.Join(kernel.End(kernel.Tree{Point: c.Mountpoint}, g, grace, nil, s.stop), g.Remove())
			}
			return err
		}
		if err := s.end(f, g, grace, o, round == 0); err != nil {
			return err
		}
		p, err := planDown(c, f)
		if err != nil {
			return err
		}
		err = s.carryOut(p)
		switch {
		case err == nil:
			continue // the look says whether something lay beneath
		case !errors.Is(err, syscall.EBUSY):
			return err
		case round == 0:
			continue // now look at every process
		case busySince.IsZero():
			busySince = time.Now()
		}
		waited := time.Since(busySince)
		if err := holders(c, f, o); err != nil && waited > brief {
			return err
		}
		if waited > patience {
			return withHint(err, "cage-down %s", c.Label())
		}
		time.Sleep(10 * time.Millisecond) // nothing tells when a mount stops being busy
	}
}

// end ends the cage's processes. The first time a cgroup with nobody in it is
// proof enough to try an unmount, without a look at every process of the host.
func (s *session) end(f facts, g kernel.Cgroup, grace time.Duration, o downOptions, first bool) error {
	t := f.kernelTree()
	if first {
		populated, err := g.Populated()
		if err == nil && !populated {
			return nil
		}
		if err == nil {
			t = kernel.Tree{Point: t.Point} // the cgroup alone
		}
	}
	return kernel.End(t, g, grace, o.also(), s.stop)
}

// also chooses the holders that --force ends besides the cage's own processes.
func (o downOptions) also() func(kernel.Process) bool {
	if !o.force {
		return nil
	}
	return func(kernel.Process) bool { return true }
}
