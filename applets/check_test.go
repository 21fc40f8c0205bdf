package applets

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"cage/applets/internal/kernel"
)

// finds is each thing that cage-check finds: a shell script that brings it about
// (--repair in another test takes an empty cgroup away, unless something is mounted
// that names its cage), the lines, which are regular expressions with the script's
// variables, the command that they name, and a script that ends it where --repair
// does not.
var finds = []struct {
	name, begin, line, repair, end string
	mended                         bool
}{
	{name: "half made", begin: `mkdir -p $DATA/.${FREE}1.w.new/root`, line: `$DATA/.${FREE}1.w.new: half made`, mended: true},
	{name: "half removed", begin: `mkdir -p $DATA/.${FREE}1.r.rm/root`, line: `$DATA/.${FREE}1.r.rm: half removed`, mended: true},
	{name: "half a snapshot", begin: `mkdir $SNAP; btrfs -q subvolume snapshot -r $HOST $SNAP/.20200101000000.ss.new; echo x >$SNAP/20200101000000.txt`,
		line: `$SNAP/.20200101000000.ss.new: half made`, mended: true, end: `rmdir $SNAP`},
	{name: "half a deletion", begin: `mkdir $SNAP; btrfs -q subvolume snapshot -r $HOST $SNAP/.20200101000000.ss.rm; echo x >$SNAP/20200101000000.txt`,
		line: `$SNAP/.20200101000000.ss.rm: half removed`, mended: true, end: `rmdir $SNAP`},
	{name: "half a note", begin: `mkdir $SNAP; echo x >$SNAP/.20200101000000.txt.new`, line: `$SNAP/.20200101000000.txt.new: half made`, mended: true, end: `rmdir $SNAP`},
	{name: "half a conf", begin: `touch $DIR/.cage.conf.new`, line: `$DIR/.cage.conf.new: a rewrite that was interrupted`, mended: true},
	{name: "half a lower", begin: `touch $DIR/.lower.new`, line: `$DIR/.lower.new: a rewrite that was interrupted`, mended: true},
	{name: "a conf of two", begin: `cp $DIR/cage.conf $W/keep; echo name=two >>$DIR/cage.conf`, line: `$DIR: cannot use $DIR/cage.conf: .*name.*`,
		repair: `an editor on $DIR/cage.conf`, end: `mv $W/keep $DIR/cage.conf`},
	{name: "no root", begin: `mv $DIR/root $W/keep`, line: `$DIR: cannot read the btrfs subvolume of $DIR/root: no such file or directory
$DIR/root: cannot read $DIR/root: no such file or directory`, end: `mv $W/keep $DIR/root`},
	{name: "another's uuid", begin: `cp $DIR/cage.conf $W/keep; sed -i s/^uuid=.*/uuid=${FREE}1/ $DIR/cage.conf`,
		line: `$DIR: cannot use $DIR/cage.conf: uuid=${FREE}1 is not that of its directory`, repair: `an editor on $DIR/cage.conf`, end: `mv $W/keep $DIR/cage.conf`},
	{name: "no base", begin: `cp $DIR/cage.conf $W/keep; sed -i s/^base=.*/base=${FREE}1/ $DIR/cage.conf`, line: `$DIR: cannot use the base web -> ${FREE}1: no such cage`, end: `mv $W/keep $DIR/cage.conf`},
	{name: "a writable base", begin: `cp $DIR/cage.conf $W/keep; sed -i s/^base=.*/base=$ID/ $DIR/cage.conf`, line: `$DIR: cannot use the base web -> $ID: .* is writable and cannot be a base`, end: `mv $W/keep $DIR/cage.conf`},
	{name: "half up", begin: `cage-up web; umount $DIR/mnt/tmp`, line: `$DIR: half up`, repair: `cage-up $ID, or cage-down $ID`, end: `cage-down web`},
	{name: "in use", begin: `mount -t overlay overlay -o lowerdir=$BASE,upperdir=$DIR/root,workdir=$DIR/work $W/by-hand`, line: `$DIR/root: the cage is down and its root is in use, mounted at $W/by-hand.*`, end: `umount $W/by-hand`},
	{name: "its lower is gone", begin: `cage-new --name tools --ro $W/opt --base base; cage-new --name lab --base tools; cage-up lab; mv $W/opt $W/away`,
		line: `$DATA/[^/]*.w: it is up and stands on $W/opt, which is gone
$DATA/[^/]*.w: cannot use the base lab -> tools -> root: it points to $W/opt, which is not there
$DATA/[^/]*.r/root: it points to $W/opt, which is not there`, end: `mv $W/away $W/opt; cage-rm -f lab; cage-rm tools`},
	{name: "a cycle", begin: `for i in 1 2; do mkdir -p $DATA/$FREE$i.r/root; printf 'uuid=%s\nname=ring%s\nbase=%s\n' $FREE$i $i $FREE$((3-i)) >$DATA/$FREE$i.r/cage.conf; done`,
		line: `$DATA/${FREE}1.r: cannot use the base ring1 -> ring2 -> ring1: it stands on itself
$DATA/${FREE}2.r: cannot use the base ring2 -> ring1 -> ring2: it stands on itself`, end: `rm -r $DATA/${FREE}1.r $DATA/${FREE}2.r`},
	{name: "two of one uuid", begin: `mkdir $DATA/$ID.r`, line: `$DATA/$ID.r: cannot use $ID: both $ID.r and $ID.w are there
$DATA/$ID.w: cannot use $ID: both $ID.r and $ID.w are there`, end: `rmdir $DATA/$ID.r`},
	{name: "the inode trap", begin: `cage-new --name tools --ro $HOST; cage-new --name trap --force --base tools`,
		line: `$DATA/[^/]*.w: cannot tell files apart over tools: $DATA/[^/]*.w/root is in another subvolume of the same btrfs, .*`, end: `cage-rm trap; cage-rm tools`},
	{name: "processes", begin: `touch $DATA/${FREE}1; for id in $ID ${FREE}1; do sleep 1000 >$W/null 2>&1 & until mkdir -p $CGROUPS/$id && echo $! >$CGROUPS/$id/cgroup.procs; do :; done; done`,
		line: `$DIR: the cage is down and processes of it live: \[\d+\]
$CGROUPS/${FREE}1: processes live of a cage that is not there`,
		end: `for id in $ID ${FREE}1; do kill $(cat $CGROUPS/$id/cgroup.procs); while [ -d $CGROUPS/$id ]; do rmdir $CGROUPS/$id || :; done; done; rm $DATA/${FREE}1`},
	{name: "marks", begin: `mkdir $DIR/root/x; setfattr -n trusted.overlay.redirect -v /y $DIR/root/x`, line: `$DIR/root/x: 1 entries with a metacopy or redirect mark, .*`, end: `rmdir $DIR/root/x`},
	{name: "a loose cgroup", begin: `mount -t overlay overlay -o lowerdir=$BASE:$DIR/mnt $W/by-hand; until mkdir -p $CGROUPS/$ID; do :; done`,
		line: `$CGROUPS/$ID: a loose cgroup`, mended: true, end: `umount $W/by-hand`},
	{name: "a cage that is gone", begin: `cage-up web; mv $DIR $DATA/away`, line: `$DATA/away/mnt: mounted for a cage that is gone`, repair: `umount -R $DATA/away/mnt`,
		end: `mv $DATA/away $DIR; cage-down web`},
}

