package conf

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLines(t *testing.T) {
	f := Parse([]byte("bind=/a\nname=x\ntmpfs=/t # b\nbind=\n bind=/b\nbind=#\nbind=/c:/d\nenv=A=b"))
	want := []Line{{1, "bind", "/a"}, {3, "tmpfs", "/t"}, {7, "bind", "/c:/d"}, {8, "env", "A=b"}}
	if got := f.Lines("env", "bind", "tmpfs", "none"); !slices.Equal(got, want) {
		t.Errorf("Lines = %v, want %v", got, want)
	}
}

func TestAdd(t *testing.T) {
	for _, c := range []struct{ text, value, want string }{
		{"", "a", "k=a\n"},
		{"k=a\n", "a", "k=a\n"},
		{"k=a # c", "a", "k=a # c"},
		{"k=a # c", "b ", "k=a # c\nk=b "},
		{"k=b\nx\n", "a", "k=b\nx\nk=a\n"},
		{"#k=a\n", "a", "#k=a\nk=a\n"},
	} {
		f := Parse([]byte(c.text))
		if err := f.Add("k", c.value); err != nil || string(f.Bytes()) != c.want {
			t.Errorf("Add(%q) to %q = %q, %v; want %q", c.value, c.text, f.Bytes(), err, c.want)
		}
	}
	for _, c := range []struct{ key, value, want string }{
		{"k", "a#", "cannot set k: the value holds '#', which begins a comment"},
		{"k k", "a", "cannot set k k: a key is made of letters, digits, '_', '-' and '.', not of ' '"},
	} {
		f := Parse([]byte("x"))
		if err := f.Add(c.key, c.value); err == nil || err.Error() != c.want || string(f.Bytes()) != "x" {
			t.Errorf("Add(%q, %q): %v, %q", c.key, c.value, err, f.Bytes())
		}
	}
}

func FuzzAddAndRemove(f *testing.F) {
	for i, data := range fuzzFiles {
		f.Add([]byte(data), byte(i), "web")
		f.Add([]byte(data), byte(i+1), "b")
		f.Add([]byte(data), byte(3), " a # b\n\r\x00\xff ")
		f.Add([]byte(data), byte(0), "x \t")
	}
	f.Fuzz(func(t *testing.T, data []byte, choice byte, value string) {
		key := fuzzKeys[int(choice)%len(fuzzKeys)]
		before := sedAll(t, data)[key]
		file := Parse(slices.Clone(data))
		file.Remove(key)
		if want := runSed(t, data, fmt.Sprintf("/^%s=/!p", strings.ReplaceAll(key, ".", `\.`))); string(file.Bytes()) != want {
			t.Errorf("Remove(%q) from %q left %q", key, data, file.Bytes())
		}
		file = Parse(slices.Clone(data))
		err := file.Add(key, value)
		if refuse := !utf8.ValidString(value) || strings.ContainsAny(value, "#\n\r\x00"); refuse != (err != nil) {
			t.Fatalf("Add(%q, %q) to %q: %v", key, value, data, err)
		}
		want := before
		if err == nil && !slices.Contains(before, value) {
			want = append(slices.Clone(before), value)
		}
		if got := sedAll(t, file.Bytes())[key]; !slices.Equal(got, want) || !strings.HasPrefix(string(file.Bytes()), string(data)) {
			t.Errorf("Add(%q, %q) to %q left %q", key, value, data, file.Bytes())
		}
	})
}
