package applets

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestViewIsOverlayfs holds what a view shows to what a mount of the same
// directories does.
func TestViewIsOverlayfs(t *testing.T) {
	dir := scratchOnTmpfs(t)
	sh(t, `cd "$1"; mkdir mnt
		for layer in a b c; do mkdir -p $layer/all $layer/opaque/in $layer/file $layer/white/in; echo $layer | tee $layer/all/$layer $layer/all/same $layer/opaque/in/$layer $layer/white/in/$layer >$layer/$layer; done
		setfattr -n trusted.overlay.opaque -v y b/opaque; setfattr -n trusted.overlay.opaque -v y a/opaque/in
		rm -r a/white b/white; mknod b/white c 0 0; mkdir a/white; echo again >a/white/again
		rm -r b/file; echo file >b/file; touch a/file/a c/file/c
		mknod a/all/b c 0 0; mknod a/c c 0 0; mknod a/nothing c 0 0; ln -s c a/all/link; mknod a/all/device c 1 3; chmod 700 a/all`, dir)
	dirs := []string{dir + "/a", dir + "/b", dir + "/c"}
	mnt := dir + "/mnt"
	ok(t, syscall.Mount("overlay", mnt, "overlay", syscall.MS_RDONLY, "lowerdir="+strings.Join(dirs, ":")))
	defer func() { ok(t, syscall.Unmount(mnt, 0)) }()
	seen := 0
	var compare func(rel string, v view)
	compare = func(rel string, v view) {
		names := map[string]bool{}
		for _, dir := range append([]string{mnt}, dirs...) {
			entries, _ := os.ReadDir(filepath.Join(dir, rel))
			for _, e := range entries {
				names[e.Name()] = true
			}
		}
		for name := range names {
			path := filepath.Join(rel, name)
			child, err := v.child(name)
			ok(t, err)
			want, err := os.Lstat(filepath.Join(mnt, path))
			switch {
			case errors.Is(err, fs.ErrNotExist):
				if child.info != nil {
					t.Errorf("%s is hidden, not %s", path, child.path)
				}
			case child.info == nil || child.info.Mode() != want.Mode() || !child.info.ModTime().Equal(want.ModTime()):
				t.Errorf("%s is %v, not %s", path, want, child.path)
			case want.IsDir():
				compare(path, child)
			default:
				seen++
			}
		}
	}
	compare("", view{dirs: dirs})
	if seen < 10 {
		t.Errorf("there are only %d files", seen)
	}
}
