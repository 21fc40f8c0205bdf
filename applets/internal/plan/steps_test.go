package plan

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"cage/applets/internal/kernel"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(content), 0o644))
}

func asRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
}

func sh(t *testing.T, script string, args ...string) string {
	t.Helper()
	cmd := exec.Command("sh", append([]string{"-e", "-c", script, "-"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, script, out)
	}
	return string(out)
}

// listing is all that is in dir, the names relative to it.
func listing(t *testing.T, dir string) string {
	t.Helper()
	return sh(t, `cd "$1"; find . -printf '%y %m %U:%G %p %l\n' | sort; find . -type f -exec sha256sum {} + | sort; getfattr -R -h -d -m trusted . `, dir)
}

// linkTree makes a root directory with a link etc/conf, and the host's commands
// that the shell needs to follow it.
func linkTree(t *testing.T, dir, link string) string {
	t.Helper()
	root := dir + "/root of it"
	must(t, os.MkdirAll(root+"/etc", 0o755))
	sh(t, `for name in sh readlink mkdir cat chmod rm rmdir; do
		path=$(command -v $name)
		{ echo "$path"; ldd "$path" | grep -o '/[^ ]*' || true; } | xargs cp -L --parents -t "$1"
	done`, root)
	must(t, os.Symlink(link, root+"/etc/conf"))
	return root
}

// TestStringAsDo does each plan once and feeds it once to sh, in two directories
// of the same content.
func TestStringAsDo(t *testing.T) {
	asRoot(t)
	plans := map[string]func(t *testing.T, d string) Plan{
		"mkdir": func(t *testing.T, d string) Plan {
			return Plan{
				&Mkdir{Path: d + "/plain", Mode: 0o755}, &Mkdir{Path: d + "/closed", Mode: 0},
				&Mkdir{Path: d + "/sticky", Mode: 0o777 | os.ModeSticky}, &Mkdir{Path: d + "/setgid", Mode: 0o2 | 0o750 | os.ModeSetgid, GID: 3},
				&Mkdir{Path: d + "/setuid", Mode: 0o711 | os.ModeSetuid, UID: 7}, &Mkdir{Path: d + "/owned", Mode: 0o1 | 0o700, UID: 1, GID: 2},
				&Mkdir{Path: d + "/a b/it's/deep", Mode: 0o700, Parents: true}, &Opaque{Path: d + "/a b"}}
		},
		"write": func(t *testing.T, d string) Plan {
			var p Plan
			for i, text := range []string{"", "\n", "one\n", "no newline", "two\nlines\n", "___\n", "a\n___\nb\n", "a\n ___\n", "___", "$HOME `id` \\n \\\n", "%s%d\\", "it's 'quoted'\n", "\xff\x81\n", "鳥\r\n", "-n\n", "-n"} {
				p = append(p, &Write{Path: fmt.Sprintf("%s/file %d", d, i), Data: []byte(text), Mode: os.FileMode(0o600 + 0o44*(i%2))})
			}
			put(t, d+"/old", "longer than what comes\n")
			return append(p, &Write{Path: d + "/old", Data: []byte("new\n"), Mode: 0o600})
		},
		"files": func(t *testing.T, d string) Plan {
			put(t, d+"/from 'it", "#!/bin/sh\n\x00binary")
			put(t, d+"/b", "b")
			must(t, os.Mkdir(d+"/d", 0o700))
			put(t, d+"/d/in", "d")
			must(t, os.Mkdir(d+"/e", 0o750))
			return Plan{
				&Copy{From: d + "/from 'it", To: d + "/to", Mode: 0o755}, &Copy{From: d + "/b", To: d + "/b2", Mode: 0o600},
				&Symlink{Target: "/no such $place", Path: d + "/link"}, &Symlink{Target: "d", Path: d + "/link to d"},
				&CopyTree{From: d + "/d", To: d + "/it's a copy"}, &SyncFS{Path: d},
				&Rename{From: d + "/b", To: d + "/c\nc"}, &Rename{From: d + "/link", To: d + "/link 2", Volatile: true},
				&Exchange{A: d + "/d", B: d + "/e"}, &Remove{Path: d + "/d"}}
		},
		"lend":          lendTo("../run/a b/x/conf"),
		"lend absolute": lendTo("/conf"),
		"lend nothing":  lendTo("/usr"),
		"lend by link":  lendTo("/var/run/conf"),
	}
	for name, makePlan := range plans {
		for _, umask := range []int{0o077, 0o022} {
			t.Run(fmt.Sprintf("%s %03o", name, umask), func(t *testing.T) {
				defer syscall.Umask(syscall.Umask(0o022))
				done, said := t.TempDir(), t.TempDir()
				planDone, planSaid := makePlan(t, done), makePlan(t, said)
				syscall.Umask(umask)
				must(t, planDone.Run(nil, nil))
				var script strings.Builder
				must(t, planSaid.Print(&script))
				cmd := exec.Command("sh", "-e")
				cmd.Stdin = strings.NewReader(script.String())
				if out, err := cmd.CombinedOutput(); err != nil || len(out) != 0 {
					t.Fatalf("%v\n%s\n%s", err, script.String(), out)
				}
				if a, b := listing(t, done), listing(t, said); a != b {
					t.Errorf("done:\n%s\nsaid:\n%s\nby\n%s", a, b, script.String())
				}
			})
		}
	}
}

func lendTo(link string) func(t *testing.T, d string) Plan {
	return func(t *testing.T, d string) Plan {
		root := linkTree(t, d, link)
		must(t, os.MkdirAll(root+"/usr", 0o755))
		must(t, os.Mkdir(root+"/var", 0o755))
		must(t, os.Symlink("/run", root+"/var/run"))
		put(t, d+"/its own", "nameserver\n")
		return Plan{&Lend{From: d + "/its own", Root: root, Link: "etc/conf"}}
	}
}

// TestTakeBack takes away what either way lent.
func TestTakeBack(t *testing.T) {
	asRoot(t)
	for _, way := range []string{"do", "say"} {
		d := t.TempDir()
		p := lendTo("/run/a b/conf")(t, d)
		root := p[0].(*Lend).Root
		before := listing(t, root)
		must(t, p.Run(nil, nil))
		lent, ok := kernel.FindLent(root, "etc/conf", nil)
		if !ok || lent.Path != "/run/a b/conf" {
			t.Fatalf("FindLent = %+v, %v", lent, ok)
		}
		put(t, root+"/run/other", "")
		back := &TakeBack{Root: root, Lent: lent}
		if way == "do" {
			must(t, back.Do())
		} else {
			sh(t, back.String())
		}
		if _, err := os.Stat(root + "/run/other"); err != nil {
			t.Errorf("%s: %v", way, err)
		}
		if _, err := os.Stat(root + "/run/a b"); err == nil {
			t.Errorf("%s: its directory is left", way)
		}
		must(t, os.RemoveAll(root+"/run"))
		if after := listing(t, root); after != before {
			t.Errorf("%s: there is\n%s\nbefore\n%s", way, after, before)
		}
	}
}

// TestRemoveCgroup takes away one that nobody is in, and lets another be.
func TestRemoveCgroup(t *testing.T) {
	asRoot(t)
	g, ok := kernel.CgroupOf("test-plan")
	if !ok {
		t.Skip("needs cgroup2")
	}
	fd, err := g.Make()
	must(t, err)
	must(t, syscall.Close(fd))
	cmd := exec.Command("sleep", "1000")
	must(t, cmd.Start())
	must(t, g.Join(cmd.Process.Pid))
	step := &RemoveCgroup{Cgroup: g}
	must(t, step.Do())
	if populated, err := g.Populated(); !populated || err != nil {
		t.Errorf("Populated = %v, %v", populated, err)
	}
	must(t, cmd.Process.Kill())
	_ = cmd.Wait()
	must(t, step.Do())
	if _, err := os.Stat(g.String()); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
}
