package applets

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A base is the default, and --set base= takes it away again.
func TestNewWithoutABase(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/conf", []byte("data="+dir+"/data\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cageNew := func(args ...string) (string, error) {
		cmd := exec.Command(os.Args[0])
		cmd.Args = append([]string{"cage-new"}, args...)
		cmd.Env = append(os.Environ(), "CAGE_CONF="+dir+"/conf")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := cageNew("--name", "tree", "--ro", dir); err != nil {
		t.Fatalf("%s%v", out, err)
	}
	out, err := cageNew("--base", "tree", "--set", "base=")
	if !strings.HasPrefix(out, "cage-new: cannot use ") || !strings.HasSuffix(out, "cage.conf: it has no base\n") || err == nil || err.Error() != "exit status 1" {
		t.Errorf("%s%v, want a refusal", out, err)
	}
	if entries, err := os.ReadDir(dir + "/data"); len(entries) != 1 {
		t.Errorf("the data directory has %v, %v, want the base alone", entries, err)
	}
}
