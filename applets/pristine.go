package applets

import (
	"os"
	"path/filepath"

	"cage/applets/internal/kernel"
	"cage/applets/internal/store"
)

// isPristine tells whether the upper directory holds nothing but what cage-new
// makes in it: empty mount points, the way to the directories it hides, and a
// policy-rc.d. An empty directory or file that cage-up made for a mount of the cage's own,
// or an empty /run, which cage-up leaves, is no reason to keep what it stands on either.
func (s *session) isPristine(c *store.Cage) (bool, error) {
	// run: where a resolv.conf that was lent has been
	own := map[string]bool{"proc": true, "sys": true, "dev": true, "tmp": true, "run": true}
	places := append(hideable(s.store), filepath.Dir(policyPath))
	for _, m := range c.Mounts {
		places = append(places, m.At[1:])
	}
	for _, path := range places {
		for ; path != "."; path = filepath.Dir(path) {
			own[path] = true
		}
	}
	return onlyPlaces(c.Root, "", own)
}

// onlyPlaces tells whether a directory holds only directories and empty files of own,
// all the way down, and cage-new's policy-rc.d.
func onlyPlaces(root, rel string, own map[string]bool) (bool, error) {
	entries, err := os.ReadDir(filepath.Join(root, rel))
	if err != nil {
		return false, kernel.Cannot("read", filepath.Join(root, rel), err)
	}
	for _, e := range entries {
		path := filepath.Join(rel, e.Name())
		if path == policyPath && isPolicy(filepath.Join(root, path)) {
			continue
		}
		if info, err := e.Info(); err != nil || !own[path] || !info.IsDir() && (!info.Mode().IsRegular() || info.Size() > 0) {
			return false, nil
		}
		if !e.IsDir() {
			continue
		}
		if ok, err := onlyPlaces(root, path, own); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}