// TestCheckFinds everything, changes nothing, and repairs what loses nothing.
func TestCheckFinds(t *testing.T) {
	t.Parallel()
	dir := scratchOnTmpfs(t)
	top := btrfsIn(t, dir)
	sh(t, `btrfs -q subvolume create "$1/@data"; mkdir "$2/by-hand" "$2/opt"`, top, dir)
	w := newWorld(t, dir, top+"/@data/cages", top+"/@", top+"/snapshots")
	w.must(t, "cage-new", "--name", "base", "--ro", w.base)
	id := w.must(t, "cage-new", "--name", "web", "--base", "base")
	vars := map[string]string{"W": dir, "DATA": w.data, "ID": id, "DIR": w.data + "/" + id + ".w", "HOST": top + "/@", "SNAP": w.snapshots,
		"BASE": w.base, "CGROUPS": w.cgroups, "FREE": "12345678-1234-4234-8234-12345678901"}
	run := func(script string) {
		t.Helper()
		cmd := exec.Command("sh", "-euc", script)
		cmd.Env = w.env()
		for key, value := range vars {
			cmd.Env = append(cmd.Env, key+"="+value)
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
	}
	value := func(key string) string { return vars[key] }
	for _, x := range finds {
		t.Run(x.name, func(t *testing.T) {
			run(x.begin)
			tail := ""
			if x.repair != "" {
				tail = ": " + regexp.QuoteMeta(os.Expand(x.repair, value))
			}
			line := os.Expand(x.line, value)
			if x.mended {
				wantLines(t, w.check(t), line+": cage-check --repair")
				wantLines(t, w.check(t), line+": cage-check --repair") // nothing was changed
				wantLines(t, w.check(t, "--repair"), line+": repaired")
			} else {
				wantLines(t, w.check(t), line+tail)
				wantLines(t, w.check(t, "--repair"), line+tail)
			}
			run(x.end)
			w.clean(t)
		})
	}
	run(`mkdir $SNAP; btrfs -q subvolume snapshot -r $HOST $SNAP/.20200101000000.ss.rm`)
	lock, err := kernel.LockDir(w.data, false)
	ok(t, err)
	if lines := w.check(t); len(lines) > 0 {
		t.Errorf("of a snapshot that is being deleted it says %q", lines)
	}
	lock.Unlock()
	wantLines(t, w.check(t, "--repair"), w.snapshots+"/.20200101000000.ss.rm: half removed: repaired")
	w.must(t, "cage-rm", "-f", "web")
}

// TestCheckRemoved finds nothing in a cage that is removed while it is looked at.
func TestCheckRemoved(t *testing.T) {
	t.Parallel()
	dir := scratchOnTmpfs(t)
	w := newWorld(t, dir, dir+"/cages", dir, dir+"/snapshots")
	cmd := exec.Command("sh", "-euc", `for i in $(seq 40); do for name in a b c; do cage-new --name $name --ro "$0"; done; cage-rm a b c; done`, w.base)
	cmd.Env = w.env()
	ok(t, cmd.Start())
	done := make(chan error)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case err := <-done:
			ok(t, err)
			return
		default:
		}
		if lines := w.check(t); len(lines) > 0 {
			t.Errorf("it says %q", lines)
		}
	}
}

// wantLines wants each line to be one of the expressions, in any order.
func wantLines(t *testing.T, lines []string, expressions string) {
	t.Helper()
	want := strings.Split(expressions, "\n")
	for _, x := range want {
		matches := 0
		for _, line := range lines {
			if regexp.MustCompile("^" + x + "$").MatchString(line) {
				matches++
			}
		}
		if matches != 1 {
			t.Errorf("%d lines are %q", matches, x)
		}
	}
	if len(lines) != len(want) || t.Failed() {
		t.Errorf("it says %q", lines)
	}
}
