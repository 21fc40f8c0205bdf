package applets

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"cage/applets/internal/store"
)

// checkName refuses a name that a cage cannot get.
func checkName(name string) error {
	if err := store.CheckName(name); err != nil {
		return fmt.Errorf("cannot name a cage %s: %w", name, err)
	}
	return nil
}

// printNames prints what each cage can be called on the command line, a name a line,
// for the completion of shells: its name, or its uuid where it has none that
// stands for itself there. Where anything is wrong there is nothing to complete.
func printNames(w io.Writer) {
	s, err := store.Open(os.Getenv("CAGE_CONF"))
	if err != nil {
		return
	}
	all, _ := s.List()
	var b strings.Builder
	for _, e := range all {
		name := e.Name()
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !strconv.IsPrint(r) }) {
			name = e.UUID
		}
		b.WriteString(name + "\n")
	}
	io.WriteString(w, b.String())
}
