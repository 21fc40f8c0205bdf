package conf

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// fuzzKeys include keys that begin, end or contain others.
var fuzzKeys = []string{"uuid", "name", "memo", "base", "root", "oot", "ro", "r", "a.b", "a-b_c", "N"}

// fuzzFiles are the starting points of both file fuzzers.
var fuzzFiles = []string{
	"",
	cageConf,
	"tool=/opt/cage\ndata=/var/opt/cage",
	"name=a\nname=b\nro=1\nroot=2\noot=3\nr=4\na.b=5\na-b_c=6\nN=7\n",
	"base=x:y # overlay order\nbase= # none\n#base=z\n",
	"memo=a\\nb\\\\ \t\n",
	"name=x \t\v\f\r# c\r\nroot=y\r\n",
	"name=\xff\xfe\xe3\x81 #\xe3\nmemo=鳥かご\u00a0# 注",
	"uuid=a\x00b\n\x00uuid=c\nname=\x00",
	" name=x\nname =x\nname= x=y\n=name\n\n\n",
	"a.b=1\na=b=2\nmemo=",
}

// sedAll returns the values of every fuzz key as sed sees them, from one run: behind the article's
// first command, each key's own command marks what it prints with a byte that begins no key.
func sedAll(t testing.TB, data []byte) map[string][]string {
	t.Helper()
	script := `s/[[:space:]]*#.*$//`
	for i, key := range fuzzKeys {
		script += fmt.Sprintf(`; s/^%s=\(.*\)$/%c\1/p`, strings.ReplaceAll(key, ".", `\.`), '0'+i)
	}
	values := map[string][]string{}
	for line := range strings.Lines(runSed(t, data, script)) {
		line = strings.TrimSuffix(line, "\n")
		key := fuzzKeys[line[0]-'0']
		values[key] = append(values[key], line[1:])
	}
	return values
}

func FuzzRawAgainstSed(f *testing.F) {
	for _, data := range fuzzFiles {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file := Parse(data)
		want := sedAll(t, data)
		for _, key := range fuzzKeys {
			if got := file.Raw(key); !slices.Equal(got, want[key]) {
				t.Errorf("%s in %q: Raw says %q, sed %q", key, data, got, want[key])
			}
		}
	})
}

func FuzzSet(f *testing.F) {
	for i, data := range fuzzFiles {
		f.Add([]byte(data), byte(i), "web")
		f.Add([]byte(data), byte(1), "")
		f.Add([]byte(data), byte(3), " a # b\n\r\x00\xff ")
		f.Add([]byte(data), byte(2), "鳥かご \t")
	}
	f.Fuzz(func(t *testing.T, data []byte, choice byte, value string) {
		key := fuzzKeys[int(choice)%len(fuzzKeys)]
		before := sedAll(t, data)[key]
		file := Parse(data)
		err := file.Set(key, value)
		if refuse := mustRefuse(data, key, value, before); refuse != (err != nil) {
			t.Fatalf("Set(%q, %q) in %q: %v, to be refused: %t", key, value, data, err, refuse)
		}
		if err != nil {
			if !bytes.Equal(file.Bytes(), data) {
				t.Fatalf("the refused Set(%q, %q) left %q of %q", key, value, file.Bytes(), data)
			}
			return
		}
		if got := sedAll(t, file.Bytes())[key]; !slices.Equal(got, []string{value}) || file.Get(key) != value {
			t.Errorf("after Set(%q, %q) in %q: Get says %q, sed %q", key, value, data, file.Get(key), got)
		}
		if want := rewritten(data, key, value, before); string(file.Bytes()) != want {
			t.Errorf("Set(%q, %q) in %q left %q, want %q", key, value, data, file.Bytes(), want)
		}
	})
}

// mustRefuse says, by means other than the code under test, whether Set has to refuse.
func mustRefuse(data []byte, key, value string, before []string) bool {
	if len(before) > 1 || !utf8.ValidString(value) || strings.ContainsAny(value, "#\n\r\x00") {
		return true
	}
	if len(before) == 0 || value == "" || !strings.ContainsAny(value[len(value)-1:], " \t\v\f") {
		return false
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		if strings.HasPrefix(line, key+"="+before[0]) && strings.Contains(line, "#") {
			return true
		}
	}
	return false
}

// rewritten is the text that Set has to leave, made by replacing in the text between newlines.
func rewritten(data []byte, key, value string, before []string) string {
	text := string(data)
	if len(before) == 1 {
		// No other line can begin so: sed would have printed it too.
		old, changed := "\n"+key+"="+before[0], "\n"+key+"="+value
		return strings.Replace("\n"+text, old, changed, 1)[1:]
	}
	if text == "" || strings.HasSuffix(text, "\n") {
		return text + key + "=" + value + "\n"
	}
	return text + "\n" + key + "=" + value
}
