package conf

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// sedDiffers runs the article's own line for key over data and says how its output differs from
// values, or "". sed leaves out the newline of the last line when the file does.
func sedDiffers(t *testing.T, data []byte, key string, values []string) string {
	t.Helper()
	got := runSed(t, data, `s/[[:space:]]*#.*$//; s/^`+key+`=\(.*\)$/\1/p`)
	want := ""
	for _, value := range values {
		want += value + "\n"
	}
	if got == want || !bytes.HasSuffix(data, []byte("\n")) && got+"\n" == want {
		return ""
	}
	return fmt.Sprintf("sed prints %q, not %q", got, values)
}

// runSed returns what a sed script prints of data.
func runSed(t testing.TB, data []byte, script string) string {
	t.Helper()
	cmd := exec.Command("sed", "-ne", script)
	cmd.Env = append(cmd.Environ(), "LC_ALL=C")
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("sed -ne %q: %v", script, err)
	}
	return string(out)
}

// cageConf is the conf of the article's cage, the way its here-document writes it.
const cageConf = `uuid=011868f2-c75f-49a0-b7ba-54a6f282419f
name=the_cage
memo=the cage, 2017-06-17 12:00:00+09:00
base=00000000-0000-0000-0000-000000000000
root=root
work=work
mountpoint=mnt
start=
stop=
`

