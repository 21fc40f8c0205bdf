package kernel

import (
	"errors"
	"os"
	"path"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// lending is a tree with links, and what Lend does about root/etc/conf.
type lending struct {
	name  string
	links string // "link target, link target"; a name that ends in / is a directory, without a target a file
	file  string // where it is lent; "" is nowhere
	made  string // the directories made for it, or all of its parents
	err   error
}

var lendings = []lending{
	{name: "absolute", links: "/etc/conf /run/a/b/conf", file: "/run/a/b/conf", made: "/run/a/b /run/a /run"},
	{name: "relative", links: "/etc/conf ../run/a/conf, /run/", file: "/run/a/conf", made: "/run/a"},
	{name: "beside", links: "/etc/conf other", file: "/etc/other"},
	{name: "chain", links: "/etc/conf one, /etc/one ../two, /two /run/three, /run/", file: "/run/three"},
	{name: "out by dots", links: "/etc/conf ../../../../run/conf", file: "/run/conf", made: "/run"},
	{name: "out by a linked directory", links: "/etc/conf /run/conf, /run /OUTSIDE", file: "/OUTSIDE/conf", made: "all"},
	{name: "linked directory", links: "/etc/conf /var/run/conf, /var/run /run, /run/", file: "/run/conf"},
	{name: "linked directory to nothing", links: "/etc/conf /var/run/a/conf, /var/run /run", file: "/run/a/conf", made: "/run/a /run"},
	{name: "relative behind a linked directory", links: "/etc/conf /var/run/conf, /var/run /run/deep, /run/deep/conf ../conf", file: "/run/conf"},
	{name: "linked etc", links: "/etc /usr/etc, /usr/etc/conf ../run/conf", file: "/usr/run/conf", made: "/usr/run"},
	{name: "dots behind a link", links: "/etc/conf link/../conf, /etc/link /run/deep, /run/deep/", file: "/run/conf"},
	{name: "blank and slash at the end", links: "/etc/conf /a\u00a0b/c/", file: "/a\u00a0b/c", made: "/a\u00a0b"},

	{name: "a file", links: "/etc/conf"},
	{name: "nothing", links: "/etc/"},
	{name: "no directory", links: "/run/"},
	{name: "a link to a file", links: "/etc/conf /run/conf, /run/conf"},
	{name: "a link to a directory", links: "/etc/conf /run, /run/"},
	{name: "a link to the root", links: "/etc/conf /"},
	{name: "a link to the root by dots", links: "/etc/conf ../.."},
	{name: "a loop", links: "/etc/conf /etc/one, /etc/one conf", err: unix.ELOOP},
	{name: "through a file", links: "/etc/conf /file/conf, /file", err: unix.ENOTDIR},
}

// make makes the tree in dir/root, and returns what dir has in it.
func (l lending) make(t *testing.T, dir string) string {
	t.Helper()
	mkdirs(t, dir+"/root/usr", dir+"/outside")
	for link := range strings.SplitSeq(l.links, ", ") {
		name, to, isLink := strings.Cut(link, " ")
		mkdirs(t, dir+"/root"+name[:strings.LastIndex(name, "/")])
		switch {
		case isLink:
			must(os.Symlink(strings.ReplaceAll(to, "/OUTSIDE", dir+"/outside"), dir+"/root"+name))
		case !strings.HasSuffix(name, "/"):
			put(t, dir+"/root"+name, "own")
		}
	}
	return listing(t, dir)
}

func listing(t *testing.T, dir string) string {
	t.Helper()
	return run(t, "sh", "-c", `find "$1" -printf '%y %m %U:%G %p %l\n' | sort; find "$1" -type f | sort | xargs -d '\n' head -v -c 4096 /dev/null`, "-", dir)
}

func TestLend(t *testing.T) {
	asRoot(t)
	for _, l := range lendings {
		t.Run(l.name, func(t *testing.T) {
			dir := t.TempDir()
			before := l.make(t, dir)
			root, files := dir+"/root", openFiles(t)
			err := Lend(root, "etc/conf", []byte("data\n"), nil)
			if strings.Contains(without, "openat2") {
				l.file, l.err = "", nil // nothing is lent without it
			}
			if !errors.Is(err, l.err) || l.err == nil && err != nil {
				t.Fatalf("Lend: %v, want %v", err, l.err)
			}
			lent, found := FindLent(root, "etc/conf", nil)
			if l.file == "" {
				if after := listing(t, dir); found || after != before {
					t.Errorf("FindLent = %v, %v, and there is\n%s\nbefore\n%s", lent, found, after, before)
				}
				return
			}
			file, made := strings.ReplaceAll(l.file, "/OUTSIDE", dir+"/outside"), l.made
			if made == "all" { // as deep as the test's own directory is
				made = ""
				for parent := path.Dir(file); parent != "/"; parent = path.Dir(parent) {
					made = strings.TrimSpace(made + " " + parent)
				}
			}
			mustHold(t, root+file, strings.TrimSuffix(LentMark+" "+made, " ")+"\ndata\n")
			if !found || lent.Path != file || strings.Join(lent.Made, " ") != made {
				t.Errorf("FindLent = %q, %v; want %s and %s", lent, found, file, made)
			}
			if err := lent.TakeBack(root); err != nil {
				t.Error(err)
			}
			if after := listing(t, dir); after != before {
				t.Errorf("there is\n%s\nbefore\n%s", after, before)
			}
			if n := openFiles(t); n != files {
				t.Errorf("%d files open, %d before", n, files)
			}
		})
	}
}

// TestTakeBackLeaves what others put there, and what only looks as if it was made.
func TestTakeBackLeaves(t *testing.T) {
	asRoot(t)
	for _, name := range []string{"a", "a b", "a\nb"} {
		root := t.TempDir()
		mkdirs(t, root+"/etc", root+"/run/a", root+"/b")
		must(os.Symlink("/run/"+name+"/x/y/conf", root+"/etc/conf"))
		must(Lend(root, "etc/conf", nil, nil))
		put(t, root+"/run/"+name+"/x/mine", "mine")
		lent, ok := FindLent(root, "etc/conf", nil)
		if !ok {
			t.Fatalf("%q: nothing lent", name)
		}
		must(lent.TakeBack(root))
		mustHold(t, root+"/run/"+name+"/x/mine", "mine")
		if !exists(root+"/run/a") || !exists(root+"/b") || exists(root+"/run/"+name+"/x/y/conf") {
			t.Errorf("%q: it took what it had not made, or left what it had: %q", name, lent)
		}
	}
	// A mark that somebody else wrote.
	root := t.TempDir()
	mkdirs(t, root+"/etc", root+"/empty")
	must(os.Symlink("conf2", root+"/etc/conf"))
	put(t, root+"/etc/conf2", LentMark+" /empty /etc\n")
	lent, _ := FindLent(root, "etc/conf", nil)
	must(lent.TakeBack(root))
	if !exists(root + "/empty") {
		t.Error("it removed a directory that is no parent of the file")
	}
}
