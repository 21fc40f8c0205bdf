package applets

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"cage/applets/internal/kernel"
	"cage/applets/internal/store"
)

// canAsk tells whether there is somebody to ask, at a terminal.
func canAsk() bool { return kernel.IsTerminal(os.Stdin) && kernel.IsTerminal(os.Stderr) }

// ask asks somebody at a terminal and returns the answer, in lower case; ok is
// false where the input ended instead.
func (s *session) ask(question string) (answer string, ok bool) {
	fmt.Fprint(s.stderr, question)
	line := make([]byte, 256)
	n, _ := os.Stdin.Read(line) // a terminal gives one line
	return strings.ToLower(strings.TrimSpace(string(line[:n]))), n > 0
}

// confirmRm asks, on a terminal and nowhere else, before what was written in a
// cage is lost, unless it was told not to.
func (s *session) confirmRm(ref string, e store.Entry, o rmOptions) error {
	if o.force || o.yes || s.dryRun || !canAsk() {
		return nil
	}
	n, err := s.written(e)
	if n == 0 || err != nil {
		return err
	}
	if err := s.checkRm(e, o); err != nil {
		return err // to ask would be in vain
	}
	entries := "1 entry"
	if n > 1 {
		entries = fmt.Sprint(n, " entries")
	}
	answer, _ := s.ask(fmt.Sprintf("%s: remove %s and what was written in it (%s, %s at top)? [y/N] ", s.name, oneLine(ref), oneLine(e.Label()), entries))
	if answer == "y" || answer == "yes" {
		return nil
	}
	return fmt.Errorf("cannot remove %s: you did not say yes", e.Label())
}

// written counts the entries at the top of what was written in a cage, which is
// nothing for a base that is a link; one whose conf cannot be read has its root
// under the usual name.
func (s *session) written(e store.Entry) (n int, err error) {
	c, err := e.Load()
	if err != nil {
		c = &store.Cage{Entry: e, Root: filepath.Join(e.Dir, "root")}
	}
	if info, err := os.Lstat(c.Root); err != nil || !info.IsDir() {
		return 0, nil
	}
	if pristine, err := s.isPristine(c); err != nil || pristine {
		return 0, err
	}
	entries, err := os.ReadDir(c.Root)
	if err != nil {
		return 0, kernel.Cannot("read", c.Root, err)
	}
	for _, entry := range entries {
		below, _ := os.ReadDir(filepath.Join(c.Root, entry.Name()))
		if !entry.IsDir() || len(below) > 0 { // an empty one is cage-new's, as a rule
			n++
		}
	}
	return n, nil
}
