package conf

import (
	"bytes"
	"fmt"
)

// place is where a value of a key lies: its line, counted from 1, and its bytes in the file.
type place struct {
	line, start, end int
}

// find returns the places of the values that the article's sed prints for key.
func (f *File) find(key string) []place {
	var found []place
	number, offset := 0, 0
	for line, rest := cutLine(f.data); line != nil; line, rest = cutLine(rest) {
		number++
		if value, ok := valueOf(key, line); ok {
			start := offset + len(key) + 1
			found = append(found, place{number, start, start + len(value)})
		}
		offset += len(line)
	}
	return found
}

// cutLine returns the first line of data with its newline, nil where there is none, and
// what follows. bytes.Lines makes garbage where calls are not inlined, as in the build that
// is installed, and a command may read hundreds of confs.
func cutLine(data []byte) (line, rest []byte) {
	if len(data) == 0 {
		return nil, nil
	}
	end := bytes.IndexByte(data, '\n') + 1
	if end == 0 {
		end = len(data)
	}
	return data[:end], data[end:]
}

// valueOf returns the value that a line gives to key, if it does.
func valueOf(key string, line []byte) (value []byte, ok bool) {
	if len(line) <= len(key) || line[len(key)] != '=' || string(line[:len(key)]) != key {
		return nil, false // as nearly all
	}
	text := uncommented(line)
	if len(text) <= len(key) {
		return nil, false // the comment begins in the key
	}
	return text[len(key)+1:], true
}

// uncommented is what s/[[:space:]]*#.*$// leaves of a line, without its newline.
func uncommented(line []byte) []byte {
	text, _ := bytes.CutSuffix(line, []byte("\n"))
	if hash := bytes.IndexByte(text, '#'); hash >= 0 {
		text = bytes.TrimRight(text[:hash], blanks)
	}
	return text
}

func doubled(key string, found []place) error {
	if len(found) < 2 {
		return nil
	}
	return fmt.Errorf("%s= stands on line %d and on line %d", key, found[0].line, found[1].line)
}
