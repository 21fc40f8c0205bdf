package applets

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
)

const localeDir = "/usr/lib/locale"

// localeInside returns the caller's locale where the root directory has it, else
// C.UTF-8 where it has that, else C.
func localeInside() string {
	lang := os.Getenv("LANG")
	switch {
	case lang != "" && hasLocale(lang):
		return lang
	case hasLocale("C.UTF-8"):
		return "C.UTF-8"
	}
	return "C"
}

// hasLocale tells whether setlocale(3) would find a locale: built in, a directory
// of its own, or one in the archive.
func hasLocale(name string) bool {
	if name == "C" || name == "POSIX" {
		return true
	}
	if strings.Contains(name, "/") || strings.HasPrefix(name, ".") {
		return false
	}
	normal := normalLocale(name)
	for _, dir := range []string{name, normal} {
		if exists(localeDir + "/" + dir + "/LC_CTYPE") {
			return true
		}
	}
	return bytes.Contains(archiveNames(localeDir+"/locale-archive"), []byte("\x00"+normal+"\x00"))
}

// normalLocale spells the codeset of a locale as glibc does in names of its own:
// ja_JP.UTF-8 is ja_JP.utf8.
func normalLocale(name string) string {
	base, codeset, ok := strings.Cut(name, ".")
	if !ok {
		return name
	}
	codeset, modifier, ok := strings.Cut(codeset, "@")
	if ok {
		modifier = "@" + modifier
	}
	alphanumeric := func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}
	codeset = strings.Map(alphanumeric, strings.ToLower(codeset))
	if strings.Trim(codeset, "0123456789") == "" {
		codeset = "iso" + codeset
	}
	return base + "." + codeset + modifier
}

// archiveNames returns the names in a locale archive of glibc, each between two
// NULs. Its head (locarchive.h) is 14 words of 32 bits: a magic number, a serial
// number, then offset, used and size of four tables, of which the second holds
// the names.
func archiveNames(path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	var head [14 * 4]byte
	word := func(i int) uint32 { return binary.NativeEndian.Uint32(head[4*i:]) }
	if _, err := f.ReadAt(head[:], 0); err != nil || word(0) != 0xde020109 || word(6) > 1<<20 {
		return nil
	}
	names := make([]byte, 1+word(6)) // a NUL before the first
	if _, err := f.ReadAt(names[1:], int64(word(5))); err != nil {
		return nil
	}
	return names
}
