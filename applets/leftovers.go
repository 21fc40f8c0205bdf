package applets

import (
	"path/filepath"
	"strings"
	"time"

	"cage/applets/internal/kernel"
	"cage/applets/internal/plan"
	"cage/applets/internal/store"
)

// checkLeftovers finds what an interrupted applet left under a hidden name.
func (s *session) checkLeftovers() (found []finding, err error) {
	entries, err := listIfThere(s.store.Data)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		path := filepath.Join(s.store.Data, e.Name())
		switch _, what := fromAside(e.Name()); {
		case what == "new" && e.IsDir():
			found = append(found, finding{where: path, what: halfMade, mend: plan.Plan{&plan.Remove{Path: path}}})
		case what == "rm" && e.IsDir() && !kernel.Locked(path): // nobody removes it right now
			found = append(found, finding{where: path, what: halfRemoved, mend: plan.Plan{&plan.Remove{Path: path, Last: store.ConfName}}})
		}
	}
	return found, nil
}

// checkSnapshots finds snapshots that were not finished, or not quite deleted.
func (s *session) checkSnapshots() (found []finding, err error) {
	entries, err := listIfThere(s.store.Snapshots)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		path := filepath.Join(s.store.Snapshots, e.Name())
		if _, err := time.Parse("."+stampLayout+".txt.new", e.Name()); err == nil {
			found = append(found, finding{where: path, what: halfMade, mend: plan.Plan{&plan.RemoveFile{Path: path}}})
		}
		stem, isNew := strings.CutSuffix(strings.TrimPrefix(e.Name(), "."), ".ss.new")
		stem, isRm := strings.CutSuffix(stem, ".ss.rm")
		if _, ok, err := kernel.Subvolume(path); isNew == isRm || err != nil || !ok {
			continue // not one of cage's
		}
		what := halfMade
		if isRm {
			what = halfRemoved
		}
		mend := plan.Plan{&plan.DeleteSnapshot{Path: path}}
		if note := filepath.Join(s.store.Snapshots, stem+".txt"); exists(note) && !exists(filepath.Join(s.store.Snapshots, stem+".ss")) {
			mend = append(plan.Plan{&plan.RemoveFile{Path: note}}, mend...) // by the snapshot the next look finds both
		}
		found = append(found, finding{where: path, what: what, mend: mend})
	}
	return found, nil
}
