package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"cage/conf"
)

// Bind is a directory or file of the host that a cage has, too: `bind=SRC[:DST][:ro]`.
type Bind struct {
	Source   string // on the host
	At       string // inside
	ReadOnly bool
}

// Mount is one that a cage has beside the article's: a Bind, or where Source is
// empty a tmpfs.
type Mount struct {
	Bind
	Line conf.Line // that asks for it
}

// RepeatedKeys may stand on several lines of a cage's conf, each of which adds one.
var RepeatedKeys = []string{"bind", "tmpfs", "env"}

// Keys returns all keys of a cage's conf.
func Keys() []string { return append(slices.Clone(keys), RepeatedKeys...) }

// parseRepeated reads the keys that may be repeated.
func (c *Cage) parseRepeated() error {
	at, names := map[string]conf.Line{}, map[string]conf.Line{}
	for _, line := range c.Conf.Lines(RepeatedKeys...) {
		var err error
		if line.Key == "env" {
			name, _, _ := strings.Cut(line.Value, "=")
			if err = checkEnv(line.Value); err == nil {
				err = first(names, name, line)
			}
			c.Env = append(c.Env, line.Value)
		} else {
			var b Bind
			if b, err = c.parseMount(line); err == nil {
				err = first(at, b.At, line)
			}
			if line.Key == "bind" {
				c.Binds = append(c.Binds, b)
			} else {
				c.Tmpfs = append(c.Tmpfs, b.At)
			}
		}
		if err != nil {
			return fmt.Errorf("%s=%s on line %d: %w", line.Key, line.Value, line.Number, err)
		}
	}
	return nil
}

// first refuses what an earlier line has said already.
func first(seen map[string]conf.Line, what string, line conf.Line) error {
	if before, ok := seen[what]; ok {
		return fmt.Errorf("%s is on line %d already", what, before.Number)
	}
	seen[what] = line
	return nil
}

// Mounts returns what the cage has mounted beside the article's, in the order of
// its conf.
func (c *Cage) Mounts() []Mount {
	var all []Mount
	binds, tmpfs := c.Binds, c.Tmpfs
	if len(binds)+len(tmpfs) == 0 {
		return nil
	}
	for _, line := range c.Conf.Lines("bind", "tmpfs") {
		if line.Key == "bind" {
			all = append(all, Mount{binds[0], line})
			binds = binds[1:]
		} else {
			all = append(all, Mount{Bind{At: tmpfs[0]}, line})
			tmpfs = tmpfs[1:]
		}
	}
	return all
}

// parseMount reads a bind= or tmpfs=.
func (c *Cage) parseMount(line conf.Line) (b Bind, err error) {
	parts := strings.Split(line.Value, ":")
	if line.Key == "tmpfs" {
		parts = []string{line.Value}
	} else if b.Source = parts[0]; len(parts) > 1 && parts[len(parts)-1] == "ro" {
		b.ReadOnly, parts = true, parts[:len(parts)-1]
	}
	b.At = parts[len(parts)-1]
	if len(parts) > 2 {
		return b, errors.New("it is not SRC[:DST][:ro]; a path with a colon cannot be said")
	}
	for _, path := range parts {
		if path == "" {
			return b, errors.New("a path is empty")
		}
		if !filepath.IsAbs(path) {
			return b, fmt.Errorf("%s is not an absolute path", path)
		}
		if clean := filepath.Clean(path); clean != path {
			return b, fmt.Errorf("%s is to be written %s", path, clean)
		}
	}
	if b.Source == c.Mountpoint || strings.HasPrefix(b.Source, c.Mountpoint+"/") {
		return b, errors.New("it lies in the cage's own mountpoint")
	}
	return b, checkAt(b.At)
}

// checkAt refuses a place inside that is the article's. Nothing is mounted deeper
// in proc, sys and dev either: what is made there is made in the kernel's own.
func checkAt(at string) error {
	if at == "/" || at == "/tmp" {
		return fmt.Errorf("%s is mounted already", at)
	}
	for _, dir := range []string{"/proc", "/sys", "/dev"} {
		if at == dir || strings.HasPrefix(at, dir+"/") {
			return fmt.Errorf("nothing can be mounted in %s", dir)
		}
	}
	return nil
}

// checkEnv refuses what is not KEY=VALUE with a key that a shell can read.
func checkEnv(value string) error {
	name, _, ok := strings.Cut(value, "=")
	switch {
	case !ok || name == "":
		return errors.New("it is not KEY=VALUE")
	case strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "", name[0] >= '0' && name[0] <= '9':
		return fmt.Errorf("%s is not a name that a shell knows", name)
	}
	return nil
}
