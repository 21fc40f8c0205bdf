package applets

import (
	"os"
	"path/filepath"

	"cage/applets/internal/plan"
	"cage/applets/internal/store"
)

// policyPath is what Debian's invoke-rc.d asks before it starts a service for a
// package that is being installed, and what cage-new puts there.
const (
	policyPath = "usr/sbin/policy-rc.d"
	policyText = `#!/bin/sh
# By cage-new: a package that is installed in a cage starts no service (invoke-rc.d(8)). Remove this file to let it.
exit 101
`
)

// policyDirs returns the directories that lead to policyPath, as they are in the
// topmost layer that has them, where the layers are a Debian without a policy of
// its own; else none.
func policyDirs(layers []store.Layer) []hiddenDir {
	// topmost looks for a file as the overlay will: what an upper layer has hides the rest
	topmost := func(path string) os.FileInfo {
		for _, l := range layers {
			if info, err := os.Lstat(filepath.Join(l.Dir, path)); err == nil {
				return info
			}
		}
		return nil
	}
	if topmost(policyPath) != nil || topmost("usr/sbin/invoke-rc.d") == nil && topmost("usr/sbin/update-rc.d") == nil {
		return nil
	}
	var dirs []hiddenDir
	for _, path := range parents(filepath.Dir(policyPath)) {
		info := topmost(path)
		if !info.IsDir() {
			return nil
		}
		dirs = append(dirs, hiddenDir{path: path, info: info})
	}
	return dirs
}

// planPolicy forbids packages that are installed in the cage to start services.
func planPolicy(root string, volatile bool) plan.Step {
	return &plan.Write{Path: filepath.Join(root, policyPath), New: true, Data: []byte(policyText), Mode: 0o755, Volatile: volatile}
}

// isPolicy tells whether path is the file that planPolicy writes.
func isPolicy(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() != int64(len(policyText)) {
		return false
	}
	data, err := os.ReadFile(path)
	return err == nil && string(data) == policyText
}
