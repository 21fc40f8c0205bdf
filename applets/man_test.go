package applets

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// TestManPages holds the page of each applet to its flags, and the reverse.
func TestManPages(t *testing.T) {
	for _, a := range table() {
		t.Run(a.name, func(t *testing.T) {
			name := "cage-" + a.name
			page := readPage(t, name+".8")
			if !strings.Contains(page, "\n.Sh NAME\n.Nm "+name+"\n.Nd ") {
				t.Errorf("it does not begin with the name %s", name)
			}
			synopsis := section(t, page, "SYNOPSIS")
			if !strings.HasPrefix(synopsis, ".Nm\n") {
				t.Errorf("its synopsis is %q", synopsis)
			}
			listed := listedFlags(page)
			for _, flag := range flagsOf(a) {
				for _, name := range flag.Names() {
					if !slices.Contains(listed, name) {
						t.Errorf("it does not list the flag %s", name)
					}
				}
				if !slices.ContainsFunc(flag.Names(), func(name string) bool { return inSynopsis(synopsis, name) }) {
					t.Errorf("its synopsis is without %s", flag.Names())
				}
			}
			for _, name := range listed {
				if !slices.ContainsFunc(flagsOf(a), func(f cli.Flag) bool { return slices.Contains(f.Names(), name) }) {
					t.Errorf("it lists %s, which is no flag", name)
				}
			}
			for _, title := range []string{"DESCRIPTION", "EXIT STATUS", "EXAMPLES"} {
				section(t, page, title)
			}
		})
	}
}

// TestManOfCage holds cage(8) to the table of applets, and the pages there are.
func TestManOfCage(t *testing.T) {
	var names, listed, pages []string
	for _, a := range table() {
		names = append(names, a.name)
	}
	page := readPage(t, "cage.8")
	for _, line := range regexp.MustCompile(`(?m)^\.It Xr cage-(\w+) 8 Ta `).FindAllStringSubmatch(page, -1) {
		listed = append(listed, line[1])
	}
	if !slices.Equal(listed, names) {
		t.Errorf("cage.8 lists %q, want %q", listed, names)
	}
	files, err := filepath.Glob("../man/cage-*.8")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		pages = append(pages, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "cage-"), ".8"))
	}
	slices.Sort(names)
	if !slices.Equal(pages, names) {
		t.Errorf("there are pages of %q, want %q", pages, names)
	}
	synopsis := section(t, page, "SYNOPSIS")
	for _, option := range []string{"list", "help", "version"} {
		if status := Main([]string{"cage", "--" + option}, io.Discard, io.Discard); status != 0 {
			t.Errorf("cage --%s: %d", option, status)
		}
		if !inSynopsis(synopsis, option) {
			t.Errorf("the synopsis of cage.8 is without --%s", option)
		}
	}
}

// TestRepeatedFlags: for a flag with an alias cli makes one text of all its
// values and sets the other name to that.
func TestRepeatedFlags(t *testing.T) {
	for _, a := range table() {
		for _, flag := range flagsOf(a) {
			_, slice := flag.(cli.DocGenerationSliceFlag)
			_, generic := flag.(*cli.GenericFlag)
			if (slice || generic) && len(flag.Names()) > 1 {
				t.Errorf("cage-%s: %s may be given again, and has an alias", a.name, flag.Names())
			}
		}
	}
}

// flagsOf returns the flags of an applet, help and version among them.
func flagsOf(a applet) []cli.Flag {
	return append(a.new(&session{name: "cage-" + a.name}).Flags, cli.HelpFlag, cli.VersionFlag)
}

func readPage(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("../man/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// section returns the text below a heading, up to the next.
func section(t *testing.T, page, title string) string {
	t.Helper()
	_, text, ok := strings.Cut(page, "\n.Sh "+title+"\n")
	if !ok {
		t.Errorf("the page has no %s", title)
	}
	text, _, _ = strings.Cut(text, "\n.Sh ")
	return text
}

// flagMacro is a flag of mdoc(7), `Fl v` or `Fl -verbose`.
var flagMacro = regexp.MustCompile(`\bFl (?:-(\S+)|(\w))(?:\s|$)`)

// listedFlags returns the flags that a page has items for: `.It Fl t Ar seconds , Fl -time Ar seconds`.
func listedFlags(page string) []string {
	var names []string
	for _, item := range regexp.MustCompile(`(?m)^\.It Fl .*`).FindAllString(page, -1) {
		for _, flag := range flagMacro.FindAllStringSubmatch(item, -1) {
			names = append(names, flag[1]+flag[2])
		}
	}
	return names
}

// inSynopsis finds a flag in a synopsis, where single letters stand together,
// `.Op Fl fnqv`, or apart, `.Fl h | V`, and words too, `.Fl -list | Fl -help`.
func inSynopsis(synopsis, name string) bool {
	if len(name) > 1 {
		return regexp.MustCompile(`\bFl -` + name + `(?:\s|$)`).MatchString(synopsis)
	}
	return regexp.MustCompile(`\bFl (?:\w \| )*\w*` + name + `\w*(?:\s|$)`).MatchString(synopsis)
}
