package applets

import (
	"fmt"
	"slices"
	"strings"

	"cage/applets/internal/store"
)

// filter is one KEY=VALUE that a cage must have to be listed.
type filter struct{ key, value string }

// parseFilters reads what --filter was given.
func parseFilters(given words) ([]filter, error) {
	var filters []filter
	for _, text := range given {
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" {
			return nil, usageError("--filter takes KEY=VALUE")
		}
		states := []state{up, half, down, isBase, broken}
		if key == "state" && !slices.Contains(states, state(value)) {
			return nil, usageError(fmt.Sprintf("--filter state=%s: a state is one of %s", value, strings.Trim(fmt.Sprint(states), "[]")))
		}
		filters = append(filters, filter{key, value})
	}
	return filters, nil
}

// asksState tells whether the kernel has to be asked.
func asksState(filters []filter) bool {
	return slices.ContainsFunc(filters, func(f filter) bool { return f.key == "state" })
}

// sieve leaves the cages that pass the filters: those on their state, or all others.
func (list *listing) sieve(filters []filter, onState bool) {
	list.cages = slices.DeleteFunc(list.cages, func(l *listed) bool {
		return slices.ContainsFunc(filters, func(f filter) bool {
			return (f.key == "state") == onState && !f.passes(l, list.names)
		})
	})
}

// passes tells whether a cage has the value; names are those of all cages.
func (f filter) passes(l *listed, names map[string]string) bool {
	switch f.key {
	case "state":
		return string(l.state) == f.value
	case "uuid":
		return store.IsPrefix(f.value, l.UUID)
	case "name":
		return l.name == f.value
	}
	if l.cage == nil {
		return false
	}
	if f.key == "base" {
		return slices.ContainsFunc(l.cage.Base, func(id string) bool {
			return store.IsPrefix(f.value, id) || names[id] == f.value || f.value == "host" && id == store.HostUUID
		})
	}
	return slices.Contains(l.cage.Conf.Raw(f.key), f.value)
}
