package applets

import (
	"errors"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"cage/applets/internal/kernel"
	"cage/applets/internal/store"

	"github.com/urfave/cli/v2"
)

// Exit statuses of what runs a command in another root, as chroot(1) has them.
const (
	exitCage    = 125 // cage itself failed
	exitNoExec  = 126 // the command was found and could not be run
	exitMissing = 127 // it was not found
)

// enterOptions say how a command is run inside a cage.
type enterOptions struct {
	user, dir string
	env       words // KEY=VALUE
	tty       bool
}

func (o *enterOptions) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "user", Aliases: []string{"u"}, Usage: "be `USER`[:GROUP] of the cage (default: root)", Destination: &o.user},
		&cli.StringFlag{Name: "workdir", Aliases: []string{"w"}, Usage: "start in `DIR` inside", Destination: &o.dir},
		// One name: cli sets a second one anew, from the String of all values.
		&cli.GenericFlag{Name: "E", Usage: "put `KEY=VALUE` into the environment; may be given again", Value: &o.env},
		boolFlag("tty", "t", "give it a terminal of the cage's own", &o.tty),
	}
}

// check refuses options that cannot be.
func (o *enterOptions) check() error {
	for _, set := range o.env {
		if i := strings.Index(set, "="); i < 1 {
			return usageError("-E takes KEY=VALUE")
		}
	}
	return nil
}

// enter runs a command, or without one the user's login shell, in a cage that is
// up, and returns its exit status. Unless it is to stay outside and wait this
// process becomes the command, and enter returns only where that fails.
func (s *session) enter(c *store.Cage, o enterOptions, command []string, stay bool) (status int, err error) {
	if stay {
		s.answer(o.tty)
		s.signals()
	}
	if o.tty {
		signal.Notify(s.stop, syscall.SIGWINCH, syscall.SIGTSTP)
	}
	v, err := kernel.Enter(c.Mountpoint, cgroupOf(c))
	if err != nil {
		return exitCage, err
	}
	child, status, err := start(v, c, o, command, stay)
	if !stay {
		return status, err
	}
	if e := v.Leave(); e != nil {
		return exitCage, errors.Join(err, e)
	}
	if err != nil {
		return status, err
	}
	return kernel.ExitStatus(child.Attend(s.stop)), nil
}

// start is what enter does inside. Without stay it returns only where it fails.
func start(v *kernel.Visit, c *store.Cage, o enterOptions, command []string, stay bool) (*kernel.Child, int, error) {
	a, err := findAccount(o.user)
	if err != nil {
		return nil, exitCage, err
	}
	g := kernel.Guest{Args: command, Env: environment(c, a, len(command) == 0, o.env), As: a.ids}
	if o.dir != "" {
		if err := os.Chdir(o.dir); err != nil {
			return nil, exitCage, kernel.Cannot("start in", o.dir, err)
		}
	}
	name := a.shell
	if len(command) > 0 {
		name = command[0]
	} else {
		g.Args = []string{"-" + a.shell[strings.LastIndex(a.shell, "/")+1:]}
		if o.dir == "" {
			_ = os.Chdir(a.home) // a home that is not there: / will do
		}
	}
	if g.Path, err = lookPath(name, valueOf(g.Env, "PATH")); err != nil {
		status, err := runStatus(err), kernel.Cannot("run", name, err)
		if strings.HasPrefix(name, "-") { // an option that came too late
			err = withHint(err, "cage-exec %s ... %s", name, c.Label())
		}
		return nil, status, err
	}
	if o.tty {
		if g.Terminal, err = kernel.NewTerminal(a.ids.Uid); err != nil {
			return nil, exitCage, noTerminal(c, err)
		}
	}
	var child *kernel.Child
	if stay {
		child, err = v.Start(g)
	} else {
		err = v.Exec(g)
	}
	if err != nil {
		return nil, runStatus(err), kernel.Cannot("run", name, err)
	}
	return child, 0, nil
}

// noTerminal words why there is no terminal.
func noTerminal(c *store.Cage, err error) error {
	worded := kernel.Cannot("make a terminal in", c.Label(), err)
	if errors.Is(err, kernel.ErrNoDevpts) {
		return withHint(worded, "cage-down %s && cage-up %[1]s", c.Label())
	}
	return worded
}

// runStatus is the exit status for a command that could not be run.
func runStatus(err error) int {
	if errors.Is(err, fs.ErrNotExist) {
		return exitMissing
	}
	return exitNoExec
}

// lookPath finds a command in the directories of path, as execvp(3) does.
func lookPath(name, path string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	missing := syscall.ENOENT
	for dir := range strings.SplitSeq(path, ":") {
		if dir == "" {
			dir = "."
		}
		file := dir + "/" + name
		info, err := os.Stat(file)
		if err != nil || name == "" {
			continue
		}
		if info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file, nil
		}
		missing = syscall.EACCES
	}
	return "", missing
}
