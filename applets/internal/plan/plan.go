// Package plan holds what is about to be done as data: an ordered list of steps,
// each of which can print itself as the shell command it stands for and do
// exactly that. It knows steps, not cages.
package plan

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"cage/applets/internal/kernel"
)

// Step is one command of the written procedure. String and Do read the same
// fields, so that what is printed is what is done.
type Step interface {
	String() string // the command, for a POSIX shell
	Do() error
}

// Undoer is a step that can be taken back. Undo takes back what this Do changed,
// and nothing where Do changed nothing.
type Undoer interface{ Undo() error }

// Plan is a list of steps, in order.
type Plan []Step

// Print writes the plan as a script for `sh -e`.
func (p Plan) Print(w io.Writer) error {
	for _, s := range p {
		if _, err := fmt.Fprintln(w, s); err != nil {
			return err
		}
	}
	return nil
}

// Run does the steps in order, telling trace (unless nil) of each before. At the
// first error, or when a signal has arrived on stop, it undoes backwards what
// was done and returns that error joined with that of undoing.
func (p Plan) Run(trace func(Step), stop <-chan os.Signal) error {
	for i, s := range p {
		select {
		case <-stop:
			return errors.Join(kernel.Cannot("go", "on", kernel.ErrInterrupted), p[:i].undo())
		default:
		}
		if trace != nil {
			trace(s)
		}
		if err := s.Do(); err != nil {
			return errors.Join(err, p[:i+1].undo())
		}
	}
	return nil
}

// undo takes the steps back, the last first, as far as that goes: one that stays
// may stand on those before it, as a conf does on the base that it names.
func (p Plan) undo() error {
	for i := len(p) - 1; i >= 0; i-- {
		if u, ok := p[i].(Undoer); ok {
			if err := u.Undo(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Quote makes one word of s for a POSIX shell.
func Quote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:=@%,") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// command joins words to a command, each quoted where it must be.
func command(words ...string) string {
	for i, w := range words {
		words[i] = Quote(w)
	}
	return strings.Join(words, " ")
}
