// Package conf reads and rewrites key=value files exactly as the article's sed sees them:
//
//	LC_ALL=C sed -ne 's/[[:space:]]*#.*$//; s/^KEY=\(.*\)$/\1/p' FILE
//
// A '#' and the blanks before it end a line, also inside a value. The key starts the line and
// nothing around '=' is trimmed. Bytes in, bytes out: the package opens no file.
package conf

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// blanks is [[:space:]] of the C locale (isspace(3)) but for the newline, which no line holds.
const blanks = " \t\v\f\r"

// File is the text of one conf file. The text is the only state: what a rewrite does not mean to
// change is never taken apart, so it cannot come back different.
type File struct {
	data []byte
}

// Parse takes the text of a conf file as it is; Check says whether it is a sound one. The File
// keeps data without a copy and never writes to it.
func Parse(data []byte) *File {
	return &File{data: data}
}

// Bytes returns the text of the file, which the caller must not change.
func (f *File) Bytes() []byte {
	return f.data
}

// Raw returns every value of key, in order, as the article's sed prints them. The key is taken
// literally, where sed would take it as a regular expression.
func (f *File) Raw(key string) []string {
	var values []string
	for _, at := range f.find(key) {
		values = append(values, string(f.data[at.start:at.end]))
	}
	return values
}

// Get returns the value of key, or "" when it is absent or empty, which mean the same. Of several
// values it returns the last; Check refuses a file with several.
func (f *File) Get(key string) string {
	var last []byte
	for line, rest := cutLine(f.data); line != nil; line, rest = cutLine(rest) {
		if value, ok := valueOf(key, line); ok {
			last = value
		}
	}
	return string(last)
}

// Check applies what cage asks above the raw reader: the whole file is UTF-8 with neither NUL bytes
// nor carriage returns, and no key of once stands on two lines. The error names the lines and is
// a cause: the caller says which file could not be read.
func (f *File) Check(once []string) error {
	number, seen := 0, make([]bool, len(once))
	for line, rest := cutLine(f.data); line != nil; line, rest = cutLine(rest) {
		number++
		switch {
		case bytes.IndexByte(line, 0) >= 0:
			return fmt.Errorf("line %d holds a NUL byte", number)
		case bytes.IndexByte(line, '\r') >= 0:
			return fmt.Errorf("line %d holds a carriage return", number)
		case !utf8.Valid(line):
			return fmt.Errorf("line %d is not valid UTF-8", number)
		}
		key, _, ok := bytes.Cut(uncommented(line), []byte("="))
		for i := 0; ok && i < len(once); i++ {
			if string(key) != once[i] {
				continue
			}
			if seen[i] {
				return doubled(once[i], f.find(once[i]))
			}
			seen[i] = true
		}
	}
	return nil
}

// Set makes value the value of key: in the line that has the key, whose comment and the blanks before
// it stay, or else in a line of its own at the end. All other bytes stay as they are; a file without
// a final newline has none afterwards. A value that would not read back as itself is refused, and so
// is a key on two lines; the file is then unchanged.
func (f *File) Set(key, value string) error {
	if err := f.set(key, value); err != nil {
		return fmt.Errorf("cannot set %s: %w", key, err)
	}
	return nil
}

func (f *File) set(key, value string) error {
	if err := keyHolds(key); err != nil {
		return err
	}
	if err := Holds(value); err != nil {
		return err
	}
	found := f.find(key)
	if err := doubled(key, found); err != nil {
		return err
	}
	if len(found) == 0 {
		f.add(key + "=" + value)
		return nil
	}
	at := found[0]
	commented := at.end < len(f.data) && f.data[at.end] != '\n'
	if commented && strings.TrimRight(value, blanks) != value {
		return fmt.Errorf("the value ends in a blank, which the comment on line %d would take along", at.line)
	}
	f.data = slices.Concat(f.data[:at.start], []byte(value), f.data[at.end:])
	return nil
}

// add puts a line at the end of the file. A final newline that is missing stays missing.
func (f *File) add(line string) {
	if n := len(f.data); n > 0 && f.data[n-1] != '\n' {
		line = "\n" + line
	} else {
		line += "\n"
	}
	f.data = slices.Concat(f.data, []byte(line))
}

// Holds says whether the dialect can hold value; the error is the reason, without a key.
func Holds(value string) error {
	switch {
	case strings.Contains(value, "\n"):
		return errors.New("the value holds a newline")
	case strings.Contains(value, "\r"):
		return errors.New("the value holds a carriage return")
	case strings.Contains(value, "\x00"):
		return errors.New("the value holds a NUL byte")
	case strings.Contains(value, "#"):
		return errors.New("the value holds '#', which begins a comment")
	case !utf8.ValidString(value):
		return errors.New("the value is not valid UTF-8")
	}
	return nil
}

// keyHolds refuses a key that the article's sed, fed with it, would not find again.
func keyHolds(key string) error {
	for _, r := range key {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-', r == '.':
		default:
			return fmt.Errorf("a key is made of letters, digits, '_', '-' and '.', not of %q", r)
		}
	}
	if key == "" {
		return errors.New("the key is empty")
	}
	return nil
}
