package applets

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"cage/applets/internal/kernel"
	"cage/applets/internal/store"
)

// runEdit lets one edit the conf of a cage in a copy, without the lock, and takes it
// when it is right and nobody changed the conf meanwhile.
func runEdit(s *session, ref string) error {
	e, err := s.find(ref)
	if err != nil {
		return err
	}
	before, err := e.Read()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "cage-set.")
	if err != nil {
		return kernel.Cannot("make", "a draft", err)
	}
	draft := filepath.Join(dir, "cage.conf")
	keep, err := s.takeDraft(e, before, draft)
	if keep {
		return withHint(err, "diff %s %s", draft, e.ConfPath())
	}
	return errors.Join(err, os.RemoveAll(dir))
}

// takeDraft lets one edit the draft until it is right, and makes it the conf. keep
// tells that it is right, and could not become that.
func (s *session) takeDraft(e store.Entry, before []byte, draft string) (keep bool, err error) {
	if err := kernel.Create(draft, before, 0o600); err != nil {
		return false, err
	}
	var data []byte
	for wrong := true; wrong; {
		if err := edit(draft); err != nil {
			return false, kernel.Cannot("edit", e.Label(), err)
		}
		if data, err = os.ReadFile(draft); err != nil {
			return false, kernel.Cannot("read", draft, err)
		}
		if bytes.Equal(data, before) {
			s.note("nothing to change")
			return false, nil
		}
		err := checkConf(e, before, data)
		if wrong = err != nil; wrong && !s.again(err) {
			return false, exitStatus(exitFailed)
		}
	}
	err = s.rewriteConf(e, func(now []byte) ([]byte, error) {
		if !bytes.Equal(now, before) {
			return nil, fmt.Errorf("cannot change %s: its conf was changed meanwhile", e.Label())
		}
		return data, nil
	})
	return err != nil, err
}

// edit runs the editor on a file and waits for it. Like git(1) it lets a shell read
// the variable, which may have words behind the command.
func edit(path string) error {
	editor := environ("VISUAL", environ("EDITOR", "vi"))
	// What the terminal sends to both is the editor's to understand.
	ignored := make(chan os.Signal, 1)
	signal.Notify(ignored, syscall.SIGINT, syscall.SIGQUIT)
	defer signal.Stop(ignored)
	p, err := os.StartProcess("/bin/sh", []string{"sh", "-c", editor + ` "$@"`, editor, path},
		&os.ProcAttr{Env: os.Environ(), Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		return err
	}
	state, err := p.Wait()
	if err == nil && !state.Success() {
		err = errors.New(editor + ": " + state.String())
	}
	return err
}

// again tells what is wrong and, on a terminal, asks whether to go back to it.
func (s *session) again(err error) bool {
	s.tell(err)
	if !canAsk() {
		return false
	}
	answer, ok := s.ask("edit again? [Y/n] ")
	return ok && !strings.HasPrefix(answer, "n")
}
