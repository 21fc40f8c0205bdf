package applets

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"cage/applets/internal/kernel"
)

// account is whom a command runs as, as the files of the cage have it.
type account struct {
	name, home, shell string
	ids               syscall.Credential
}

// findAccount finds the account that spec, USER[:GROUP], names in the passwd(5) and
// group(5) of the root directory; "" is root.
func findAccount(spec string) (account, error) {
	passwd, err := readIfThere("/etc/passwd")
	if err != nil {
		return account{}, err
	}
	group, err := readIfThere("/etc/group")
	if err != nil {
		return account{}, err
	}
	return parseAccount(passwd, group, spec)
}

// readIfThere reads a file; one that is not there is empty.
func readIfThere(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", kernel.Cannot("read", path, err)
	}
	return string(data), nil
}

// parseAccount is findAccount with the content of the files. A name beats a
// number; a number need not be listed, but then the group must be given.
func parseAccount(passwd, group, spec string) (account, error) {
	user, groupName, _ := strings.Cut(spec, ":")
	if user == "" {
		user = "0"
	}
	// root need not be listed: a tree may be of one program
	a := account{name: "root", home: "/root", shell: "/bin/sh"}
	if f := findLine(passwd, user, 7); f != nil {
		a = account{name: f[0], home: f[5], shell: f[6]}
		uid, errUID := parseID(f[2])
		gid, errGID := parseID(f[3])
		if err := errors.Join(errUID, errGID); err != nil {
			return a, fmt.Errorf("cannot be %s: its line in /etc/passwd inside has no ids", f[0])
		}
		a.ids.Uid, a.ids.Gid = uid, gid
	} else if user != "root" && user != "0" {
		uid, err := parseID(user)
		if err != nil {
			return a, fmt.Errorf("cannot be %s: no such user in /etc/passwd inside", user)
		}
		if groupName == "" {
			return a, withHint(fmt.Errorf("cannot be %s: it has no line in /etc/passwd inside that tells its group", user), "-u %s:GROUP", user)
		}
		a = account{name: user, home: "/"}
		a.ids.Uid = uid
	}
	if a.home == "" {
		a.home = "/"
	}
	if a.shell == "" {
		a.shell = "/bin/sh"
	}
	if groupName != "" {
		f := findLine(group, groupName, 4)
		if f == nil {
			f = []string{"", "", groupName}
		}
		gid, err := parseID(f[2])
		if err != nil {
			return a, fmt.Errorf("cannot be %s: no such group in /etc/group inside", spec)
		}
		a.ids.Gid = gid
	}
	a.ids.Groups = append([]uint32{a.ids.Gid}, memberships(group, a.name, a.ids.Gid)...)
	return a, nil
}

// findLine returns the fields of the first line of passwd(5) or group(5) whose
// first field is ref, else of the first whose third is; nil: there is none.
func findLine(file, ref string, fields int) (found []string) {
	for line := range strings.SplitSeq(file, "\n") {
		f := strings.Split(line, ":")
		switch {
		case len(f) != fields:
		case f[0] == ref:
			return f
		case f[2] == ref && found == nil:
			found = f
		}
	}
	return found
}

// memberships returns the groups besides its own that list a user:
//
//	adm:x:4:syslog,alice
func memberships(group, user string, own uint32) (ids []uint32) {
	for line := range strings.SplitSeq(group, "\n") {
		f := strings.Split(line, ":")
		if len(f) != 4 || !slices.Contains(strings.Split(f[3], ","), user) {
			continue
		}
		if gid, err := parseID(f[2]); err == nil && gid != own {
			ids = append(ids, gid)
		}
	}
	return ids
}

// parseID reads a uid or gid. The largest number is none: to setresuid(2) it
// means to change nothing.
func parseID(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err == nil && n == math.MaxUint32 {
		err = strconv.ErrRange
	}
	return uint32(n), err
}
