package kernel

import "strconv"

// InsideEach tells, for each of many trees, the numbers of the processes that
// Inside lists, in one pass over /proc for all.
func InsideEach(trees []Tree) ([][]int, error) {
	mounts, devs := map[uint64]int{}, map[uint64]int{}
	for i, t := range trees {
		for id := range t.IDs {
			mounts[id] = i
		}
		if t.Dev != 0 {
			devs[t.Dev] = i
		}
	}
	inside := make([][]int, len(trees))
	if len(mounts) == 0 && len(devs) == 0 {
		return inside, nil
	}
	var tree int
	holds := func(p place) (ok bool) {
		if tree, ok = mounts[p.mount]; !ok {
			tree, ok = devs[p.dev]
		}
		return ok
	}
	err := eachPID(func(proc, pid int) {
		if _, in := rooted(proc, strconv.Itoa(pid)+"/", holds); in {
			inside[tree] = append(inside[tree], pid)
		}
	})
	return inside, err
}