func TestRawIsWhatSedPrints(t *testing.T) {
	tests := []struct {
		about, data, key string
		want             []string
	}{
		{"the article's cage", cageConf, "name", []string{"the_cage"}},
		{"empty value", cageConf, "start", []string{""}},
		{"absent key", cageConf, "host", nil},
		{"empty file", "", "name", nil},
		{"no final newline", "root=root\nname=web", "name", []string{"web"}},
		{"no final newline, empty value", "name=", "name", []string{""}},
		{"doubled", "name=a\nbase=x\nname=b\n", "name", []string{"a", "b"}},
		{"doubled, one empty", "name=\nname=b", "name", []string{"", "b"}},
		{"comment and its blanks", "base=x # of the article\n", "base", []string{"x"}},
		{"comment without a blank", "base=x#y\n", "base", []string{"x"}},
		{"comment in a comment", "base=x # a # b\n", "base", []string{"x"}},
		{"only a comment for a value", "base= \t# x\n", "base", []string{""}},
		{"commented out", "#name=x\n #name=y\n", "name", nil},
		{"comment before '='", "name #=x\n", "name", nil},
		{"blank before '='", "name =x\n", "name", nil},
		{"blank before the key", " name=x\n", "name", nil},
		{"blank after '='", "name= x\n", "name", []string{" x"}},
		{"blanks at the end stay", "name=x \t\n", "name", []string{"x \t"}},
		{"all blanks of the C locale", "name=x \t\v\f\r# c\n", "name", []string{"x"}},
		{"no-break space is no blank", "name=x\u00a0# c\n", "name", []string{"x\u00a0"}},
		{"byte 0x85 is no blank", "name=x\x85# c\n", "name", []string{"x\x85"}},
		{"'=' in the value", "set=a=b=c\n", "set", []string{"a=b=c"}},
		{"longer key", "rootless=x\nroot=y\n", "root", []string{"y"}},
		{"shorter key", "roo=x\n", "root", nil},
		{"capitals differ", "Name=x\n", "name", nil},
		{"CRLF", "name=x\r\n", "name", []string{"x\r"}},
		{"CRLF and a comment", "name=x\r# c\r\n", "name", []string{"x"}},
		{"invalid UTF-8", "name=\xff\xfe\n", "name", []string{"\xff\xfe"}},
		{"half a character before a comment", "name=\xe3\x81 #\xe3\n", "name", []string{"\xe3\x81"}},
		{"UTF-8", "memo=鳥かご # 注\n", "memo", []string{"鳥かご"}},
		{"NUL", "name=a\x00b # c\n", "name", []string{"a\x00b"}},
		{"byte order mark", "\xef\xbb\xbfname=x\n", "name", nil},
		{"backslash at the end goes on nowhere", "name=x\\\nbase=y\n", "name", []string{`x\`}},
		{"empty lines", "\n\nname=x\n\n\n", "name", []string{"x"}},
	}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			file := Parse([]byte(test.data))
			if got := file.Raw(test.key); !slices.Equal(got, test.want) {
				t.Errorf("Raw(%q) = %q, want %q", test.key, got, test.want)
			}
			if differs := sedDiffers(t, []byte(test.data), test.key, test.want); differs != "" {
				t.Error(differs)
			}
			last := ""
			if len(test.want) > 0 {
				last = test.want[len(test.want)-1]
			}
			if got := file.Get(test.key); got != last {
				t.Errorf("Get(%q) = %q, want %q", test.key, got, last)
			}
			if !bytes.Equal(file.Bytes(), []byte(test.data)) {
				t.Errorf("Bytes() = %q, want %q", file.Bytes(), test.data)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	once := []string{"uuid", "name", "base"}
	tests := []struct{ data, want string }{
		{cageConf, ""},
		{"", ""},
		{"memo=a\nmemo=b\n", ""},
		{"# 鳥かご\nname=鳥\n", ""},
		{"# name=a\nname=b #\n", ""},
		{"uuid=x\nname=a\n\n# c\n\n\nname=b", "name= stands on line 2 and on line 7"},
		{"name=a\nname=\n", "name= stands on line 1 and on line 2"},
		{"base=a\nname=\nname=b\nbase=c\n", "name= stands on line 2 and on line 3"},
		{"uuid=x\nname=a\r\n", "line 2 holds a carriage return"},
		{"uuid=x # c\r", "line 1 holds a carriage return"},
		{"\nname=\xff\n", "line 2 is not valid UTF-8"},
		{"name=a\n#\xe3\x81\n\x82\n", "line 2 is not valid UTF-8"},
		{"name=a\n\n\x00", "line 3 holds a NUL byte"},
	}
	for _, test := range tests {
		got := ""
		if err := Parse([]byte(test.data)).Check(once); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("Check of %q: %q, want %q", test.data, got, test.want)
		}
	}
}

func TestSet(t *testing.T) {
	tests := []struct{ about, data, key, value, want string }{
		{"one line of many", cageConf, "name", "web", strings.Replace(cageConf, "the_cage", "web", 1)},
		{"empty to something", cageConf, "start", "run", strings.Replace(cageConf, "start=", "start=run", 1)},
		{"something to empty", "a=1\nname=x\nb=2\n", "name", "", "a=1\nname=\nb=2\n"},
		{"the same value", "name=x #c", "name", "x", "name=x #c"},
		{"comment and its blanks stay", "base=x \t # of # it\n", "base", "y:z", "base=y:z \t # of # it\n"},
		{"comment behind an empty value", "base= # c\n", "base", "y", "base=y # c\n"},
		{"empty value before a comment", "base=x # c\n", "base", "", "base= # c\n"},
		{"no final newline", "a=1\nname=x", "name", "y", "a=1\nname=y"},
		{"absent", "a=1\n", "name", "x", "a=1\nname=x\n"},
		{"absent, no final newline", "a=1", "name", "x", "a=1\nname=x"},
		{"absent, empty file", "", "name", "x", "name=x\n"},
		{"absent, only commented out", "#name=a\n", "name", "x", "#name=a\nname=x\n"},
		{"longer key is another", "names=a\nname=b\n", "name", "x", "names=a\nname=x\n"},
		{"odd neighbours stay", "\n b = c\xff\r\nname=x\n\x00", "name", "y", "\n b = c\xff\r\nname=y\n\x00"},
		{"blanks around", "name=x\n", "name", " y ", "name= y \n"},
		{"a carriage return of the value goes", "name=x\r\n", "name", "y", "name=y\n"},
	}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			before := []byte(test.data)
			file := Parse(before)
			if err := file.Set(test.key, test.value); err != nil {
				t.Fatalf("Set: %v", err)
			}
			if got := string(file.Bytes()); got != test.want {
				t.Errorf("after Set: %q, want %q", got, test.want)
			}
			if string(before) != test.data {
				t.Errorf("Set wrote into the caller's bytes: %q", before)
			}
			if differs := sedDiffers(t, file.Bytes(), test.key, []string{test.value}); differs != "" {
				t.Error(differs)
			}
		})
	}
}

func TestSetRefuses(t *testing.T) {
	tests := []struct{ data, key, value, want string }{
		{"", "name", "a#b", "cannot set name: the value holds '#', which begins a comment"},
		{"", "name", "a\nb", "cannot set name: the value holds a newline"},
		{"", "name", "a\rb", "cannot set name: the value holds a carriage return"},
		{"", "name", "a\x00b", "cannot set name: the value holds a NUL byte"},
		{"", "name", "a\xff", "cannot set name: the value is not valid UTF-8"},
		{"a=1\nname=x # c\n", "name", "y ",
			"cannot set name: the value ends in a blank, which the comment on line 2 would take along"},
		{"name=#", "name", "\t", "cannot set name: the value ends in a blank, which the comment on line 1 would take along"},
		{"name=a\n\nname=b", "name", "c", "cannot set name: name= stands on line 1 and on line 3"},
		{"", "", "x", "cannot set : the key is empty"},
		{"a=1\n", "a=b", "x", "cannot set a=b: a key is made of letters, digits, '_', '-' and '.', not of '='"},
		{"", "a b", "x", "cannot set a b: a key is made of letters, digits, '_', '-' and '.', not of ' '"},
		{"", "a*", "x", "cannot set a*: a key is made of letters, digits, '_', '-' and '.', not of '*'"},
	}
	for _, test := range tests {
		file := Parse([]byte(test.data))
		err := file.Set(test.key, test.value)
		if err == nil || err.Error() != test.want {
			t.Errorf("Set(%q, %q) in %q: %v, want %s", test.key, test.value, test.data, err, test.want)
		}
		if string(file.Bytes()) != test.data {
			t.Errorf("the refused Set(%q, %q) left %q of %q", test.key, test.value, file.Bytes(), test.data)
		}
	}
}

func ExampleFile_Set() {
	file := Parse([]byte("name=web # the old one\nbase=host"))
	if err := file.Set("name", "shop"); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("%s", file.Bytes())
	// Output:
	// name=shop # the old one
	// base=host
}
