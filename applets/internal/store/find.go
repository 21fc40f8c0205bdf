package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"cage/conf"

	"github.com/google/uuid"
)

// ErrNotFound says that no cage answers to a name.
var ErrNotFound = errors.New("no such cage")

// ErrAmbiguous says that several cages answer to a name.
var ErrAmbiguous = errors.New("more than one cage")

// prefixMin is how many characters of a uuid say which one is meant.
const prefixMin = 4

// NewUUID returns a random uuid (RFC 9562, version 4).
func NewUUID() string { return uuid.NewString() }

// IsUUID tells whether s is a uuid in its canonical form: 36 characters, lower case.
func IsUUID(s string) bool {
	for i, c := range []byte(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (c == '-') || !dash && !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	return len(s) == 36
}

// IsPrefix tells whether ref is enough of a uuid to say which one is meant.
func IsPrefix(ref, uuid string) bool {
	return len(ref) >= prefixMin && strings.HasPrefix(uuid, ref)
}

// List returns all cages, sorted by uuid. A data directory that is not there
// holds none.
func (s *Store) List() ([]Entry, error) {
	dirs, err := os.ReadDir(s.Data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, cannot("read", s.Data, err)
	}
	var all []Entry
	for _, d := range dirs {
		name := d.Name()
		stem, isR := strings.CutSuffix(name, ".r")
		stem, isW := strings.CutSuffix(stem, ".w")
		if isR != isW && d.IsDir() && IsUUID(stem) {
			all = append(all, Entry{stem, filepath.Join(s.Data, name), isW})
		}
	}
	return all, nil
}

// Get returns the cage with exactly this uuid. Its directory as .r and as .w is an error.
func (s *Store) Get(id string) (Entry, error) {
	r, w := s.Entry(id, false), s.Entry(id, true)
	isR, errR := isDir(r.Dir)
	isW, errW := isDir(w.Dir)
	switch err := errors.Join(errR, errW); {
	case err != nil:
		return r, err
	case isR && isW:
		return r, cannot("use", id, fmt.Errorf("both %s and %s are there", filepath.Base(r.Dir), filepath.Base(w.Dir)))
	case isW:
		return w, nil
	case isR:
		return r, nil
	}
	return r, cannot("find", id, ErrNotFound)
}

// isDir tells whether path is a directory and no link to one.
func isDir(path string) (bool, error) {
	var st syscall.Stat_t
	switch err := lstat(path, &st); err {
	case nil:
		return st.Mode&syscall.S_IFMT == syscall.S_IFDIR, nil
	case syscall.ENOENT:
		return false, nil
	default:
		return false, cannot("read", path, err)
	}
}

// Find returns the cage that ref names: `host`, a full uuid, a name, or a unique
// prefix of a uuid.
func (s *Store) Find(ref string) (Entry, error) {
	switch ref {
	case "":
		return Entry{}, cannot("find", "''", ErrNotFound)
	case "host":
		e, err := s.Get(HostUUID)
		if errors.Is(err, ErrNotFound) {
			err = cannot("find", ref, ErrNotFound)
		}
		return e, err
	}
	if IsUUID(ref) {
		if e, err := s.Get(ref); !errors.Is(err, ErrNotFound) {
			return e, err
		}
	}
	all, err := s.List()
	if err != nil {
		return Entry{}, err
	}
	e, err := Choose(all, ref)
	if err != nil {
		return e, err
	}
	return s.Get(e.UUID)
}

// Choose returns the one of all that ref names: by a name, or else by a unique
// prefix of a uuid.
func Choose(all []Entry, ref string) (Entry, error) {
	var found []Entry
	for _, e := range all {
		if e.named(ref) {
			found = append(found, e)
		}
	}
	if len(found) == 0 {
		for _, e := range all {
			if IsPrefix(ref, e.UUID) {
				found = append(found, e)
			}
		}
	}
	switch {
	case len(found) == 0:
		return Entry{}, cannot("find", ref, ErrNotFound)
	case len(found) > 1 && found[0].UUID != found[len(found)-1].UUID:
		names := make([]string, len(found))
		for i, e := range found {
			names[i] = e.UUID + " (" + e.Name() + ")"
		}
		return Entry{}, cannot("choose", ref, fmt.Errorf("%w: %s", ErrAmbiguous, strings.Join(names, ", ")))
	}
	return found[0], nil
}

// CheckName tells why a cage cannot get this name, if so.
func CheckName(name string) error {
	if err := conf.Holds(name); err != nil {
		return err
	}
	_, notUUID := uuid.Parse(name)
	switch {
	case name == "":
		return errors.New("it is empty")
	case name == "host":
		return errors.New("it is the name of the host")
	case notUUID == nil:
		return errors.New("it looks like a uuid")
	case strings.Contains(name, "/"):
		return errors.New("it has a slash")
	}
	return nil
}

// Dependants returns the cages whose conf names id as a base.
func (s *Store) Dependants(id string) ([]*Cage, error) {
	all, err := s.List()
	if err != nil {
		return nil, err
	}
	var found []*Cage
	for _, e := range all {
		data, err := readFile(e.ConfPath())
		if err != nil {
			continue // without a conf it stands on nothing
		}
		if !bytes.Contains(data, []byte(id)) {
			continue // as nearly all: what they stand on is then no matter
		}
		f := conf.Parse(data)
		if slices.Contains(strings.Split(f.Get("base"), ":"), id) {
			found = append(found, &Cage{Entry: e, Conf: f, Name: f.Get("name")})
		}
	}
	return found, nil
}
