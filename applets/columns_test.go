package applets

import "testing"

func TestHumanSize(t *testing.T) {
	for bytes, want := range map[int64]string{
		0: "0", 1: "1", 1023: "1023", 1024: "1.0K", 1025: "1.1K", 10*1024 - 1: "10K", 10 * 1024: "10K", 10*1024 + 1: "11K",
		1023 * 1024: "1023K", 1023*1024 + 1: "1.0M", 1 << 20: "1.0M", 1<<30 + 1: "1.1G", 3 << 40: "3.0T", 5000 << 40: "5000T",
	} {
		if got := humanSize(bytes); got != want {
			t.Errorf("humanSize(%d) = %s, want %s", bytes, got, want)
		}
	}
}

// TestColumns has a name of wide characters and one with a combining accent.
func TestColumns(t *testing.T) {
	rows := [][]string{
		{"NAME", "UUID", "STATE", "BASE", "PROCS", "MEMO"},
		{"鳥かご", "1", "up", "-", "2", "日本語のメモ"},
		{"e\u0301", "1", "up", "-", "1000000", ""},
	}
	const head = "NAME    UUID  STATE  BASE    PROCS  MEMO\n" +
		"鳥かご  1     up     -           2  "
	const tail = "e\u0301       1     up     -     1000000\n"
	for width, memo := range map[int]string{0: "日本語のメモ", 48: "日本語のメモ", 47: "日本語のメ", 46: "日本語のメ", 45: "日本語の", 40: "日本"} {
		if got := columns(rows, width); got != head+memo+"\n"+tail {
			t.Errorf("columns, %d wide:\n%swant\n%s", width, got, head+memo+"\n"+tail)
		}
	}
	if got, want := columns(rows, 20), "NAME    UUID  STATE  BASE    PROCS\n鳥かご  1     up     -           2\n"+tail; got != want {
		t.Errorf("columns, too narrow:\n%swant\n%s", got, want)
	}
}

func TestDigits(t *testing.T) {
	for _, c := range []struct {
		uuids []string
		want  int
	}{
		{nil, 8},
		{[]string{"11111111-0000-4000-8000-000000000000", "11111112-0000-4000-8000-000000000000"}, 8},
		{[]string{"11111111-0000-4000-8000-000000000000", "11111111-0000-4000-8000-000000000000"}, 8}, // .r and .w
		{[]string{"11111111-0000-4000-8000-000000000000", "11111111-0001-4000-8000-000000000000"}, 13},
		{[]string{"11111111-0000-4000-8000-000000000000", "11111111-0000-4000-8000-000000000001"}, 36},
	} {
		var list []*listed
		for _, uuid := range c.uuids {
			l := &listed{}
			l.UUID = uuid
			list = append(list, l)
		}
		if got := digitsOf(list); got != c.want {
			t.Errorf("digitsOf(%q) = %d, want %d", c.uuids, got, c.want)
		}
	}
}
