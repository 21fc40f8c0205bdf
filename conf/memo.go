package conf

import (
	"strings"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// Escape writes a memo as a value: a newline as \n, a backslash as \\, and what the dialect cannot
// hold as \xHH, byte by byte: '#', a carriage return, NUL, invalid UTF-8, and a blank at the end,
// which a comment on that line would take along.
func Escape(memo string) string {
	var value strings.Builder
	for i := 0; i < len(memo); {
		r, size := utf8.DecodeRuneInString(memo[i:])
		last := i+size == len(memo)
		switch {
		case r == '\n':
			value.WriteString(`\n`)
		case r == '\\':
			value.WriteString(`\\`)
		case r == '#', r == '\r', r == 0, r == utf8.RuneError && size == 1, last && strings.ContainsRune(blanks, r):
			value.WriteString(`\x`)
			value.WriteByte(hexDigits[memo[i]>>4])
			value.WriteByte(hexDigits[memo[i]&15])
		default:
			value.WriteString(memo[i : i+size])
		}
		i += size
	}
	return value.String()
}

// Unescape reads the value of a memo: it undoes Escape, and keeps escapes that Escape does not write
// as they stand, since a memo written by hand may hold any backslash.
func Unescape(value string) string {
	var memo strings.Builder
	for {
		before, escape, found := strings.Cut(value, `\`)
		memo.WriteString(before)
		if !found {
			return memo.String()
		}
		switch {
		case strings.HasPrefix(escape, "n"):
			memo.WriteByte('\n')
			value = escape[1:]
		case strings.HasPrefix(escape, `\`):
			memo.WriteByte('\\')
			value = escape[1:]
		case len(escape) >= 3 && escape[0] == 'x' && isHex(escape[1]) && isHex(escape[2]):
			memo.WriteByte(unhex(escape[1])<<4 | unhex(escape[2]))
			value = escape[3:]
		default:
			memo.WriteByte('\\')
			value = escape
		}
	}
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// unhex returns the value of a hexadecimal digit.
func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&7 + 9 // 'A' is 0x41 and 'a' 0x61: the low three bits count from one
}
