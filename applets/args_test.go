package applets

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// given is what an applet's Action finds after cli has read the command line.
type given struct {
	ran              bool
	verbose, dry, f  bool
	data, memo, base string
	set              []string
	seconds          int
	operands         []string
}

func (g given) equal(other given) bool {
	return g.ran == other.ran && g.verbose == other.verbose && g.dry == other.dry && g.f == other.f &&
		g.data == other.data && g.memo == other.memo && g.base == other.base && g.seconds == other.seconds &&
		slices.Equal(g.set, other.set) && slices.Equal(g.operands, other.operands)
}

// tryApp is an applet with a flag of each kind: long and short, only long, only short.
func tryApp(got *given, stdout *bytes.Buffer) *cli.App {
	app := newApp("cage-try")
	app.Usage = "try the command line"
	app.Writer = stdout
	app.ErrWriter = stdout
	set := cli.StringSlice{}
	app.Flags = []cli.Flag{
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Destination: &got.verbose},
		&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Destination: &got.dry},
		&cli.BoolFlag{Name: "f", Destination: &got.f},
		&cli.StringFlag{Name: "data", Aliases: []string{"d"}, Destination: &got.data},
		&cli.StringFlag{Name: "m", Destination: &got.memo},
		&cli.StringFlag{Name: "base", Aliases: []string{"b", "é"}, Destination: &got.base},
		&cli.StringSliceFlag{Name: "set", KeepSpace: true, Destination: &set},
		&cli.IntFlag{Name: "t", Destination: &got.seconds},
	}
	app.Action = func(c *cli.Context) error {
		got.ran = true
		got.set = set.Value()
		got.operands = c.Args().Slice()
		return nil
	}
	return app
}

// try runs a command line the way every applet does and returns what came of it.
func try(args []string, posix bool) (got given, stdout string, err error) {
	var out bytes.Buffer
	app := tryApp(&got, &out)
	normal, err := normalize(app.Flags, args, posix)
	if err == nil {
		err = runApp(app, normal)
	}
	return got, out.String(), err
}

// TestPitfalls goes through what urfave/cli v2.27.7 reads otherwise than getopt_long(3) or worse.
func TestPitfalls(t *testing.T) {
	tests := []struct {
		about, args string // arguments are separated by blanks; a '_' in one stands for a blank
		want        given
	}{
		{"nothing", "", given{}},
		{"flag after an operand", "web -v", given{verbose: true, operands: []string{"web"}}},
		{"flag with a value between operands", "a --data x b", given{data: "x", operands: []string{"a", "b"}}},
		{"attached value", "-d/x", given{data: "/x"}},
		{"attached value in a bundle", "-vd/x", given{verbose: true, data: "/x"}},
		{"assigned value in a bundle", "-vd=/x", given{verbose: true, data: "/x"}},
		{"assigned value of a short flag", "-d=/x=y", given{data: "/x=y"}},
		{"bundle whose last takes the next word", "-nvd /x web", given{dry: true, verbose: true, data: "/x", operands: []string{"web"}}},
		{"bundle", "-nv", given{dry: true, verbose: true}},
		{"value that holds the letters of flags", "-dnv", given{data: "nv"}},
		{"short flag beyond ASCII", "-vé1", given{verbose: true, base: "1"}},
		{"two forms of a bool flag", "-v --verbose", given{verbose: true}},
		{"two forms of a flag with a value", "-b a --base c", given{base: "c"}},
		{"bool flag twice", "-vv web -v", given{verbose: true, operands: []string{"web"}}},
		{"the last value holds", "--verbose -m a --verbose=false -m b", given{memo: "b"}},
		{"operand help", "help", given{operands: []string{"help"}}},
		{"operand h", "-v h web", given{verbose: true, operands: []string{"h", "web"}}},
		{"operand named like a flag that is set", "--verbose verbose", given{verbose: true, operands: []string{"verbose"}}},
		{"-v is not --version", "-v", given{verbose: true}},
		{"-- after an operand", "web -- ls -l", given{operands: []string{"web", "ls", "-l"}}},
		{"-- first", "-- -v web", given{operands: []string{"-v", "web"}}},
		{"only the first -- ends the flags", "-v -- -- -n", given{verbose: true, operands: []string{"--", "-n"}}},
		{"-- as a value", "-d -- web", given{data: "--", operands: []string{"web"}}},
		{"help after --", "-- --help -h", given{operands: []string{"--help", "-h"}}},
		{"help as a value", "-d -h --base --help", given{data: "-h", base: "--help"}},
		{"comma and blanks in a slice", "--set a,_b --set=_c_ --set d", given{set: []string{"a, b", " c ", "d"}}},
		{"invalid UTF-8 in a slice", "--set \xff", given{set: []string{"\xff"}}},
		{"single dash is an operand", "- -v -", given{verbose: true, operands: []string{"-", "-"}}},
		{"empty value", "--data= -m web", given{memo: "web"}},
		{"'=' in a value", "--set=a=b -dc=d", given{set: []string{"a=b"}, data: "c=d"}},
		{"value that looks like a flag", "--data --verbose", given{data: "--verbose"}},
		{"negative number", "-t -5", given{seconds: -5}},
		{"the word of shell completion", "-v --data --generate-bash-completion", given{verbose: true, data: "--generate-bash-completion"}},
	}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			var args []string
			for _, field := range strings.Fields(test.args) {
				args = append(args, strings.ReplaceAll(field, "_", " "))
			}
			got, stdout, err := try(args, false)
			test.want.ran = true
			if err != nil || stdout != "" || !got.equal(test.want) {
				t.Errorf("%q: %+v, %v, printed %q, want %+v", args, got, err, stdout, test.want)
			}
		})
	}
}

