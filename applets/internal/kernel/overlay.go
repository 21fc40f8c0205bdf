package kernel

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// optionsMax is what mount(2) reads of an option string: one page, the NUL
// included. What is longer it cuts without a word.
const optionsMax = 4095

// OverlayOptions returns the option string for mount(2), with every comma, colon
// and backslash of a path escaped, or an error where mount(2) would cut it.
func OverlayOptions(o Layers) (string, error) {
	lower := make([]string, len(o.Lower))
	for i, dir := range o.Lower {
		lower[i] = backslash(dir, `\,:`)
	}
	s := "lowerdir=" + strings.Join(lower, ":") + ",upperdir=" + backslash(o.Upper, `\,`) + ",workdir=" + backslash(o.Work, `\,`)
	if o.Volatile {
		s += ",volatile"
	}
	if len(s) > optionsMax {
		return "", fmt.Errorf("%d layers need %d bytes of options, and mount(2) takes %d", len(o.Lower), len(s), optionsMax)
	}
	return s, nil
}

// IsUpper tells whether dir is the upper directory of the overlay m, by device and
// inode. known is false where the mount table does not say it in a way that
// can be looked up: a relative path of a mount by hand, a detached one, or
// backslashes that lead to two directories, as they escape in what was given as
// text and do not where it was given as a file descriptor.
func IsUpper(m Mount, dir string) (is, known bool) {
	want, err := os.Stat(dir)
	if err != nil || m.Type != "overlay" {
		return false, true
	}
	value, ok := UpperDir(m)
	if !ok {
		return false, true // a read-only overlay
	}
	if !filepath.IsAbs(value) {
		return false, false
	}
	got, err := os.Stat(value)
	other, errOther := got, err
	if strings.Contains(value, `\`) {
		other, errOther = os.Stat(unbackslash(value))
	}
	switch {
	case err != nil && errOther != nil:
		return false, false
	case err != nil:
		got = other
	case errOther == nil && os.SameFile(want, got) != os.SameFile(want, other):
		return false, false
	}
	return os.SameFile(want, got), true
}

// UpperDir returns the upper directory of the overlay m as the mount table has it;
// ok is false where m is no overlay, or a read-only one.
func UpperDir(m Mount) (dir string, ok bool) {
	if m.Type != "overlay" {
		return "", false
	}
	return option(m.Options, "upperdir")
}

// LowerDirs returns the lower directories of the overlay m, from the top down,
// as the mount table has them.
func LowerDirs(m Mount) []string {
	var dirs []string
	for o := range strings.SplitSeq(m.Options, ",") {
		if dir, ok := strings.CutPrefix(o, "lowerdir+="); ok {
			dirs = append(dirs, unoctal(dir))
		} else if list, ok := strings.CutPrefix(o, "lowerdir="); ok {
			for dir := range splitEscaped(unoctal(list)) {
				dirs = append(dirs, unbackslash(dir))
			}
		}
	}
	return dirs
}

// option returns the value of an option of the mount table.
func option(options, key string) (string, bool) {
	for o := range strings.SplitSeq(options, ",") {
		if v, ok := strings.CutPrefix(o, key+"="); ok {
			return unoctal(v), true
		}
	}
	return "", false
}

// splitEscaped yields the parts of s between colons that no backslash protects.
func splitEscaped(s string) func(func(string) bool) {
	return func(yield func(string) bool) {
		start := 0
		for i := 0; i < len(s); i++ {
			if s[i] == '\\' {
				i++
			} else if s[i] == ':' {
				if !yield(s[start:i]) {
					return
				}
				start = i + 1
			}
		}
		yield(s[start:])
	}
}

// backslash puts a backslash before every byte of s that is one of special.
func backslash(s, special string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(special, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// unbackslash takes the backslash away from every escaped byte.
func unbackslash(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// MakeOpaque makes a directory of an upper layer hide what the layers below have
// in it (overlayfs, "trusted.overlay.opaque").
func MakeOpaque(dir string) error {
	if err := unix.Setxattr(dir, "trusted.overlay.opaque", []byte("y"), 0); err != nil {
		return Cannot("make opaque", dir, err)
	}
	return nil
}

// IsOpaque tells whether a directory of a layer hides what the layers below have in it.
func IsOpaque(dir string) bool {
	var value [1]byte
	n, err := unix.Lgetxattr(dir, "trusted.overlay.opaque", value[:])
	return err == nil && n == 1 && value[0] == 'y'
}

// IsWhiteout tells whether a file of a layer says that there is none: a character
// device 0:0 (overlayfs, "whiteouts and opaque directories").
func IsWhiteout(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Mode&syscall.S_IFMT == syscall.S_IFCHR && st.Rdev == 0
}

// OverlayMarks returns the entries below dir that carry a mark which overlayfs
// follows only under certain options: trusted.overlay.metacopy and
// trusted.overlay.redirect (overlayfs, "metacopy" and "redirect_dir").
func OverlayMarks(dir string) ([]string, error) {
	var marked []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return Cannot("read", path, err)
		}
		if !d.IsDir() && !d.Type().IsRegular() {
			return nil
		}
		for _, name := range []string{"trusted.overlay.metacopy", "trusted.overlay.redirect"} {
			if _, err := unix.Lgetxattr(path, name, nil); err == nil {
				marked = append(marked, path)
				break
			}
		}
		return nil
	})
	return marked, err
}
