package applets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"cage/applets/internal/kernel"

	"github.com/urfave/cli/v2"
)

// Exit statuses of what runs a command in another root, as chroot(1) has them.
const (
	exitCage    = 125 // cage itself failed
	exitNoExec  = 126 // the command was found and could not be run
	exitMissing = 127 // it was not found
)

func newExec(s *session) *cli.App {
	app := newApp(s.name, "")
	app.Flags = []cli.Flag{s.quietFlag("print no notes and warnings")}
	app.Action = func(c *cli.Context) error {
		if c.NArg() == 0 {
			return usageError("which cage?")
		}
		command := c.Args().Tail()
		if len(command) > 0 && command[0] == "--" {
			command = command[1:]
		}
		status, err := runExec(s, c.Args().First(), command)
		s.tell(err)
		return exitStatus(status)
	}
	describe(app, "CAGE [COMMAND [ARG...]]", `   cage-exec web                 a shell inside
   cage-exec web apt-get update  one command; its exit status is that of cage-exec
`)
	app.CustomAppHelpTemplate = strings.Replace(app.CustomAppHelpTemplate, "0 done, 1 failed or refused, 2 usage",
		"the command's own; 125 cage failed, 126 the command cannot run, 127 it is not there, 2 usage", 1)
	return app
}

// runExec becomes the command inside the cage; it returns only where that fails.
func runExec(s *session, ref string, command []string) (int, error) {
	if err := s.open(); err != nil {
		return exitCage, err
	}
	c, err := s.load(ref)
	if err != nil {
		return exitCage, err
	}
	f, err := look(c)
	if err != nil {
		return exitCage, err
	}
	if f.state != up {
		return exitCage, withHint(fmt.Errorf("cannot enter %s: it is %s", c.Label(), f.state), "cage-up %s", c.Label())
	}
	// Where there can be no cgroup the root directory tells whose it is.
	if g := cgroupOf(c); g.Ensure() == nil {
		_ = g.Join(0)
	}
	if err := kernel.Chroot(c.Mountpoint); err != nil {
		return exitCage, err
	}
	env := []string{
		"PATH=" + execPath,
		"HOME=/root",
		"USER=root",
		"LOGNAME=root",
		"SHELL=" + loginShell(),
		"TERM=" + environ("TERM", "dumb"),
		"LANG=" + environ("LANG", "C.UTF-8"),
		"CAGE_UUID=" + c.UUID,
		"CAGE_NAME=" + c.Name,
		"debian_chroot=" + c.Label(),
	}
	if len(command) == 0 {
		command = []string{loginShell(), "-i"}
	}
	path, err := lookPath(command[0])
	if err == nil {
		err = kernel.Exec(path, command, env)
	}
	status := exitNoExec
	if errors.Is(err, fs.ErrNotExist) {
		status = exitMissing
	}
	return status, kernel.Cannot("run", command[0], err)
}

const execPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// lookPath finds a command in the directories of execPath, as execvp(3) does.
func lookPath(name string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	missing := syscall.ENOENT
	for dir := range strings.SplitSeq(execPath, ":") {
		path := dir + "/" + name
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		if info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, nil
		}
		missing = syscall.EACCES
	}
	return "", missing
}

// loginShell returns root's shell as /etc/passwd has it (passwd(5)).
func loginShell() string {
	data, _ := os.ReadFile("/etc/passwd")
	for line := range strings.SplitSeq(string(data), "\n") {
		if f := strings.Split(line, ":"); len(f) == 7 && f[2] == "0" && f[6] != "" {
			return f[6]
		}
	}
	return "/bin/sh"
}
