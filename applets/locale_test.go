package applets

import "testing"

func TestNormalLocale(t *testing.T) {
	for name, want := range map[string]string{
		"ja_JP.UTF-8":            "ja_JP.utf8",
		"ja_JP.utf8":             "ja_JP.utf8",
		"ja_JP.eucJP":            "ja_JP.eucjp",
		"de_DE.ISO-8859-15@euro": "de_DE.iso885915@euro",
		"de_DE.8859-1":           "de_DE.iso88591",
		"de_DE@euro":             "de_DE@euro",
		"C.UTF-8":                "C.utf8",
		"en_US":                  "en_US",
	} {
		if got := normalLocale(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
