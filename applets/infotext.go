package applets

import (
	"fmt"
	"strings"
)

// infoText prints each member of o as a line `Key: value`, a list as a line an
// item, and what is null or empty not at all.
func infoText(o object) string {
	var b strings.Builder
	for _, m := range o {
		for _, value := range infoValues(m.value) {
			fmt.Fprintf(&b, "%s: %s\n", infoKey(m), oneLine(value))
		}
	}
	return b.String()
}

// infoKey is the key of the text: that of the JSON, of a list in the singular.
func infoKey(m member) string {
	key := m.key
	switch m.value.(type) {
	case []string, []object:
		key = strings.TrimSuffix(key, "s")
	}
	if key == "uuid" {
		return "UUID"
	}
	return strings.ToUpper(key[:1]) + strings.ReplaceAll(key[1:], "_", "-")
}

// infoValues is a value of the text, a line each. Of an object the values stand
// in it, with blanks between.
func infoValues(v any) []string {
	switch v := v.(type) {
	case nil, string:
		if v == nil || v == "" {
			return nil
		}
	case bool:
		return []string{map[bool]string{true: "yes", false: "no"}[v]}
	case []string:
		return v
	case []object:
		var lines []string
		for _, o := range v {
			var words []string
			for _, m := range o {
				if m.value != "" {
					words = append(words, fmt.Sprint(m.value))
				}
			}
			lines = append(lines, strings.Join(words, " "))
		}
		return lines
	}
	return []string{fmt.Sprint(v)}
}
