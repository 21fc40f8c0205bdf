package kernel

import (
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// oddNames are what one interface or the other escapes, or might.
var oddNames = []string{
	`a:b`, `a,b`, `a\b`, `a\:b`, `a\,b`, `a\\b`, `\`, `:`, `a\`, `a,upperdir=b`, `a\134b`, `a\072b`, `a%20b`,
	"two  blanks", " ", "tab\tand\nnewline", "鳥かご", "\xff\xfe", `"'$#=&*`, "-o", strings.Repeat(`long\`, 49),
}

// misread are the names of directories that a wrong escape of name would reach.
func misread(name string) []string {
	all := []string{
		unbackslash(name), unoctal(name), strings.ReplaceAll(name, `\`, ``), strings.ReplaceAll(name, `\`, `\\`), strings.Split(name, ",")[0],
		strings.NewReplacer(`\`, `\\`, `,`, `\,`, `:`, `\:`).Replace(name),
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == name || len(s) > 255 || strings.Trim(s, ".") == "" })
}

// forOddPaths calls f with an overlay at an odd path, where each misread path has
// one too.
func forOddPaths(t *testing.T, f func(t *testing.T, point string, o Layers, decoys []Layers)) {
	for _, name := range oddNames {
		dir := scratch(t)
		o := layersIn(t, dir+"/"+name, "top", "bottom"+name)
		mkdirs(t, dir+"/"+name+"/mnt")
		var decoys []Layers
		for _, wrong := range misread(name) {
			d := layersIn(t, dir+"/"+wrong, "top", "bottom"+name, "bottom"+wrong)
			for _, file := range []string{"/top/who", "/bottom" + name + "/layer1", "/bottom" + wrong + "/layer1"} {
				put(t, dir+"/"+wrong+file, "decoy")
			}
			decoys = append(decoys, d)
		}
		f(t, dir+"/"+name+"/mnt", o, decoys)
	}
}

// wantNotUpper wants no decoy taken for the upper directory of what is at point.
func wantNotUpper(t *testing.T, point string, decoys []Layers) {
	t.Helper()
	m, _, err := MountOn(point)
	must(err)
	for _, d := range decoys {
		if is, _ := IsUpper(m, d.Upper); is {
			t.Errorf("%q is taken for the upper directory of %s", d.Upper, m.Options)
		}
	}
}

func TestOddPaths(t *testing.T) {
	everyWay(t, func(t *testing.T, mount func(string, Layers, []FS) error) {
		forOddPaths(t, func(t *testing.T, point string, o Layers, decoys []Layers) {
			if err := mount(point, o, nil); err != nil {
				t.Fatal(err)
			}
			wantOverlay(t, point, o)
			wantNotUpper(t, point, decoys)
		})
	})
}

func TestOddPathsByMount2(t *testing.T) {
	forOddPaths(t, func(t *testing.T, point string, o Layers, decoys []Layers) {
		must(unix.Mount("overlay", point, "overlay", 0, must1(OverlayOptions(o))))
		wantOverlay(t, point, o)
		wantNotUpper(t, point, decoys)
	})
}

// TestLongPaths has paths on both sides of what fsconfig(2) takes, with as many
// backslashes as make the escaped one longer than that.
func TestLongPaths(t *testing.T) {
	for _, length := range []int{200, 250, 255, 256, 300, 1000} {
		everyWay(t, func(t *testing.T, mount func(string, Layers, []FS) error) {
			dir := scratch(t) + `/a\b`
			for _, unit := range []string{"/" + strings.Repeat("n", 99), "/n", "n"} {
				for len(dir)+len(unit)+len("/upper") <= length {
					dir += unit
				}
			}
			o := layersIn(t, dir, "top", "bottom")
			mkdirs(t, dir+"/mnt", strings.ReplaceAll(o.Upper, `\`, ""), strings.ReplaceAll(o.Work, `\`, ""))
			if len(o.Upper) != length {
				t.Fatalf("the path of the upper directory has %d bytes, not %d", len(o.Upper), length)
			}
			if err := mount(dir+"/mnt", o, nil); err != nil {
				t.Fatal(err)
			}
			wantOverlay(t, dir+"/mnt", o)
		})
	}
}

func TestIsUpper(t *testing.T) {
	dir := scratch(t)
	o := layersIn(t, dir, "top", "bottom")
	mkdirs(t, dir+"/mnt", dir+"/readonly")
	t.Chdir(dir)
	must(unix.Mount("overlay", dir+"/mnt", "overlay", 0, "lowerdir=top:bottom,upperdir=upper,workdir=work"))
	relative, _, err := MountOn(dir + "/mnt")
	must(err)
	must(unix.Mount("overlay", dir+"/readonly", "overlay", 0, "lowerdir="+o.Lower[0]+":"+o.Lower[1]))
	readonly, _, err := MountOn(dir + "/readonly")
	must(err)
	tmpfs(t, "tmpfs", dir+"/tmpfs")
	other, _, err := MountOn(dir + "/tmpfs")
	must(err)
	link := dir + "/link"
	must(os.Symlink(o.Upper, link))
	for _, c := range []struct {
		m         Mount
		dir       string
		is, known bool
	}{
		{relative, o.Upper, false, false}, // whoever mounted it stood elsewhere, for all that is known
		{readonly, o.Upper, false, true},
		{other, o.Upper, false, true},
		{relative, dir + "/none", false, true},
		{Mount{Type: "overlay", Options: "rw,upperdir=" + o.Upper + ",x"}, o.Upper, true, true},
		{Mount{Type: "overlay", Options: "rw,upperdir=" + link}, o.Upper, true, true},
		{Mount{Type: "overlay", Options: "rw,upperdir=" + o.Work}, o.Upper, false, true},
		{Mount{Type: "overlay", Options: "rw,upperdir=" + dir + "/none"}, o.Upper, false, false},
		{Mount{Type: "overlay", Options: "rw,lowerdir+=upperdir=x,xupperdir=" + o.Upper}, o.Upper, false, true},
	} {
		if is, known := IsUpper(c.m, c.dir); is != c.is || known != c.known {
			t.Errorf("IsUpper(%s, %s) = %v, %v; want %v, %v", c.m.Options, c.dir, is, known, c.is, c.known)
		}
	}
}

func TestLowerDirsOfText(t *testing.T) {
	for options, want := range map[string][]string{
		`rw,lowerdir=/a:/b,upperdir=/u`:                        {"/a", "/b"},
		`rw,lowerdir=/a\134:b:/c\134\134d,x`:                   {"/a:b", `/c\d`},
		`lowerdir+=/a\072b,lowerdir+=/c\134d,lowerdir+=/e\040`: {"/a:b", `/c\d`, "/e "},
		`rw,size=1k`: nil,
	} {
		if got := LowerDirs(Mount{Options: options}); !slices.Equal(got, want) {
			t.Errorf("LowerDirs(%s) = %q, want %q", options, got, want)
		}
	}
}
