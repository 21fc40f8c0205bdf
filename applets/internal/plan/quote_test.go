package plan

import (
	"os/exec"
	"strings"
	"testing"
)

// FuzzQuote has sh(1) print the words again, each with a NUL behind it.
func FuzzQuote(f *testing.F) {
	f.Add("", "a b", "-n")
	f.Add("it's", `"$HOME" \`, "new\nline\n")
	f.Add("$(id)`id`", "鳥かご", "\xff\xfe")
	f.Add("*?[a]~#!;&|<>(){}", "''", "\\'\\''")
	f.Add("~", "a=b", "--")
	f.Add("\x81\x82\x88", "\r\t\x01\x7f", "if")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		words := []string{a, b, c, a + b, b + "\n" + c, a + "'" + c}
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], "\x00", "0") // no word of a command has one
		}
		script := `printf '%s\0'`
		for _, w := range words {
			script += " " + Quote(w)
		}
		cmd := exec.Command("sh", "-e")
		cmd.Stdin = strings.NewReader(script + "\n")
		out, err := cmd.CombinedOutput()
		if want := strings.Join(words, "\x00") + "\x00"; err != nil || string(out) != want {
			t.Errorf("%s\nprints %q, %v; want %q", script, out, err, want)
		}
	})
}

func TestCommandQuotes(t *testing.T) {
	if got, want := command("mv", "-T", "/a b", "/it's"), `mv -T '/a b' '/it'\''s'`; got != want {
		t.Errorf("command = %s, want %s", got, want)
	}
}
