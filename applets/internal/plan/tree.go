package plan

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"cage/applets/internal/kernel"
)

// CopyTree makes a copy To, which is not there yet, of From and all in it, with
// what overlayfs keeps in extended attributes, and where the filesystem can without
// copying data. A cp(1) that cannot copy attributes says so and fails.
type CopyTree struct {
	From, To string
	Stop     func() <-chan os.Signal // a signal that arrives there ends it

	done bool
}

func (c *CopyTree) String() string {
	return command("cp", "-a", "--preserve=xattr", "--reflink=auto", "-T", c.From, c.To)
}

// Do runs cp(1).
func (c *CopyTree) Do() error {
	r, w, err := os.Pipe()
	if err != nil {
		return kernel.Cannot("copy", c.From, err)
	}
	defer r.Close()
	said := make(chan string)
	go func() {
		text, _ := io.ReadAll(r)
		said <- string(text)
	}()
	c.done = true
	env := append(os.Environ(), "LC_ALL=C")
	sh := []string{"/bin/sh", "-c", "exec " + c.String()}
	// Were it to live on, it would fill what cage-check takes for a leftover.
	status, err := kernel.Run(kernel.Command{Args: sh, Env: env, Output: w, Tied: true}, 0, c.Stop)
	w.Close()
	words := <-said
	if err == nil && status != 0 {
		if err = errors.New(statusWords(status)); words != "" {
			line, _, _ := strings.Cut(words, "\n")
			err = errors.New(strings.TrimPrefix(line, "cp: "))
		}
	}
	if err != nil {
		return fmt.Errorf("cannot copy %s: %w", c.From, err)
	}
	return nil
}

// Undo removes the copy, as far as it went.
func (c *CopyTree) Undo() error {
	if !c.done {
		return nil
	}
	return (&Remove{Path: c.To}).Do()
}

// SyncFS brings all that was written to the filesystem of Path to the disk.
type SyncFS struct{ Path string }

func (s *SyncFS) String() string { return command("sync", "-f", s.Path) }

// Do waits for the disk.
func (s *SyncFS) Do() error { return kernel.SyncFS(s.Path) }
