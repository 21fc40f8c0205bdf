package store

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"cage/conf"
)

// Entry is a directory of the store: DATA/<uuid>.r or DATA/<uuid>.w.
type Entry struct {
	UUID     string
	Dir      string
	Writable bool
}

// Entry returns the cage of a uuid, there or not: a .w or a .r.
func (s *Store) Entry(id string, writable bool) Entry {
	dir := filepath.Join(s.Data, id)
	if writable {
		return Entry{id, dir + ".w", true}
	}
	return Entry{id, dir + ".r", false}
}

// Cage is an entry whose conf was read and found right.
type Cage struct {
	Entry
	Conf       *conf.File
	Name, Memo string
	Base       []string // uuids, the top one first
	Root       string   // the upper directory of a .w, the directory of a .r: an absolute path
	Work       string   // absolute; of a .w only
	Mountpoint string   // absolute; of a .w only
	Start      string   // as the conf says: a file beside it, or an absolute path inside the cage; "" is none
	Stop       string   // likewise
	Mounts     []Mount  // of a .w only: beside the article's, in the order of the conf
	Env        []string // of a .w only: KEY=VALUE, for what runs inside
}

// keys of a cage's conf that may stand in it once.
var keys = []string{"uuid", "name", "memo", "base", "root", "work", "mountpoint", "start", "stop"}

// ConfName is the conf of a cage in its directory.
const ConfName = "cage.conf"

// ConfPath returns the path of the entry's conf.
func (e Entry) ConfPath() string { return e.Dir + "/" + ConfName }

// Read returns the entry's conf as it is.
func (e Entry) Read() ([]byte, error) {
	data, err := readFile(e.ConfPath())
	if err != nil {
		return nil, cannot("read", e.ConfPath(), err)
	}
	return data, nil
}

// Name returns the name in the entry's conf, read as the article's sed would,
// or "" where there is none to be read.
func (e Entry) Name() string {
	data, err := readFile(e.ConfPath())
	if err != nil {
		return ""
	}
	return conf.Parse(data).Get("name")
}

// Label names an entry in a message, whose conf may be unreadable.
func (e Entry) Label() string {
	if name := e.Name(); name != "" {
		return name
	}
	return e.UUID
}

// named tells whether that is the entry's name. Only of a conf that holds the name
// somewhere it is looked for where it belongs.
func (e Entry) named(name string) bool {
	data, err := readFile(e.ConfPath())
	return err == nil && bytes.Contains(data, []byte(name)) && conf.Parse(data).Get("name") == name
}

// Load reads the entry's conf strictly (cage.conf(5)). The error names the file
// and the key.
func (e Entry) Load() (*Cage, error) {
	data, err := e.Read()
	if err != nil {
		return nil, err
	}
	c, err := e.Parse(data)
	if err != nil {
		return nil, cannot("use", e.ConfPath(), err)
	}
	return c, nil
}

// Parse makes a Cage of the content of its conf, which need not be on disk yet.
func (e Entry) Parse(data []byte) (*Cage, error) {
	f := conf.Parse(data)
	if err := f.Check(keys); err != nil {
		return nil, err
	}
	switch uuid := f.Get("uuid"); uuid {
	case e.UUID:
	case "":
		return nil, errors.New("it has no uuid")
	default:
		return nil, fmt.Errorf("uuid=%s is not that of its directory", uuid)
	}
	c := &Cage{Entry: e, Conf: f, Name: f.Get("name"), Memo: f.Get("memo")}
	if base := f.Get("base"); base != "" {
		c.Base = strings.Split(base, ":")
	}
	for _, uuid := range c.Base {
		if !IsUUID(uuid) {
			return nil, fmt.Errorf("base=%s is not a list of uuids with colons between", f.Get("base"))
		}
	}
	root, err := component(f, "root", "root")
	if err != nil {
		return nil, err
	}
	c.Root = e.Dir + "/" + root
	if !e.Writable {
		return c, nil
	}
	return c, c.parseWritable(f)
}

// parseWritable reads what only a .w has.
func (c *Cage) parseWritable(f *conf.File) error {
	work, err := component(f, "work", "work")
	if err != nil {
		return err
	}
	c.Work = filepath.Join(c.Dir, work)
	if c.Mountpoint = f.Get("mountpoint"); !filepath.IsAbs(c.Mountpoint) {
		name, err := component(f, "mountpoint", "mnt")
		if err != nil {
			return err
		}
		c.Mountpoint = filepath.Join(c.Dir, name)
	}
	if c.Mountpoint = filepath.Clean(c.Mountpoint); c.Mountpoint == "/" {
		return errors.New("mountpoint=/ is the root of the host")
	}
	c.Start, c.Stop = f.Get("start"), f.Get("stop")
	for _, key := range []string{"start", "stop"} {
		if value := f.Get(key); value != "" && !filepath.IsAbs(value) && !isComponent(value) {
			return fmt.Errorf("%s=%s is neither a file beside the conf nor an absolute path", key, value)
		}
	}
	if c.Root == c.Work || c.Root == c.Mountpoint || c.Work == c.Mountpoint {
		return errors.New("root, work and mountpoint must be three directories")
	}
	return c.parseRepeated()
}

// component returns the value of a key that must be one path component.
func component(f *conf.File, key, otherwise string) (string, error) {
	value := f.Get(key)
	if value == "" {
		return otherwise, nil
	}
	if !isComponent(value) {
		return "", fmt.Errorf("%s=%s is not the name of something in its directory", key, value)
	}
	return value, nil
}

// isComponent tells whether s can name an entry of a directory.
func isComponent(s string) bool {
	return s != "" && s != "." && s != ".." && !strings.Contains(s, "/")
}

// InsideDir tells whether the mountpoint is in the cage's own directory.
func (c *Cage) InsideDir() bool { return filepath.Dir(c.Mountpoint) == c.Dir }

// Label names a cage in a message.
func (c *Cage) Label() string {
	if c.Name != "" {
		return c.Name
	}
	return c.UUID
}
