package applets

import (
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// version is what -V prints; the build sets it (-ldflags -X).
var version = "dev"

// cli's own version flag has the alias -v, which is --verbose here, and two flags of one name panic.
// It is a global of cli that every App appends by itself, so it is replaced once, for all of them.
func init() {
	cli.VersionFlag = &cli.BoolFlag{
		Name:               "version",
		Aliases:            []string{"V"},
		Usage:              "print the version",
		DisableDefaultText: true,
	}
}

// newApp returns the App of one applet, urfave/cli v2 tamed: an operand "help" is an operand, a comma in
// a value stays in it, and Run neither prints an error nor ends the process but returns it. The applet adds
// Action; -h and -V are there. Its arguments go through normalize first.
func newApp(name string, flags ...cli.Flag) *cli.App {
	return &cli.App{
		Name:                      name,
		Version:                   version,
		Flags:                     flags,
		HideHelpCommand:           true,
		DisableSliceFlagSeparator: true,
		Compiled:                  time.Unix(0, 0), // else cli looks for the file of os.Args[0]
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError: func(_ *cli.Context, err error, _ bool) error {
			return usageError(err.Error())
		},
	}
}

// boolFlag is a flag that stands alone; alias may be "".
func boolFlag(name, alias, usage string, to *bool) cli.Flag {
	f := &cli.BoolFlag{Name: name, Usage: usage, Destination: to, DisableDefaultText: true}
	if alias != "" {
		f.Aliases = []string{alias}
	}
	return f
}

// words collects the values of a flag that may be given again. cli's own StringSliceFlag splits and
// trims them, hands them on as JSON, and brings all of encoding/json into the program.
type words []string

// Set adds a value.
func (w *words) Set(value string) error {
	*w = append(*w, value)
	return nil
}

func (w *words) String() string { return strings.Join(*w, " ") }

// names returns the names of a flag, and whether nothing needs to be done where it
// is not given. cli's own Names looks for a comma in each by a regular expression.
func names(flag cli.Flag) (list []string, idle bool) {
	switch f := flag.(type) {
	case *cli.BoolFlag:
		return append([]string{f.Name}, f.Aliases...), !f.Value
	case *cli.StringFlag:
		return append([]string{f.Name}, f.Aliases...), f.Value == ""
	case *cli.Float64Flag:
		return append([]string{f.Name}, f.Aliases...), f.Value == 0
	case *cli.GenericFlag:
		return append([]string{f.Name}, f.Aliases...), true
	}
	return flag.Names(), false
}

// runApp runs app with arguments that normalize has put right. cli goes through all
// flags by name again and again, which takes as long as a mount or two, so it is
// shown only those that are given or have a default.
func runApp(app *cli.App, args []string) error {
	line := append([]string{app.Name}, args...)
	if args[0] == "--help" || args[0] == "--version" {
		return app.Run(line)
	}
	options := args[:slices.Index(args, "--")]
	app.Flags = slices.DeleteFunc(app.Flags, func(flag cli.Flag) bool {
		_, idle := names(flag)
		return idle && !slices.ContainsFunc(options, func(option string) bool { return strings.HasPrefix(option, dashed(flag)+"=") })
	})
	app.HideHelp, app.HideVersion = true, true
	defer func(flag cli.Flag) { cli.HelpFlag = flag }(cli.HelpFlag)
	cli.HelpFlag = nil
	return app.Run(line)
}
