package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"cage/conf"
)

// Mount is one that a cage has beside the article's: a directory or file of the
// host, `bind=SRC[:DST][:ro]`, or a tmpfs.
type Mount struct {
	Source   string // on the host; "" is a tmpfs
	At       string // inside
	ReadOnly bool
	Line     conf.Line // that asks for it
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
			m := Mount{Line: line}
			if err = m.parse(c.Mountpoint); err == nil {
				err = first(at, m.At, line)
			}
			c.Mounts = append(c.Mounts, m)
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

// parse reads the line, a bind= or tmpfs= of a cage with that mountpoint.
func (m *Mount) parse(mountpoint string) error {
	parts := strings.Split(m.Line.Value, ":")
	if m.Line.Key == "tmpfs" {
		parts = []string{m.Line.Value}
	} else if m.Source = parts[0]; len(parts) > 1 && parts[len(parts)-1] == "ro" {
		m.ReadOnly, parts = true, parts[:len(parts)-1]
	}
	m.At = parts[len(parts)-1]
	if len(parts) > 2 {
		return errors.New("it is not SRC[:DST][:ro]; a path with a colon cannot be said")
	}
	for _, path := range parts {
		if path == "" {
			return errors.New("a path is empty")
		}
		if !filepath.IsAbs(path) {
			return fmt.Errorf("%s is not an absolute path", path)
		}
		if clean := filepath.Clean(path); clean != path {
			return fmt.Errorf("%s is to be written %s", path, clean)
		}
	}
	if m.Source == mountpoint || strings.HasPrefix(m.Source, mountpoint+"/") {
		return errors.New("it lies in the cage's own mountpoint")
	}
	return checkAt(m.At)
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
