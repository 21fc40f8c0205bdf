package kernel

import (
	"os"
	"testing"
)

func TestWatch(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		what string
		gone bool
		do   func(inside string)
	}{
		{"a new file", false, func(d string) { put(t, d+"/new", "") }},
		{"a write", false, func(d string) { put(t, d+"/file", "x") }},
		{"a rename into it", false, func(d string) { must(os.Rename(dir+"/other", d+"/file")) }},
		{"its removal", true, func(d string) { must(os.RemoveAll(d)) }},
		{"its new name", true, func(d string) { must(os.Rename(d, d+".new")) }},
	} {
		d := dir + "/" + c.what
		put(t, d+"/file", "")
		put(t, dir+"/other", "")
		w, err := WatchDir(d)
		must(err)
		c.do(d)
		gone, err := w.Wait()
		if c.gone && !gone && err == nil { // the files in it went first
			gone, err = w.Wait()
		}
		if gone != c.gone || err != nil {
			t.Errorf("%s: Wait = %v, %v", c.what, gone, err)
		}
		must(w.Close())
	}
	if _, err := WatchDir(dir + "/none"); err == nil || err.Error() != "cannot watch "+dir+"/none: no such file or directory" {
		t.Errorf("WatchDir: %v", err)
	}
}
