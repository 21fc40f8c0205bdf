package applets

import (
	"fmt"
	"strconv"
	"strings"
)

// object is a JSON object, its members in the order of their printing. A value is
// nil, a string, a state, a bool, an int, an int64, an object, or a list of strings
// or objects. encoding/json would make the program 170 KB bigger.
type object []member

type member struct {
	key   string
	value any
}

// jsonText writes a value over several lines, two blanks a level, with no newline at its end.
func jsonText(v any) string {
	var b strings.Builder
	writeJSON(&b, v, "\n")
	return b.String()
}

// writeJSON writes a value; newline is one with the indentation of where it stands.
func writeJSON(b *strings.Builder, v any, newline string) {
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case string:
		quoteJSON(b, v)
	case state:
		quoteJSON(b, string(v))
	case bool, int, int64:
		fmt.Fprint(b, v)
	case object:
		writeList(b, "{}", len(v), newline, func(i int, newline string) {
			quoteJSON(b, v[i].key)
			b.WriteString(": ")
			writeJSON(b, v[i].value, newline)
		})
	case []string:
		writeList(b, "[]", len(v), newline, func(i int, newline string) { quoteJSON(b, v[i]) })
	case []object:
		writeList(b, "[]", len(v), newline, func(i int, newline string) { writeJSON(b, v[i], newline) })
	default:
		panic(fmt.Sprintf("no JSON of %T", v))
	}
}

// writeList writes n items between two brackets, an item a line.
func writeList(b *strings.Builder, brackets string, n int, newline string, item func(i int, newline string)) {
	b.WriteString(brackets[:1])
	for i := range n {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString(newline + "  ")
		item(i, newline+"  ")
	}
	if n > 0 {
		b.WriteString(newline)
	}
	b.WriteString(brackets[1:])
}

// quoteJSON writes a string (RFC 8259). What is not UTF-8 becomes U+FFFD.
func quoteJSON(b *strings.Builder, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case strconv.IsPrint(r):
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}

// orNull is null in place of an empty string.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// reasonOf is what an error says, or null.
func reasonOf(err error) any {
	if err == nil {
		return nil
	}
	return err.Error()
}