func TestFirstOperandEndsOptions(t *testing.T) {
	tests := []struct {
		args string
		want given
	}{
		{"-v web ls -l", given{verbose: true, operands: []string{"web", "ls", "-l"}}},
		{"web --help", given{operands: []string{"web", "--help"}}},
		{"web -- ls", given{operands: []string{"web", "--", "ls"}}},
		{"-d x -- web -- ls", given{data: "x", operands: []string{"web", "--", "ls"}}},
		{"- -v", given{operands: []string{"-", "-v"}}},
		{"web -x --foo -V", given{operands: []string{"web", "-x", "--foo", "-V"}}},
	}
	for _, test := range tests {
		got, stdout, err := try(strings.Fields(test.args), true)
		test.want.ran = true
		if err != nil || stdout != "" || !got.equal(test.want) {
			t.Errorf("%q: %+v, %v, printed %q, want %+v", test.args, got, err, stdout, test.want)
		}
	}
}

func TestUsageErrors(t *testing.T) {
	tests := []struct{ args, want string }{
		{"--foo", "unknown option --foo"},
		{"web --foo=bar", "unknown option --foo"},
		{"--foo --bar", "unknown option --foo"},
		{"-x", "unknown option -x"},
		{"-vxn", "unknown option -x"},
		{"-vü", "unknown option -ü"},
		{"-verbose", "unknown option -e"},
		{"--v", "unknown option --v"},
		{"--é=1", "unknown option --é"},
		{"--f", "unknown option --f"},
		{"--verb", "unknown option --verb"},
		{"---", "unknown option ---"},
		{"web --base", "option --base needs a value"},
		{"-vb", "option --base needs a value"},
		{"-m", "option -m needs a value"},
		{"--verbose=x", "option --verbose takes no value"},
		{"--verbose=", "option --verbose takes no value"},
		{"-v=1", "option --verbose takes no value"},
		{"--help=x", "option --help takes no value"},
		{"--generate-bash-completion", "unknown option --generate-bash-completion"},
		{"-t soon", `invalid value "soon" for flag -t: parse error`}, // said by cli
	}
	for _, test := range tests {
		got, stdout, err := try(strings.Fields(test.args), false)
		var usage usageError
		if !errors.As(err, &usage) || err.Error() != test.want {
			t.Errorf("%q: %v, want the usage error %q", test.args, err, test.want)
		}
		if got.ran || stdout != "" {
			t.Errorf("%q: ran %t, printed %q", test.args, got.ran, stdout)
		}
	}
}

func TestHelpAndVersion(t *testing.T) {
	tests := []struct{ args, begins, holds string }{
		{"--help", "NAME:\n   cage-try - try the command line\n", "--verbose, -v"},
		{"-h web", "NAME:\n   cage-try - ", "--version, -V"},
		{"web -nh", "NAME:\n   cage-try - ", "--help, -h"},
		{"--foo -x=1 --help --base", "NAME:\n   cage-try - ", "--data"},
		{"-V --help", "NAME:\n   cage-try - ", "--data"},
		{"--version", "cage-try version " + version + "\n", ""},
		{"web -vV --foo", "cage-try version " + version + "\n", ""},
	}
	for _, test := range tests {
		got, stdout, err := try(strings.Fields(test.args), false)
		if err != nil || got.ran || !strings.HasPrefix(stdout, test.begins) || !strings.Contains(stdout, test.holds) {
			t.Errorf("%q: %v, ran %t, printed %q", test.args, err, got.ran, stdout)
		}
	}
	if got, stdout, err := try([]string{"--help=false", "web"}, false); err != nil || !got.ran || stdout != "" {
		t.Errorf("--help=false: %v, ran %t, printed %q", err, got.ran, stdout)
	}
}

// TestRunReturnsErrors: cli would end the process at an ExitCoder, before deferred calls.
func TestRunReturnsErrors(t *testing.T) {
	var got given
	app := tryApp(&got, &bytes.Buffer{})
	want := cli.Exit("gone", 7)
	app.Action = func(*cli.Context) error { return want }
	if err := app.Run([]string{"cage-try"}); err != want {
		t.Errorf("Run: %v, want %v", err, want)
	}
}
