package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rooms names every package of cage and what each may import of the others,
// apart from its tests. A package that is not here is a room that nobody drew.
var rooms = map[string][]string{
	"cage":         {"cage/applets"},
	"cage/applets": {"cage/applets/internal/store", "cage/applets/internal/plan", "cage/applets/internal/kernel", "cage/conf"},

	"cage/applets/internal/store":  {"cage/conf"},
	"cage/applets/internal/plan":   {"cage/applets/internal/kernel", "cage/conf"},
	"cage/applets/internal/kernel": {},
	"cage/conf":                    {},
}

// listImports runs go list and returns the imports of each package here.
func listImports(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	imports := map[string][]string{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return imports
		}
		if err != nil {
			t.Fatal(err)
		}
		imports[p.ImportPath] = p.Imports
	}
}

func TestRooms(t *testing.T) {
	imports := listImports(t)
	used := map[string]bool{"cage": true}
	for pkg, list := range imports {
		allowed, drawn := rooms[pkg]
		if !drawn {
			t.Errorf("%s is not among the rooms", pkg)
		}
		for _, imp := range list {
			used[imp] = true
			if (imp == "cage" || strings.HasPrefix(imp, "cage/")) && !slices.Contains(allowed, imp) {
				t.Errorf("%s imports %s", pkg, imp)
			}
			if imp == "golang.org/x/sys/unix" && pkg != "cage/applets/internal/kernel" {
				t.Errorf("%s imports %s, which is for kernel alone", pkg, imp)
			}
		}
	}
	for room := range rooms {
		if _, there := imports[room]; !there {
			t.Errorf("%s does not exist", room)
		} else if !used[room] {
			t.Errorf("no package imports %s", room)
		}
	}
}

// TestModules holds go.mod to its direct modules: three, and one for tests in a block of its own.
func TestModules(t *testing.T) {
	data, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, block := range regexp.MustCompile(`(?m)^require (?:\(([^)]*)\)|(.*))$`).FindAllStringSubmatch(string(data), -1) {
		var direct []string
		for _, line := range strings.Split(block[1]+block[2], "\n") {
			if line != "" && !strings.HasSuffix(line, "// indirect") {
				direct = append(direct, strings.Fields(line)[0])
			}
		}
		if direct != nil {
			got = append(got, strings.Join(direct, " "))
		}
	}
	want := []string{
		"github.com/google/uuid github.com/urfave/cli/v2 golang.org/x/sys",
		"github.com/rogpeppe/go-internal",
	}
	if !slices.Equal(got, want) {
		t.Errorf("direct modules of go.mod = %q, want %q", got, want)
	}
}

// TestPathsOfOneMachine finds an absolute path that only the machine of whoever wrote it has.
func TestPathsOfOneMachine(t *testing.T) {
	if _, err := os.Stat(".git"); err != nil {
		t.Skip("not a git clone: what is tracked is not known")
	}
	out, err := exec.Command("git", "ls-files", "-z").Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	// At the start of a word: a workdir "$cage/work/" is no such path.
	path := regexp.MustCompile("(?im)(?:^|[\\s=:,(<>|;&`])[\"']?/work/.*")
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		data, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) {
			continue // removed, and not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		if found := path.Find(data); found != nil {
			t.Errorf("%s holds a path of one machine: %s", name, found)
		}
	}
}
