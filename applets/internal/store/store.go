// Package store knows the cages on disk: where they are, how they are named, and
// which bases they stand on. It reads files and knows no mounts.
package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"cage/conf"
)

// The conf of all cages: the first that exists is read. The second name is the
// one that the article creates.
var confPaths = []string{"/etc/opt/cage/cage.conf", "/etc/opt/cage/conf"}

// globalKeys are the keys of that conf, in the order of the Store's fields.
var globalKeys = []string{"tool", "data", "host", "snapshots"}

// HostUUID is the uuid of the host's cage, the nil uuid.
const HostUUID = "00000000-0000-0000-0000-000000000000"

// Store is the set of all cages, as cage.conf(5) says where they are.
type Store struct {
	Tool      string // where cage itself is installed
	Data      string // the directory of the cages, symbolic links resolved where it exists
	Host      string // the subvolume that cage-snapshot copies
	Snapshots string // where it puts the copies, likewise
}

// Open reads the conf at path, which must exist; with an empty path the usual
// ones, and where neither exists the built-in values hold.
func Open(path string) (*Store, error) {
	file, path, err := readConf(path)
	if err != nil {
		return nil, err
	}
	s := &Store{Tool: "/opt/cage", Data: "/var/opt/cage", Host: "/", Snapshots: "/.snapshots"}
	fields := []*string{&s.Tool, &s.Data, &s.Host, &s.Snapshots}
	for i, key := range globalKeys {
		value := file.Get(key)
		if value == "" {
			continue
		}
		if !filepath.IsAbs(value) {
			return nil, cannot("use", path, fmt.Errorf("%s=%s is not an absolute path", key, value))
		}
		*fields[i] = filepath.Clean(value)
	}
	for _, dir := range []*string{&s.Data, &s.Snapshots} {
		if real, err := filepath.EvalSymlinks(*dir); err == nil {
			*dir = real
		}
	}
	return s, nil
}

// readConf returns the conf of all cages and its path.
func readConf(path string) (*conf.File, string, error) {
	paths := confPaths
	if path != "" {
		paths = []string{path}
	}
	for _, p := range paths {
		data, err := readFile(p)
		if errors.Is(err, fs.ErrNotExist) && path == "" {
			continue
		}
		if err != nil {
			return nil, p, cannot("read", p, err)
		}
		file := conf.Parse(data)
		if err := file.Check(globalKeys); err != nil {
			return nil, p, cannot("use", p, err)
		}
		return file, p, nil
	}
	return conf.Parse(nil), "", nil
}

// fault is an error of this room: what could not be done to what, and why. Where
// another fault comes of it, that one says the object and the cause and not "cannot" again.
type fault struct {
	verb, object string
	cause        error
}

func (f *fault) Error() string { return "cannot " + f.verb + " " + f.object + ": " + f.cause.Error() }

func (f *fault) Unwrap() error { return f.cause }

// cannot makes a fault; the path that package os repeats is left out.
func cannot(verb, object string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return &fault{verb, object, err}
}
