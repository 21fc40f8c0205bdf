// Package applets holds the commands: one file an applet, from argv to a plan.
// What a command does, and in which order, stands in its own file; how files,
// mounts and processes are handled stands in the rooms below.
package applets

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"cage/applets/internal/plan"

	"github.com/urfave/cli/v2"
)

// applet is one command of cage.
type applet struct {
	name  string // as in cage-NAME
	usage string // in one line
	posix bool   // the first operand ends the options
	new   func(*session) *cli.App
}

// table is every applet, in the order in which one meets them.
func table() []applet {
	return []applet{
		{"snapshot", "take a read-only snapshot of the host for cages to stand on", false, newSnapshot},
		{"new", "make a cage", false, newNew},
		{"run", "make a cage, bring it up and run a command in it", true, newRun},
		{"up", "mount cages and run their start scripts", false, newUp},
		{"exec", "run a command inside a cage that is up", true, newExec},
		{"ls", "list the cages and their states", false, newLs},
		{"info", "say all there is to know of a cage", false, newInfo},
		{"set", "change what a cage's conf says", false, newSet},
		{"logs", "print what a cage's scripts said", false, newLogs},
		{"clone", "copy a cage that is down", false, newClone},
		{"rebase", "let a cage stand on other bases", false, newRebase},
		{"down", "stop what runs in cages and unmount them", false, newDown},
		{"rm", "remove cages", false, newRm},
		{"check", "find what is not as it should be, and repair it", false, newCheck},
	}
}

// aboutPlainCages is the sentence that says what a cage is not.
const aboutPlainCages = `A plain cage is a convenience, not a wall: it shares the host's network,
processes, kernel settings, devices, and carries the host's keys and machine-id.`

// Exit statuses, as sysexits-less neighbours have them.
const (
	exitFailed  = 1
	exitUsage   = 2
	exitUnknown = 127
)

// exitStatus is an error that has been told already, or needs no words.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// hinted is an error and the command to type next.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// withHint adds the next command to type to an error; a string in it is quoted for
// the shell.
func withHint(err error, format string, args ...any) error {
	for i, arg := range args {
		if word, ok := arg.(string); ok {
			args[i] = plan.Quote(word)
		}
	}
	return hinted{err, fmt.Sprintf(format, args...)}
}

// Main is the whole program: it finds the applet that args names, by args[0] as
// `cage-up` or by args[1] as in `cage up`, runs it, prints its error and returns
// the exit status.
func Main(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		args = []string{"cage"}
	}
	name, rest := filepath.Base(args[0]), args[1:]
	if !strings.HasPrefix(name, "cage-") {
		if len(rest) == 0 || strings.HasPrefix(rest[0], "-") {
			return overview(rest, stdout, stderr)
		}
		name, rest = "cage-"+strings.TrimPrefix(rest[0], "cage-"), rest[1:]
	}
	for _, a := range table() {
		if name == "cage-"+a.name {
			return a.run(rest, stdout, stderr)
		}
	}
	fmt.Fprintf(stderr, "cage: unknown applet %s; there are:\n", oneLine(plan.Quote(strings.TrimPrefix(name, "cage-"))))
	list(stderr)
	return exitUnknown
}

// run runs the applet with its arguments.
func (a applet) run(args []string, stdout, stderr io.Writer) int {
	s := &session{name: "cage-" + a.name, stdout: stdout, stderr: stderr}
	app := a.new(s)
	app.Usage, app.Writer, app.ErrWriter = a.usage, stdout, stderr
	args, err := normalize(app.Flags, args, a.posix)
	if err == nil {
		err = runApp(app, args)
	}
	return s.tell(err)
}

// tell prints every error joined in err, with its hint, and returns the exit status.
func (s *session) tell(err error) int {
	if err == nil {
		return 0
	}
	status := exitStatus(exitFailed)
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			s.tell(e)
		}
		return int(status)
	}
	if errors.As(err, &status) {
		return int(status)
	}
	fmt.Fprintf(s.stderr, "%s: %s\n", s.name, oneLine(err.Error()))
	var h hinted
	var u usageError
	switch {
	case errors.As(err, &h):
		fmt.Fprintf(s.stderr, "%s: hint: %s\n", s.name, oneLine(h.hint))
	case errors.As(err, &u):
		fmt.Fprintf(s.stderr, "%s: hint: %s --help\n", s.name, s.name)
		return exitUsage
	}
	return exitFailed
}

// oneLine keeps a message on its line and from playing with the terminal, whatever
// names it quotes.
func oneLine(s string) string {
	var b strings.Builder
	for _, r := range s {
		if !strconv.IsPrint(r) {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// overview is `cage` without an applet.
func overview(args []string, stdout, stderr io.Writer) int {
	switch {
	case len(args) == 0 || args[0] == "-h" || args[0] == "--help":
		fmt.Fprintf(stdout, "cage: a second copy of this machine to run things in, in a blink\n\nusage: cage APPLET [ARG...], or cage-APPLET [ARG...]\n\n")
		list(stdout)
		fmt.Fprintf(stdout, "\n%s\n\n`cage APPLET --help` says more; `cage --list` prints the names alone.\n", aboutPlainCages)
	case args[0] == "-V" || args[0] == "--version":
		fmt.Fprintln(stdout, "cage", version)
	case args[0] == "--list":
		for _, a := range table() {
			fmt.Fprintln(stdout, a.name)
		}
	case args[0] == "--names":
		printNames(stdout)
	default:
		fmt.Fprintf(stderr, "cage: unknown option %s\ncage: hint: cage --help\n", oneLine(args[0]))
		return exitUsage
	}
	return 0
}

// list prints the applets with their one-liners.
func list(w io.Writer) {
	for _, a := range table() {
		fmt.Fprintf(w, "  cage-%-10s %s\n", a.name, a.usage)
	}
}

// environ returns a variable, or otherwise where it is not set.
func environ(key, otherwise string) string {
	if v := os.Getenv(key); v != "" {
		return v
	}
	return otherwise
}
