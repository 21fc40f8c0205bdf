package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestInstall installs below a directory and takes it away again.
func TestInstall(t *testing.T) {
	dest, bin := t.TempDir(), t.TempDir()
	// What sudo -V says to root where it has a PATH of its own.
	sudo := "#!/bin/sh\necho \"Value to override user's \\$PATH with: /sbin:/bin:/usr/sbin:/usr/bin\"\n"
	if err := os.WriteFile(bin+"/sudo", []byte(sudo), 0o755); err != nil {
		t.Fatal(err)
	}
	install := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("./install.sh", args...)
		cmd.Env = append(os.Environ(), "DESTDIR="+dest, "PATH="+bin+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("install.sh %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	for range 2 { // the second upgrades
		said := install()
		if want := "sudo looks for commands in /sbin:/bin:/usr/sbin:/usr/bin only: "; strings.Count(said, want) != 1 {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	for _, path := range []string{
		"/opt/cage/bin/cage", "/opt/cage/bin/cage-up", "/opt/cage/lib/cage.sh", "/opt/cage/doc/cage-up.8",
		"/usr/local/share/man/man8/cage-up.8", "/etc/opt/cage/cage.conf", "/var/opt/cage",
		"/usr/local/lib/systemd/system/cage@.service", "/usr/local/lib/systemd/system/cage.service",
		"/usr/local/lib/systemd/system/var-opt-cage-.mount.d/cage.conf",
		"/usr/local/share/bash-completion/completions/cage-up", "/usr/local/share/zsh/site-functions/_cage",
		"/usr/local/share/fish/vendor_completions.d/cage.fish", "/usr/local/share/fish/vendor_completions.d/cage-up.fish",
	} {
		if _, err := os.Stat(dest + path); err != nil {
			t.Error(err)
		}
	}
	install("--uninstall")
	left := files(t, dest)
	if want := []string{"/etc/opt/cage/cage.conf"}; !slices.Equal(left, want) {
		t.Errorf("it leaves %q, want %q", left, want)
	}
}

// files lists what below dir is no directory.
func files(t *testing.T, dir string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			list = append(list, strings.TrimPrefix(path, dir))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
