package applets

import (
	"fmt"
	"os"
	"strings"
	"time"

	"cage/applets/internal/kernel"
	"cage/applets/internal/store"
	"cage/conf"
)

// draft makes the conf of the new cage and reads it as any conf is read.
func (s *session) draft(o newOptions, id string) (*store.Cage, error) {
	now := time.Now().Format(rfc3339seconds)
	name, memo := o.name, o.memo
	if name == "" {
		name = "cage-" + id[:8]
	}
	if !o.hasMemo {
		memo = "the cage, " + now
	}
	pairs := [][2]string{{"uuid", id}, {"name", name}, {"memo", conf.Escape(memo)}}
	base, err := s.resolveBase(o)
	if err != nil {
		return nil, err
	}
	if o.ro == "" {
		pairs = append(pairs, [2]string{"base", base}, [2]string{"root", "root"}, [2]string{"work", "work"}, [2]string{"mountpoint", "mnt"},
			[2]string{"start", nameIf(o.start, "start")}, [2]string{"stop", nameIf(o.stop, "stop")})
	} else {
		if base != "" {
			pairs = append(pairs, [2]string{"base", base})
		}
		pairs = append(pairs, [2]string{"root", "root"})
	}
	var text strings.Builder
	for _, p := range pairs {
		text.WriteString(p[0] + "=" + p[1] + "\n")
	}
	file := conf.Parse([]byte(text.String()))
	for _, set := range o.set {
		key, value, _ := strings.Cut(set, "=")
		if key == "name" {
			if err := checkName(value); err != nil {
				return nil, err
			}
		}
		if err := setKey(file, key, value); err != nil {
			return nil, err
		}
	}
	c, err := s.store.Entry(id, o.ro == "").Parse(file.Bytes())
	if err != nil {
		return nil, kernel.Cannot("make", "such a cage", err)
	}
	return c, nil
}

// checkSet refuses what --set cannot be.
func (o newOptions) checkSet() error {
	for _, set := range o.set {
		if key, _, ok := strings.Cut(set, "="); !ok || key == "uuid" {
			return usageError("--set takes KEY=VALUE, and not the uuid")
		}
	}
	return nil
}

// checkNew refuses options that cannot be, before anything is looked at.
func checkNew(s *session, o newOptions) error {
	if o.name != "" {
		if err := checkName(o.name); err != nil {
			return err
		}
	}
	if o.ro != "" {
		if o.start != "" || o.stop != "" {
			return usageError("a base has no start or stop script")
		}
		if info, err := os.Stat(o.ro); err != nil {
			return kernel.Cannot("use", o.ro, err)
		} else if !info.IsDir() {
			return fmt.Errorf("cannot use %s: it is not a directory", o.ro)
		}
	}
	for _, file := range []string{o.start, o.stop} {
		if file == "" {
			continue
		}
		if info, err := os.Stat(file); err != nil {
			return kernel.Cannot("copy", file, err)
		} else if !info.Mode().IsRegular() {
			return fmt.Errorf("cannot copy %s: it is not a file", file)
		}
	}
	if fstype, err := kernel.FSType(nearest(s.store.Data)); err == nil && fstype == "overlay" {
		return withHint(fmt.Errorf("cannot make a cage in %s: it is on overlayfs, which cannot hold an upper directory", s.store.Data), "cage.conf(5): data=")
	}
	return nil
}

// warnOfTwin tells of a cage that has the name already.
func (s *session) warnOfTwin(name string) {
	if name == "" || s.quiet {
		return
	}
	all, err := s.store.List()
	if err != nil {
		return // what comes next says so
	}
	for _, e := range all {
		if e.Name() == name {
			s.warn("%s is called %s, too: only the uuid tells one from the other", e.UUID, name)
			return
		}
	}
}

// nameIf returns name where there is a file, else nothing.
func nameIf(file, name string) string {
	if file == "" {
		return ""
	}
	return name
}

// resolveBase turns --base into uuids.
func (s *session) resolveBase(o newOptions) (string, error) {
	switch {
	case o.base == "" && o.ro != "":
		return "", nil
	case o.base == "":
		o.base = "host"
	}
	return s.resolveBases(o.base)
}

// resolveBases turns REF[:REF] into uuids.
func (s *session) resolveBases(refs string) (string, error) {
	var ids []string
	for ref := range strings.SplitSeq(refs, ":") {
		e, err := s.find(ref)
		if err != nil {
			return "", err
		}
		if e.Writable {
			return "", fmt.Errorf("cannot use %s as a base: it is writable", ref)
		}
		ids = append(ids, e.UUID)
	}
	return strings.Join(ids, ":"), nil
}

// rfc3339seconds is the format of `date --rfc-3339=seconds`.
const rfc3339seconds = "2006-01-02 15:04:05-07:00"
