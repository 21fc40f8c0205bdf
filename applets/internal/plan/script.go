package plan

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"cage/applets/internal/kernel"
)

// logMax is the size in bytes from which a log makes room: it becomes log.1.
const logMax = 1 << 20

// LogOld is what the name of a log gets behind it then.
const LogOld = ".1"

// Script runs a program inside a tree as root, with an empty standard input and
// its output appended to a log, and waits for its exit. In the foreground, which
// is without a log, its output goes to two files and signals are passed on to it.
type Script struct {
	What   string // for the message: "the start script of web"
	Root   string
	Path   string // inside
	Env    []string
	Log    string                  // "": in the foreground
	Output *os.File                // its standard output then
	Errors *os.File                // and its standard error
	Cgroup kernel.Cgroup           // it starts in this one, where there is one
	Limit  time.Duration           // 0: none
	Stop   func() <-chan os.Signal // a signal that arrives there ends it, or is passed on
}

// ScriptError says that a script failed.
type ScriptError struct {
	cause error
	Exit  int    // its exit status as a shell has it, 128+N for signal N; 1 where it could not run
	Log   string // where its output is
	From  int64  // and where in it this run's begins
}

func (e *ScriptError) Error() string { return e.cause.Error() }

// Unwrap returns the cause.
func (e *ScriptError) Unwrap() error { return e.cause }

func (s *Script) String() string {
	words := append([]string{"env", "-i"}, s.Env...)
	run := command(append(words, "chroot", s.Root, s.Path)...) + " </dev/null"
	if s.Log == "" {
		return run
	}
	// what a script says is for root alone, whatever the umask
	return "(umask 077 && : >>" + Quote(s.Log) + ")\n" + run + " >>" + Quote(s.Log) + " 2>&1"
}

// Do runs it.
func (s *Script) Do() error {
	if s.Log == "" {
		return s.run(s.Output, s.Errors, 0)
	}
	if info, err := os.Stat(s.Log); err == nil && info.Size() >= logMax {
		if err := os.Rename(s.Log, s.Log+LogOld); err != nil {
			return kernel.Cannot("move aside", s.Log, err)
		}
	}
	log, err := os.OpenFile(s.Log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return kernel.Cannot("write", s.Log, err)
	}
	defer log.Close()
	info, err := log.Stat()
	if err != nil {
		return kernel.Cannot("read", s.Log, err)
	}
	return s.run(log, log, info.Size())
}

// run runs it with its output to these; what was in the log before ends at from.
func (s *Script) run(output, errs *os.File, from int64) error {
	status, err := kernel.Run(kernel.Command{
		Root:   s.Root,
		Args:   []string{s.Path},
		Env:    s.Env,
		Output: output,
		Errors: errs,
		Cgroup: s.Cgroup,
		PassOn: s.Log == "",
	}, s.Limit, s.Stop)
	exit := 1
	if err == nil && status != 0 {
		err, exit = errors.New(statusWords(status)), kernel.ExitStatus(status)
	}
	if err != nil {
		return &ScriptError{kernel.Cannot("run", s.What, err), exit, s.Log, from}
	}
	return nil
}

// statusWords says how a process ended.
func statusWords(status syscall.WaitStatus) string {
	if status.Signaled() {
		return fmt.Sprintf("it was ended by signal %d (%[1]v)", status.Signal())
	}
	return fmt.Sprintf("exit status %d", status.ExitStatus())
}

// KillCommands is what cage-down does to processes, for a shell: HUP to those
// with a terminal, TERM and CONT to all, and KILL after the grace. It is no step,
// for cage-down itself never kills by number alone.
func KillCommands(pids []int, grace time.Duration) string {
	list := strings.Trim(fmt.Sprint(pids), "[]")
	if grace == 0 {
		return fmt.Sprintf("kill -KILL %s 2>/dev/null || true", list)
	}
	return fmt.Sprintf(`for pid in %s; do
  [ "$(ps -o tty= -p $pid)" = '?' ] || kill -HUP $pid 2>/dev/null || true
  kill -TERM $pid 2>/dev/null || true
  kill -CONT $pid 2>/dev/null || true
done
for pid in %[1]s; do
  timeout %g tail -f --pid=$pid /dev/null || kill -KILL $pid 2>/dev/null || true
done`, list, grace.Seconds())
}
