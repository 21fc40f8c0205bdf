package conf

import "slices"

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
