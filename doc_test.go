package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestJapanese holds the Japanese README and manual page to the others: what one
// types stands in both, and each has as many sections, tables' rows and commands.
func TestJapanese(t *testing.T) {
	english, japanese := read(t, "README.md"), read(t, "README.ja.md")
	for _, typed := range regexp.MustCompile("`[^`\n]+`").FindAllString(english, -1) {
		if !strings.Contains(strings.ReplaceAll(japanese, "\n", " "), typed) {
			t.Errorf("README.ja.md has no %s", typed)
		}
	}
	for _, line := range []string{`(?m)^## `, `(?m)^\|`, `(?m)^    \S`, `\]\(http`} {
		if n, want := len(regexp.MustCompile(line).FindAllString(japanese, -1)), len(regexp.MustCompile(line).FindAllString(english, -1)); n != want {
			t.Errorf("README.ja.md has %d of %s, README.md %d", n, line, want)
		}
	}
	english, japanese = outline(read(t, "man/cage.8")), outline(read(t, "man/ja/cage.8"))
	if english != japanese {
		t.Errorf("man/ja/cage.8 is built otherwise than man/cage.8:\n%s\n\n%s", japanese, english)
	}
}

// outline is what a page is built of, and what it refers to.
func outline(page string) string {
	macros := regexp.MustCompile(`(?m)^\.(?:(Sh|Ss|Bl|El|Bd|Ed|Ev)|(?:It |Pq )?(Xr .*? \d)|(It)).*$`)
	var list []string
	for _, m := range macros.FindAllStringSubmatch(page, -1) {
		list = append(list, m[1]+m[2]+m[3])
	}
	return strings.Join(list, "\n")
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
