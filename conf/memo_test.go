package conf

import "testing"

func TestMemo(t *testing.T) {
	tests := []struct{ memo, value string }{
		{"", ""},
		{"the cage, 2017-06-17 12:00:00+09:00", "the cage, 2017-06-17 12:00:00+09:00"},
		{"two\nlines\n", `two\nlines\n`},
		{`C:\new`, `C:\\new`},
		{`\x23`, `\\x23`},
		{"#1\r\x00\xff", `\x231\x0d\x00\xff`},
		{"鳥\xe3\x81かご", `鳥\xe3\x81かご`},
		{"\ufffd", "\ufffd"},
		{" a  ", ` a \x20`},
		{"a\v", `a\x0b`},
	}
	for _, test := range tests {
		if got := Escape(test.memo); got != test.value {
			t.Errorf("Escape(%q) = %q, want %q", test.memo, got, test.value)
		}
		if got := Unescape(test.value); got != test.memo {
			t.Errorf("Unescape(%q) = %q, want %q", test.value, got, test.memo)
		}
	}
	for value, memo := range map[string]string{
		`\t\q`: `\t\q`, `a\`: `a\`, `\x`: `\x`, `\x2`: `\x2`, `\xg0`: `\xg0`, `\X23`: `\X23`,
		`\x4A\x4a\x61`: "JJa", `\\\n`: "\\\n", `\\n`: `\n`,
	} {
		if got := Unescape(value); got != memo {
			t.Errorf("Unescape(%q) = %q, want %q", value, got, memo)
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, memo := range []string{"", "the cage", "two\nlines", `C:\new\x23\`, "#\r\x00\xff\xe3\x81", "鳥かご ", " \v", "\ufffd\\"} {
		f.Add(memo)
	}
	f.Fuzz(func(t *testing.T, memo string) {
		value := Escape(memo)
		if got := Unescape(value); got != memo {
			t.Fatalf("Unescape(Escape(%q)) = %q by way of %q", memo, got, value)
		}
		file := Parse([]byte("memo=old # the comment stays\n"))
		if err := file.Set("memo", value); err != nil {
			t.Fatalf("the escaped memo %q cannot be held: %v", memo, err)
		}
		if err := file.Check([]string{"memo"}); err != nil {
			t.Fatalf("the escaped memo %q makes the file bad: %v", memo, err)
		}
		if got := file.Get("memo"); got != value {
			t.Errorf("the memo %q reads back as %q", value, got)
		}
		// A memo written by hand holds any backslash: reading one and writing it again settles.
		if read := Unescape(memo); Unescape(Escape(read)) != read {
			t.Errorf("the memo %q, read and written again, is another", memo)
		}
	})
}
