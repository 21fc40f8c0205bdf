package applets

import (
	"strings"
	"testing"
)

// TestEveryday does in a cage what one does on a machine every day.
func TestEveryday(t *testing.T) {
	h := treeHost(t, "everyday")
	// Nothing is typed, not even an end: sudo 1.9.13p3 may wait for ever where a key
	// arrives while its command ends.
	h.sh(t, `mkfifo "$DIR/keys"; cage-new --name bird --base everyday; cage-up bird`)
	for _, c := range []struct{ name, command, want string }{
		{"sudo", `sudo -u bird sh -c 'id -un; echo $SUDO_USER'`, "bird\nroot"},
		{"sudo to root", `setpriv --reuid bird --regid bird --init-groups sudo id -un`, "root"},
		{"sudo's secure_path", `sudo sh -c 'echo $PATH'`, "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		{"su", `su - bird -c 'id -un; pwd; echo $HOME'`, "bird\n/home/bird\n/home/bird"},
		{"terminal", `script -qec 'tty; stty size >/dev/null && echo sized' /dev/null | grep -o '/dev/pts/\|sized'`, "/dev/pts/\nsized"},
		{"sudo on a terminal", `script -qec 'sudo -u bird tty' /dev/null | grep -o /dev/pts/`, "/dev/pts/"},
		{"su on a terminal", `script -qec 'su - bird -c tty' /dev/null | grep -o /dev/pts/`, "/dev/pts/"},
		{"tmux", `unset TMUX
			tmux new-session -d -x 80 -y 24 'tty; tmux wait-for -S said; exec sleep 1000'
			tmux wait-for said
			tmux capture-pane -p | grep -o /dev/pts/
			tmux list-sessions -F '#{session_windows}'`, "/dev/pts/\n1"},
		{"ssh", `ssh -V 2>&1 | grep -o '^OpenSSH'
			ssh-keygen -q -t ed25519 -N '' -C bird -f /tmp/key
			ssh-keygen -y -f /tmp/key | cut -d ' ' -f 1,3`, "OpenSSH\nssh-ed25519 bird"},
		{"git", `git -c init.defaultBranch=nest init -q /tmp/nest; cd /tmp/nest
			echo egg >egg; git add egg
			git -c user.name=bird -c user.email=bird@cage commit -q -m 'lay an egg'
			git log --format='%an: %s'; git status --porcelain`, "bird: lay an egg"},
		{"vi", `echo egg >/tmp/text; vi -es -c s/egg/bird/ -c wq /tmp/text; cat /tmp/text`, "bird"},
		{"locale", `LC_ALL=en_US.UTF-8 perl -e 'use POSIX; print setlocale(LC_ALL, "")' 2>&1; echo; locale 2>&1 >/dev/null`, "en_US.UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.TrimSpace(h.sh(t, `cage-exec bird sh -ec "$1" <>"$DIR/keys"`, c.command)); got != c.want {
				t.Errorf("%s\nprints %q, want %q", c.command, got, c.want)
			}
		})
	}
	// The same on a terminal that cage-exec gives.
	for _, c := range []struct {
		options, command string
		want             int // terminals named
	}{
		{"-t", `tty`, 1},
		{"-t -u bird", `tty; sudo -n tty`, 2},
		{"-t -w /srv", `sudo -u bird tty; su - bird -c tty; script -qec tty /dev/null`, 3},
		{"-t -E TERM=xterm", `tmux -L other new-session 'tty >/srv/tty; tmux -L other display-message -p "#{client_tty}" >>/srv/tty'; cat /srv/tty`, 2},
	} {
		said := h.sh(t, `cage-exec $1 bird sh -ec "$2" <>"$DIR/keys"`, c.options, c.command)
		if got := strings.Count(said, "/dev/pts/"); got != c.want {
			t.Errorf("cage-exec %s: %s\nsays %q", c.options, c.command, said)
		}
	}
	h.sh(t, `cage-down bird`)
}

// TestApt installs a package that starts its daemon, where it may.
func TestApt(t *testing.T) {
	h := treeHost(t, "debian")
	uuid := h.sh(t, `cage-new --name bird --base debian; cage-up bird >&2`)
	// invoke-rc.d starts nothing where it finds no init and no runlevel, as in this tree.
	h.sh(t, `cage-exec bird sh -ec 'ln -s /bin/true /sbin/init
printf "#!/bin/sh\necho N 2\n" >/sbin/runlevel; chmod 755 /sbin/runlevel
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q -y --no-install-recommends install cron'`)
	h.want(t, `cage-exec bird dpkg-query -W -f '${Package} ${Status}' cron`, "cron install ok installed")
	cron := `for pid in $(pgrep -x cron); do [ "/proc/$pid/root/" -ef "$1" ] && echo $pid; done || :`
	if pids := h.sh(t, cron, h.mnt(uuid)); pids != "" {
		t.Errorf("it runs: %s", pids)
	}
	// What keeps it from running is the policy alone.
	h.sh(t, `cage-exec bird sh -ec 'rm /usr/sbin/policy-rc.d; invoke-rc.d cron start'`)
	pid := h.sh(t, cron, h.mnt(uuid))
	if pid == "" {
		t.Error("without a policy it does not start")
	}
	h.sh(t, `cage-down bird`)
	gone(t, strings.Fields(pid)...)
}

// TestPacman: pacman measures the free space of what is mounted, and the cage's
// root is a mount point to it.
func TestPacman(t *testing.T) {
	h := treeHost(t, "pacman")
	h.sh(t, `grep -qx CheckSpace "$TREE/etc/pacman.conf"; cage-new --name bird --base pacman; cage-up bird`)
	said := h.sh(t, `cage-exec bird pacman -Sy --noconfirm finch 2>&1`)
	for _, word := range []string{"error", "could not"} {
		if strings.Contains(said, word) {
			t.Errorf("pacman says:\n%s", said)
		}
	}
	h.want(t, `cage-exec bird sh -c 'pacman -Q finch; cat /usr/share/finch/song'`, "finch 1.0-1\ntweet")
	h.sh(t, `cage-down bird`)
}
