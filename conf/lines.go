package conf

import (
	"bytes"
	"fmt"
	"slices"
)

// Line is one line of a key that may stand on several.
type Line struct {
	Number     int // counted from 1
	Key, Value string
}

// Lines returns the lines of these keys that have a value, in the order of the file.
func (f *File) Lines(keys ...string) []Line {
	var lines []Line
	for _, key := range keys {
		for _, at := range f.find(key) {
			if at.start < at.end {
				lines = append(lines, Line{at.line, key, string(f.data[at.start:at.end])})
			}
		}
	}
	slices.SortFunc(lines, func(a, b Line) int { return a.Number - b.Number })
	return lines
}

// Add makes value one of the values of key, which may stand on several lines: in a
// line of its own at the end, unless it is one already. All other bytes stay as they
// are. A value that would not read back as itself is refused.
func (f *File) Add(key, value string) error {
	err := keyHolds(key)
	if err == nil {
		err = Holds(value)
	}
	if err != nil {
		return fmt.Errorf("cannot set %s: %w", key, err)
	}
	if !slices.Contains(f.Raw(key), value) {
		f.add(key + "=" + value)
	}
	return nil
}

// Remove takes away every line of key, with its comment, as sed '/^KEY=/d' does.
func (f *File) Remove(key string) {
	var left []byte
	from := 0
	for _, at := range f.find(key) {
		left = append(left, f.data[from:at.start-len(key)-len("=")]...)
		from = at.end
		if n := bytes.IndexByte(f.data[at.end:], '\n'); n >= 0 {
			from += n + 1
		} else {
			from = len(f.data)
		}
	}
	f.data = append(left, f.data[from:]...)
}
