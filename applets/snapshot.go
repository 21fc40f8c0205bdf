package applets

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"cage/applets/internal/kernel"
	"cage/applets/internal/plan"

	"github.com/urfave/cli/v2"
)

type snapshotOptions struct {
	note   string
	live   bool
	list   bool
	delete words
	keep   int
}

func newSnapshot(s *session) *cli.App {
	var o snapshotOptions
	app := s.app(
		&cli.StringFlag{Name: "note", Aliases: []string{"m"}, Usage: "keep `NOTE` beside the snapshot", Value: "the snapshot of the host environment", DefaultText: "the article's", Destination: &o.note},
		boolFlag("live", "", "let cages stand on the host itself, without a snapshot", &o.live),
		boolFlag("list", "", "list snapshots and who stands on them; -q: stamps alone", &o.list),
		&cli.GenericFlag{Name: "delete", Usage: "delete the snapshot `STAMP`; may be given again", Value: &o.delete},
		&cli.IntFlag{Name: "keep", Usage: "delete all but the newest `N` and used ones", DefaultText: "no", Destination: &o.keep},
	)
	app.Action = func(c *cli.Context) error {
		do, err := snapshotAction(c, o)
		if err != nil {
			return err
		}
		if err := s.openAlone(c); err != nil {
			return err
		}
		return do(s)
	}
	return describe(app, "", `   cage-snapshot -m "before the upgrade"   prints the path of the snapshot
   cage-snapshot --live                    for a host that is not on btrfs
   cage-snapshot --list                    a snapshot a line: stamp, note, cages
   cage-snapshot --keep 5                  prints the stamps of what it deletes
`)
}

// snapshotAction returns what a command line asks for.
func snapshotAction(c *cli.Context, o snapshotOptions) (do func(*session) error, err error) {
	do = func(s *session) error { return runSnapshot(s, o) }
	asked := 0
	if c.IsSet("note") || o.live {
		asked++
	}
	if o.list {
		asked++
		do = listSnapshots
	}
	if o.delete != nil {
		asked++
		do = func(s *session) error { return deleteSnapshots(s, o.delete) }
	}
	if c.IsSet("keep") {
		asked++
		do = func(s *session) error { return keepSnapshots(s, o.keep) }
	}
	switch {
	case asked > 1:
		return nil, usageError("--list, --delete and --keep stand alone")
	case o.keep < 0:
		return nil, usageError("--keep takes no number below 0")
	}
	return do, nil
}

// runSnapshot takes a snapshot and makes it what new cages stand on.
func runSnapshot(s *session, o snapshotOptions) error {
	held, err := s.lockHost()
	if err != nil {
		return err
	}
	defer func() { held.release() }()
	s.signals()
	var p plan.Plan
	for _, dir := range []string{s.store.Data, s.store.Snapshots} {
		if !exists(dir) && (dir == s.store.Data || !o.live) {
			p = append(p, &plan.Mkdir{Path: dir, Mode: 0o700, Parents: true})
		}
	}
	target, now := s.store.Host, time.Now()
	name, memo := "host_live", "the live host, "
	if o.live {
		if _, err := os.ReadDir(target); err != nil {
			return kernel.Cannot("stand on", target, err)
		}
	} else {
		if err := s.checkHost(); err != nil {
			return err
		}
		now = s.freeSecond(now)
		stamp := now.Format(stampLayout)
		target = filepath.Join(s.store.Snapshots, stamp+".ss")
		name, memo = "host_"+stamp, "a snapshot of the host, "
		hidden := aside(target, "new")
		p = append(p,
			&plan.Snapshot{Source: s.store.Host, Path: hidden},
			&plan.Write{Path: filepath.Join(s.store.Snapshots, stamp+".txt"), Data: []byte(o.note + "\n"), Mode: 0o644},
			&plan.Rename{From: hidden, To: target})
	}
	host := hostCage{target: target, name: name, memo: memo + now.Format(rfc3339seconds)}
	steps, more, err := s.planHost(host)
	held = append(held, more...)
	if err != nil {
		return err
	}
	p = append(p, steps...)
	if err := s.carryOut(p); err != nil {
		return err
	}
	if err := s.removeOld(p); err != nil {
		return err
	}
	s.warnOfHost(o)
	return s.result(target)
}

// checkHost refuses what cannot be snapshotted, with the ways out.
func (s *session) checkHost() error {
	host := s.store.Host
	info, ok, err := kernel.Subvolume(host)
	if err != nil {
		return err
	}
	if !ok {
		fstype, err := kernel.FSType(host)
		if err != nil {
			return err
		}
		if fstype == "btrfs" {
			fstype = "inside a btrfs subvolume, not the top of one"
		} else {
			fstype = "on " + fstype + ", not a btrfs subvolume"
		}
		return withHint(fmt.Errorf("cannot snapshot %s: it is %s", host, fstype), "cage-snapshot --live, or cage-new --ro DIR for a base of your own")
	}
	into, ok, err := kernel.SubvolumeOf(nearest(s.store.Snapshots))
	if err != nil {
		return err
	}
	if !ok || into.Filesystem != info.Filesystem {
		return withHint(fmt.Errorf("cannot snapshot %s into %s: it is on another filesystem", host, s.store.Snapshots), "cage.conf(5): snapshots=")
	}
	return nil
}

// freeSecond waits for a second of which no snapshot has the name yet, nor one
// that was interrupted.
func (s *session) freeSecond(now time.Time) time.Time {
	for {
		stamp := now.Format(stampLayout)
		taken := func(name string) bool { return lexists(filepath.Join(s.store.Snapshots, name)) }
		if !taken(stamp+".ss") && !taken(stamp+".txt") && !taken("."+stamp+".ss.new") {
			return now
		}
		time.Sleep(time.Until(now.Truncate(time.Second).Add(time.Second)))
		now = time.Now()
	}
}
