package applets

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"cage/applets/internal/kernel"
	"cage/applets/internal/plan"
	"cage/applets/internal/store"
	"cage/conf"

	"github.com/urfave/cli/v2"
)

func newSet(s *session) *cli.App {
	var edit bool
	app := s.app(boolFlag("edit", "e", "edit the whole conf, which is checked before it is taken", &edit))
	app.Action = func(c *cli.Context) error {
		args := c.Args().Slice()
		switch {
		case len(args) == 0:
			return usageError("which cage?")
		case edit && len(args) > 1:
			return usageError("--edit takes one cage and no KEY=VALUE")
		case !edit && len(args) == 1:
			return usageError("nothing to set: KEY=VALUE is missing")
		}
		for _, pair := range args[1:] {
			if !strings.Contains(pair, "=") {
				return usageError(pair + " is not KEY=VALUE")
			}
		}
		if err := s.open(); err != nil {
			return err
		}
		if edit {
			return runEdit(s, args[0])
		}
		return runSet(s, args[0], args[1:])
	}
	return describe(app, "CAGE KEY=VALUE...", `   cage-set web name=www 'memo=nginx, to be tried'
   cage-set web bind=/srv/www:/var/www:ro env=TZ=Asia/Tokyo
                             these, and tmpfs=, add a line each
   cage-set web bind=        take all lines of bind= away
   cage-set -e web           in $VISUAL, $EDITOR or vi
`)
}

// runSet changes keys of a cage's conf, all of them or none.
func runSet(s *session, ref string, pairs []string) error {
	e, err := s.find(ref)
	if err != nil {
		return err
	}
	return s.rewriteConf(e, func(old []byte) ([]byte, error) {
		file := conf.Parse(old)
		for _, pair := range pairs {
			key, value, _ := strings.Cut(pair, "=")
			if value != "" && !slices.Contains(store.Keys(), key) {
				s.note("%s is no key of cage's: it is kept, and does nothing", key)
			}
			if key == "memo" {
				value = conf.Escape(value)
			}
			if err := setKey(file, key, value); err != nil {
				return nil, err
			}
		}
		return file.Bytes(), nil
	})
}

// setKey sets a key, or where it may stand on several lines adds one; an empty value
// of such a key takes them all away.
func setKey(file *conf.File, key, value string) error {
	switch {
	case !slices.Contains(store.RepeatedKeys, key):
		return file.Set(key, value)
	case value != "":
		return file.Add(key, value)
	}
	file.Remove(key)
	return nil
}

// rewriteConf replaces the conf of a cage by what change makes of it, under the
// cage's lock, if it is one that the cage can have.
func (s *session) rewriteConf(e store.Entry, change func(old []byte) ([]byte, error)) error {
	held, err := s.lock(e)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot change %s: it is gone", e.UUID)
	}
	if err != nil {
		return err
	}
	defer held.release()
	old, err := e.Read()
	if err != nil {
		return err
	}
	data, err := change(old)
	if err != nil {
		return err
	}
	if bytes.Equal(old, data) {
		s.note("nothing to change")
		return nil
	}
	if err := checkConf(e, old, data); err != nil {
		return err
	}
	if err := s.carryOut(plan.Plan{&plan.Write{Path: e.ConfPath(), Data: data, Mode: 0o644}}); err != nil {
		return err
	}
	s.noteLater(e, old, data)
	return nil
}

// checkConf refuses a conf that is none, and what is not to be changed in one.
func checkConf(e store.Entry, old, data []byte) error {
	cannot := func(err error) error { return kernel.Cannot("change", e.Label(), err) }
	changed := changedKeys(old, data)
	if e.Writable && slices.Contains(changed, "base") { // before it is read: `base=host` is meant so, too
		return withHint(cannot(errors.New("its base is what its files were made on")), "cage-rebase %s BASE", e.Label())
	}
	if _, err := e.Parse(data); err != nil {
		return cannot(err)
	}
	for _, key := range changed {
		switch {
		case !e.Writable && key != "name" && key != "memo" && key != "uuid":
			return cannot(fmt.Errorf("%s= of a base stays; its name and memo may change", key))
		case key == "name":
			if err := checkName(conf.Parse(data).Get("name")); err != nil {
				return err
			}
		case key == "root" || key == "work" || key == "mountpoint":
			if err := checkMove(e, old, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkMove refuses to change where a cage is mounted, and what, unless it is down.
func checkMove(e store.Entry, old []byte, key string) error {
	c, err := e.Parse(old)
	if err != nil {
		return kernel.Cannot("change "+key+"= of", e.Label(), fmt.Errorf("whether it is down is not to be told: %w", err))
	}
	f, err := look(c)
	if err != nil {
		return err
	}
	if f.state != down {
		return withHint(fmt.Errorf("cannot change %s= of %s: it is %s", key, c.Label(), f.state), "cage-down %s", c.Label())
	}
	if used, err := kernel.UpperInUse(c.Root); err == nil && used {
		return inUse(c, "change "+key+"= of")
	}
	return nil
}

// changedKeys returns the keys of cage's own that differ between two confs.
func changedKeys(old, data []byte) []string {
	a, b := conf.Parse(old), conf.Parse(data)
	return slices.DeleteFunc(store.Keys(), func(key string) bool {
		return slices.EqualFunc(a.Lines(key), b.Lines(key), func(x, y conf.Line) bool { return x.Value == y.Value })
	})
}

// noteLater says what of a change waits for the next cage-up.
func (s *session) noteLater(e store.Entry, old, data []byte) {
	later := slices.DeleteFunc(changedKeys(old, data), func(key string) bool { return key != "start" && key != "bind" && key != "tmpfs" })
	c, err := e.Parse(data)
	if err != nil || !e.Writable || len(later) == 0 {
		return
	}
	if f, err := look(c); err == nil && f.state != down {
		s.note("%s is %s; the new %s counts when it is next brought up", c.Label(), f.state, strings.Join(later, ", "))
	}
}
