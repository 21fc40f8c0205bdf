package applets

import (
	"os"
	"strconv"
	"strings"
	"unicode"

	"cage/applets/internal/kernel"
	"cage/conf"
)

// lsTable prints the cages in columns. width, where it is not 0, is that of the
// terminal, to which the memos are cut.
func lsTable(list listing, size bool, width int) string {
	rows := [][]string{{"NAME", "UUID", "STATE", "BASE", "PROCS"}}
	if size {
		rows[0] = append(rows[0], "SIZE")
	}
	rows[0] = append(rows[0], "MEMO")
	for _, l := range list.cages {
		row := []string{orDash(oneLine(l.name)), l.UUID[:list.digits], string(l.state), "-", "-"}
		memo := ""
		if l.cage != nil {
			row[3] = orDash(list.nameAll(l.cage.Base))
			memo = oneLine(conf.Unescape(l.cage.Memo))
		}
		if l.mounts {
			row[4] = strconv.Itoa(len(l.pids))
		}
		if size && l.size != nil {
			row = append(row, humanSize(*l.size))
		} else if size {
			row = append(row, "-")
		}
		rows = append(rows, append(row, memo))
	}
	return columns(rows, width)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// columns pads all columns but the last, the fifth and sixth, which are numbers,
// on their left, and cuts the last to width, unless that is 0.
func columns(rows [][]string, width int) string {
	wide := make([]int, len(rows[0])-1)
	for _, row := range rows {
		for i := range wide {
			wide[i] = max(wide[i], cells(row[i]))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, n := range wide {
			pad := strings.Repeat(" ", n-cells(row[i]))
			if i < 4 {
				line.WriteString(row[i] + pad + "  ")
			} else {
				line.WriteString(pad + row[i] + "  ")
			}
		}
		last := row[len(wide)]
		if width > 0 {
			last = cut(last, width-cells(line.String()))
		}
		b.WriteString(strings.TrimRight(line.String()+last, " ") + "\n")
	}
	return b.String()
}

// cut returns as much of s as fits into n cells.
func cut(s string, n int) string {
	for i, r := range s {
		if n -= cells(string(r)); n < 0 {
			return s[:i]
		}
	}
	return s
}

// cells returns how many cells of a terminal s takes: two for a character of the
// wide scripts (Unicode Standard Annex 11), none for an accent that joins another.
func cells(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case r < 0x300:
			n++
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf && r != 0x303f, r >= 0xac00 && r <= 0xd7a3,
			r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6,
			r >= 0x1f300 && r <= 0x1f64f, r >= 0x1f900 && r <= 0x1f9ff, r >= 0x20000 && r <= 0x3fffd:
			n += 2
		default:
			n++
		}
	}
	return n
}

// humanSize prints bytes in units of 1024, rounded up as du -h does.
func humanSize(bytes int64) string {
	const units = "KMGT"
	if bytes < 1024 {
		return strconv.FormatInt(bytes, 10)
	}
	size, unit := int64(1024), 0
	for (bytes+size-1)/size >= 1024 && unit < len(units)-1 {
		size, unit = size*1024, unit+1
	}
	if tenths := (bytes*10 + size - 1) / size; tenths < 100 {
		return strconv.FormatInt(tenths/10, 10) + "." + strconv.FormatInt(tenths%10, 10) + units[unit:unit+1]
	}
	return strconv.FormatInt((bytes+size-1)/size, 10) + units[unit:unit+1]
}

// width returns that of the terminal the result goes to, or 0 where it is none.
func (s *session) width() int {
	if f, ok := s.stdout.(*os.File); ok {
		return kernel.TerminalWidth(f)
	}
	return 0
}
