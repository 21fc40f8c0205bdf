package applets

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// lines are what the branches of a tree are drawn with.
type lines struct{ branch, last, trunk, gap string }

// linesOf returns those that the locale can show (locale(7): LC_ALL, LC_CTYPE, LANG).
func linesOf() lines {
	for _, key := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		value := os.Getenv(key)
		if value == "" {
			continue
		}
		charset := strings.ReplaceAll(strings.ToLower(value), "-", "")
		if strings.Contains(charset, ".utf8") {
			return lines{"├── ", "└── ", "│   ", "    "}
		}
		break
	}
	return lines{"|-- ", "`-- ", "|   ", "    "}
}

// drawTree draws each cage once, below its topmost base; further bases stand
// behind it.
func drawTree(list listing, with lines) string {
	above := map[string][]*listed{} // by the uuid of the base
	shown := list.shown()
	var roots []*listed
	for _, l := range list.cages {
		if l.cage != nil && len(l.cage.Base) > 0 && shown[l.cage.Base[0]] {
			above[l.cage.Base[0]] = append(above[l.cage.Base[0]], l)
		} else {
			roots = append(roots, l)
		}
	}
	var b strings.Builder
	drawn := map[*listed]bool{}
	var draw func(l *listed, lead, below string)
	draw = func(l *listed, lead, below string) {
		if drawn[l] {
			return
		}
		drawn[l] = true
		b.WriteString(lead + l.inTree(list) + "\n")
		for i, next := range above[l.UUID] {
			if i+1 < len(above[l.UUID]) {
				draw(next, below+with.branch, below+with.trunk)
			} else {
				draw(next, below+with.last, below+with.gap)
			}
		}
	}
	for _, l := range slices.Concat(roots, list.cages) { // bases in a ring have no root
		draw(l, "", "")
	}
	return b.String()
}

// shown are the uuids of the cages that passed the filters.
func (list listing) shown() map[string]bool {
	set := map[string]bool{}
	for _, l := range list.cages {
		set[l.UUID] = true
	}
	return set
}

// inTree is a cage's line in the tree.
func (l *listed) inTree(list listing) string {
	line := list.nameAll([]string{l.UUID})
	if l.name != "" {
		line += " " + l.UUID[:list.digits]
	}
	line += " " + string(l.state)
	if l.cage != nil && len(l.cage.Base) > 1 {
		line += ", also on " + list.nameAll(l.cage.Base[1:])
	}
	return line
}

// dot writes the cages as a graph, with an arrow from each to its bases, for
// dot(1). The first of several bases, the topmost, has number 1.
func dot(list listing) string {
	var b strings.Builder
	b.WriteString("digraph cages {\n\trankdir=BT\n\tnode [shape=box]\n")
	for _, l := range list.cages {
		fmt.Fprintf(&b, "\t\"%s\" [label=%s]\n", l.UUID, dotQuote(l.inDot(list)...))
	}
	shown := list.shown()
	for _, l := range list.cages {
		if l.cage == nil {
			continue
		}
		for i, id := range l.cage.Base {
			if _, there := list.names[id]; there && !shown[id] {
				continue // it did not pass the filters
			}
			fmt.Fprintf(&b, "\t\"%s\" -> \"%s\"", l.UUID, id)
			if len(l.cage.Base) > 1 {
				fmt.Fprintf(&b, " [label=%d]", i+1)
			}
			b.WriteString("\n")
		}
	}
	return b.String() + "}\n"
}

// inDot is what stands in a cage's box, line by line.
func (l *listed) inDot(list listing) []string {
	return []string{list.nameAll([]string{l.UUID}), l.UUID[:list.digits], string(l.state)}
}

// dotQuote makes a string of the graphviz language, where a backslash begins an
// escape, of lines.
func dotQuote(lines ...string) string {
	for i, line := range lines {
		lines[i] = strings.ReplaceAll(strings.ReplaceAll(line, `\`, `\\`), `"`, `\"`)
	}
	return `"` + strings.Join(lines, `\n`) + `"`
}
