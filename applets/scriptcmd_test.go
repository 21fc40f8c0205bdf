package applets

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

func refused(ts *testscript.TestScript, neg bool, args []string) {
	unchanged(ts, neg, args)
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("it printed %q", out)
	}
}

func unchanged(ts *testscript.TestScript, neg bool, args []string) {
	before := everything(ts)
	exits(ts, neg, args)
	if after := everything(ts); after != before {
		ts.Fatalf("it changed something; before:\n%s\nafter:\n%s", before, after)
	}
}

// everything lists the files and mounts below $WORK.
func everything(ts *testscript.TestScript) string {
	dir := ts.Getenv("WORK")
	find := exec.Command("find", dir, "(", "-fstype", "proc", "-o", "-fstype", "sysfs", "-o", "-fstype", "devtmpfs", "-o",
		"-name", "image", ")", "-prune", // the disk of a loop device: written to whenever somebody syncs
		"-o", "-type", "d", "-printf", `%P %y %m %U:%G\n`, "-o", "-printf", `%P %y %m %U:%G %s %T@ %l\n`)
	out, err := find.Output()
	ts.Check(err)
	return string(out) + strings.Join(mountsBelow(dir), "\n")
}

func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: capture NAME")
	}
	ts.Setenv(args[0], strings.TrimSuffix(ts.ReadFile("stdout"), "\n"))
}

// ended reads the state of a process from proc_pid_stat(5): `354 (nginx) S 1 ...`.
func ended(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 || args[0] == "" {
		ts.Fatalf("usage: ended PID")
	}
	stat, err := os.ReadFile("/proc/" + args[0] + "/stat")
	gone := errors.Is(err, os.ErrNotExist) || strings.Contains(string(stat), ") Z ")
	if gone == neg {
		ts.Fatalf("process %s: %s %v", args[0], stat, err)
	}
}
