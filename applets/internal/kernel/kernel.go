// Package kernel is the only room that speaks to Linux beyond package os:
// mounts, what is mounted, btrfs, processes, locks, chroot, and removal that
// never crosses a mount. It knows no cages, prints nothing and never exits.
package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Cannot words an error: a verb, what it was about, and the cause, without the
// operation and the path that package os puts around it.
func Cannot(verb, object string, err error) error {
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		err = p.Err
	case errors.As(err, &l):
		err = l.Err
	}
	return fmt.Errorf("cannot %s %s: %w", verb, object, err)
}
