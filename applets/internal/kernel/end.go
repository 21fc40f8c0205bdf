package kernel

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// killTime bounds how long End waits for processes to die of SIGKILL, and how
// long it chases a fork bomb.
const killTime = 5 * time.Second

// End ends the processes of a cage: the members of its cgroup, and whoever has
// its root directory in the tree. A Tree without IDs and Dev leaves it at the
// cgroup and costs no pass over /proc. also, where it is not nil, chooses
// among the other holders of the tree those to end as well. SIGHUP goes to
// each that has a controlling terminal, SIGTERM and SIGCONT to all; who is left
// when grace is over gets SIGKILL. With no grace that is all they get.
//
// Nobody else is signalled, and none of these before it was looked at again
// behind a pidfd; process 1 never is. Where this process or a parent of it
// belongs to the cage, End says so and signals nobody. A value from stop makes
// it return at once, and then nobody is killed.
//
// That End finds nobody left does not prove that nobody is. What counts is
// whether the tree can be unmounted; where not, call it again.
func End(t Tree, c Cgroup, grace time.Duration, also func(Process) bool, stop <-chan os.Signal) error {
	if p, ok := CallerInside(t, c); ok {
		return fmt.Errorf("cannot end the processes in %s: %d %s is this command or started it", t.Point, p.PID, p.Comm)
	}
	e := ending{tree: t, cgroup: c, also: also, stop: stop, asked: map[int]bool{}, spared: append(callers(), 1)}
	if grace > 0 {
		_ = c.Freeze(false) // a frozen process cannot end by itself
		if done, err := e.until(time.Now().Add(grace), e.ask); done || err != nil {
			return err
		}
	}
	done, err := e.until(time.Now().Add(killTime), e.kill)
	if done || err != nil {
		return err
	}
	return e.survivors()
}

// Members returns the numbers of the processes that End would end now.
func Members(t Tree, c Cgroup, also func(Process) bool) ([]int, error) {
	var pids []int
	e := ending{tree: t, cgroup: c, also: also, spared: append(callers(), 1)}
	all, err := e.each(func(h held) { pids = append(pids, h.pid) })
	for _, h := range all {
		h.close()
	}
	slices.Sort(pids)
	return slices.Compact(pids), err
}

// ending is one End under way.
type ending struct {
	tree   Tree
	cgroup Cgroup
	also   func(Process) bool
	stop   <-chan os.Signal
	spared []int        // never signalled: process 1, this one and its parents
	asked  map[int]bool // have had their SIGTERM
}

// until deals with the processes of the cage and waits for them to end, again
// and again until two passes in a row found nobody (done) or time is up.
func (e *ending) until(deadline time.Time, deal func() ([]held, error)) (done bool, err error) {
	for pass, quiet := 1, 0; ; pass++ {
		dealt, err := deal()
		if err == nil {
			// look again each second for newcomers, whatever the known ones do
			if err = await(dealt, earlier(deadline, time.Second), e.stop); err != nil {
				err = Cannot("end the processes in", e.tree.Point, err)
			}
		}
		for _, h := range dealt {
			h.close()
		}
		if err != nil {
			return false, err
		}
		// a member in another pid namespace has no number to be seen by
		if populated, _ := e.cgroup.Populated(); populated || len(dealt) > 0 {
			quiet = 0
		} else if quiet++; quiet == 2 {
			return true, nil
		}
		if !time.Now().Before(deadline) {
			return false, nil
		}
		if pass > 1 && quiet == 0 {
			// they come in every pass, or cannot be waited for: do not spin
			time.Sleep(time.Duration(min(pass, 50)) * time.Millisecond)
		}
	}
}

// ask asks each process of the cage to end, once. It returns all of them.
func (e *ending) ask() ([]held, error) {
	return e.each(func(h held) {
		if e.asked[h.pid] {
			return
		}
		e.asked[h.pid] = true
		// a shell at a terminal ignores SIGTERM and heeds SIGHUP
		if h.terminal() {
			h.signal(unix.SIGHUP)
		}
		h.signal(unix.SIGTERM)
		h.signal(unix.SIGCONT)
	})
}

// kill kills each process of the cage. It returns those it met one by one. Who came
// in by hand is not moved into the cgroup first: cgroup.procs takes a number and no
// pidfd, and each write holds up every fork of the host, so that a bomb takes twice
// the passes and several times as long.
func (e *ending) kill() ([]held, error) {
	_ = e.cgroup.Kill() // takes forking members too; each one still met is killed below
	return e.each(func(h held) { h.signal(unix.SIGKILL) })
}

// each calls f with every process of the cage, held. It returns them still
// held, but no more than there may be descriptors for: a later pass meets the
// others again.
func (e *ending) each(f func(held)) (all []held, err error) {
	meet := func(pid int, still func(dir int) bool) {
		if slices.Contains(e.spared, pid) {
			return
		}
		h, ok := hold(pid, still)
		if !ok {
			return
		}
		f(h)
		if len(all) < 512 {
			all = append(all, h)
		} else {
			h.close()
		}
	}
	members, err := e.cgroup.PIDs()
	if err != nil {
		return all, err
	}
	for _, pid := range members {
		meet(pid, e.cgroup.member)
	}
	if e.tree.none() {
		return all, nil
	}
	err = eachPID(func(proc, pid int) {
		if at, in := e.tree.rooted(proc, strconv.Itoa(pid)+"/"); in {
			meet(pid, func(dir int) bool { in, _ := e.tree.has(dir, at); return in })
		}
	})
	if err != nil || e.also == nil {
		return all, err
	}
	holders, err := Holders(e.tree)
	for _, p := range holders {
		if p.How != "root" && e.also(p) {
			meet(p.PID, func(dir int) bool { in, _ := e.tree.has(dir, p.at); return in })
		}
	}
	return all, err
}

// survivors is the error that names who is left after SIGKILL.
func (e *ending) survivors() error {
	var names []string
	all, err := e.each(func(h held) { names = append(names, h.String()) })
	for _, h := range all {
		h.close()
	}
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return fmt.Errorf("cannot end the processes in %s: new ones appear as fast as they are killed", e.tree.Point)
	}
	slices.Sort(names)
	return fmt.Errorf("cannot end the processes in %s: SIGKILL does not end %s", e.tree.Point, strings.Join(slices.Compact(names), ", "))
}

// earlier returns the time that comes first: the deadline, or d from now.
func earlier(deadline time.Time, d time.Duration) time.Time {
	if t := time.Now().Add(d); t.Before(deadline) {
		return t
	}
	return deadline
}
