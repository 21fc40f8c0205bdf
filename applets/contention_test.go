package applets

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// atOnce runs commands at the same time and returns what each said.
func (w *world) atOnce(t *testing.T, commands ...[]string) []result {
	t.Helper()
	results := make([]result, len(commands))
	var ready, done sync.WaitGroup
	ready.Add(1)
	done.Add(len(commands))
	for i, args := range commands {
		cmd := w.command(t, args...)
		go func() {
			defer done.Done()
			ready.Wait()
			results[i] = finish(t, cmd)
		}()
	}
	ready.Done()
	done.Wait()
	return results
}

// TestFiftyUps bring up one cage.
func TestFiftyUps(t *testing.T) {
	t.Parallel()
	w := plainWorld(t)
	ok(t, os.WriteFile(w.dir+"/start", []byte("#!/bin/sh\necho ran >>/ran\n"), 0o755))
	uuid := w.must(t, "cage-new", "--name", "web", "--base", "base", "--start", w.dir+"/start")
	already, point := 0, filepath.Join(w.data, uuid+".w/mnt")
	for _, r := range w.atOnce(t, slices.Repeat([][]string{{"cage-up", "web"}}, 50)...) {
		if r.status != 0 || r.out != point+"\n" {
			t.Errorf("cage-up: %+v", r)
		}
		already += strings.Count(r.errs, "web is up already\n")
	}
	if already != 49 || w.mounts(uuid) != 7 {
		t.Errorf("%d say that it is up, %d mounts; want 49 and 7", already, w.mounts(uuid))
	}
	if ran, err := os.ReadFile(point + "/ran"); string(ran) != "ran\n" {
		t.Errorf("the start script: %q, %v", ran, err)
	}
	w.down(t, uuid)
}

// TestNewAgainstRm of the base: one of the two is refused.
func TestNewAgainstRm(t *testing.T) {
	t.Parallel()
	w := plainWorld(t)
	won := 0
	for range 20 {
		base := w.must(t, "cage-new", "--name", "twig", "--ro", w.base)
		both := [][]string{{"cage-new", "--name", "bird", "--base", "twig"}, {"cage-rm", "twig"}}
		order := rand.IntN(2)
		if order == 1 {
			slices.Reverse(both)
		}
		r := w.atOnce(t, both...)
		made, removed := r[order], r[1-order]
		switch {
		case made.status == 0 && strings.Contains(removed.errs, "cannot remove twig: it is the base of bird\n"):
			won++
			w.must(t, "cage-rm", "bird")
			w.must(t, "cage-rm", "twig")
		case removed.status == 0 && (strings.Contains(made.errs, ": no such cage\n") || strings.Contains(made.errs, base)):
		default:
			t.Fatalf("cage-new: %+v\ncage-rm: %+v", made, removed)
		}
		w.clean(t)
	}
	t.Logf("cage-new was first %d times of 20", won)
}

// crowd is a world in which many applets run at once.
type crowd struct {
	*world
	slots []string            // names of cages that come and go
	born  map[string][]string // what each cage stands on, by uuid
}

// TestCrowd runs eight applets at once on three cages, again and again.
func TestCrowd(t *testing.T) {
	t.Parallel()
	rounds := 10
	if long {
		rounds = 200
	}
	dir := scratchOnTmpfs(t)
	top := btrfsIn(t, dir)
	c := crowd{newWorld(t, dir, dir+"/data", top+"/@", top+"/snapshots"), []string{"ann", "bob", "eve"}, map[string][]string{}}
	c.must(t, "cage-snapshot", "-q", "-m", "a note")
	c.must(t, "cage-new", "--name", "tools", "--ro", c.base, "--base", "host")
	failures := map[string]int{}
	for round := 0; round < rounds && !t.Failed(); round++ {
		commands := c.commands()
		for i, r := range c.atOnce(t, commands...) {
			if r.status > 1 {
				t.Errorf("%q: %+v", commands[i], r)
			}
			if r.status != 0 {
				failures[commands[i][0]]++
			}
		}
		c.look(t)
		if t.Failed() {
			t.Logf("round %d: %q", round, commands)
		}
	}
	for _, uuid := range c.birds() {
		c.must(t, "cage-rm", "-f", uuid)
	}
	t.Logf("%d rounds; refused: %v", rounds, failures)
}

// commands are eight, of which one takes a snapshot of the host or stands it on
// the live one.
func (c crowd) commands() [][]string {
	all := [][]string{{"cage-snapshot", "-q", "-m", "a note"}}
	if rand.IntN(2) == 0 {
		all[0] = []string{"cage-snapshot", "-q", "--live"}
	}
	for len(all) < 8 {
		cage := c.slots[rand.IntN(len(c.slots))]
		all = append(all, [][]string{
			{"cage-up", cage}, {"cage-up", cage}, {"cage-down", cage}, {"cage-rm", cage}, {"cage-rm", "-f", cage},
			{"cage-new", "--name", cage}, {"cage-new", "--name", cage, "--base", "tools:host"}, {"cage-ls"},
		}[rand.IntN(8)])
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// look wants each cage up or down, no mount on another, no cage on other lower
// directories than those it was born on, and no rewrite of a conf lost.
func (c crowd) look(t *testing.T) {
	t.Helper()
	c.whole(t)
	names := map[string]int{}
	for _, uuid := range c.birds() {
		dir := filepath.Join(c.data, uuid+".w")
		conf, err := os.ReadFile(dir + "/cage.conf")
		ok(t, err)
		_, name, _ := strings.Cut(strings.Split(string(conf), "\n")[1], "=")
		points := map[string]bool{}
		lines := mountsBelow(dir)
		for _, line := range lines {
			points[strings.Fields(line)[4]] = true
		}
		if len(lines) != len(points) || len(lines) != 0 && len(lines) != 7 {
			t.Errorf("mounted for %s: %q", name, lines)
		}
		if len(lines) == 0 {
			c.must(t, "cage-up", uuid)
		}
		lower := lowersOf(dir + "/mnt")
		if born, known := c.born[uuid]; known && !slices.Equal(born, lower) {
			t.Errorf("%s was born on %q and stands on %q\n%s", name, born, lower, conf)
		}
		c.born[uuid] = lower
		if len(lines) == 0 {
			c.down(t, uuid)
		}
		if names[name]++; names[name] > 1 { // nobody could tell them apart
			c.must(t, "cage-rm", "-f", uuid)
		}
	}
	c.clean(t)
}
