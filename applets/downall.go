package applets

import (
	"slices"

	"cage/applets/internal/kernel"
	"cage/applets/internal/store"

	"github.com/urfave/cli/v2"
)

// downAll takes down every cage that is not down.
func (s *session) downAll(c *cli.Context, o downOptions) error {
	if s.dryRun {
		return usageError("--dry-run takes one cage")
	}
	if err := s.openAlone(c); err != nil {
		return err
	}
	all, err := s.store.List()
	if err != nil {
		return err
	}
	mounted, failed := s.notDown(all)
	if err := s.inTurn(mounted, func(uuid string) error { return runDown(s, o, uuid) }); err != nil {
		return err
	}
	return failed
}

// notDown returns the uuids of the cages that are not down, the one mounted last
// first: it may need what was there before it. One that cannot be looked at, with
// something mounted in it, is nobody's to take down, and an error.
func (s *session) notDown(all []store.Entry) (uuids []string, failed error) {
	table, _ := kernel.Mounts() // in the order of mounting
	place := map[string]int{}
	for _, e := range all {
		if !e.Writable {
			continue
		}
		c, err := e.Load()
		var f facts
		if err == nil {
			f, err = look(c)
		} else if mounts, _ := kernel.Under(e.Dir); len(mounts) == 0 {
			continue
		}
		if err != nil {
			failed = exitStatus(s.tell(err))
		} else if f.state != down {
			uuids = append(uuids, e.UUID)
			place[e.UUID] = slices.IndexFunc(table, func(m kernel.Mount) bool { return m.ID == f.mount.ID })
		}
	}
	slices.SortStableFunc(uuids, func(a, b string) int { return place[b] - place[a] })
	return uuids, failed
}
