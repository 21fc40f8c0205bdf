package applets

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// usageError says what is wrong with a command line: exit status 2.
type usageError string

func (e usageError) Error() string { return string(e) }

// normalize puts the arguments of an applet, without its name, in the one order and spelling that
// urfave/cli v2 reads as getopt_long(3) would have: --name=value for each option given, with the flag's
// first name, then "--", then the operands. Options may stand behind operands, unless posix is
// set: then the first operand ends them, as POSIXLY_CORRECT does. "--" always ends them. A help or
// version option overrules all others, also wrong ones. Errors are of type usageError.
func normalize(flags []cli.Flag, args []string, posix bool) ([]string, error) {
	r := argReader{flags: append(flags[:len(flags):len(flags)], cli.HelpFlag, cli.VersionFlag), rest: args}
	var operands []string
	for len(r.rest) > 0 {
		arg := r.rest[0]
		r.rest = r.rest[1:]
		switch {
		case arg == "--":
			operands = append(operands, r.rest...)
			r.rest = nil
		case strings.HasPrefix(arg, "--"):
			r.long(arg[len("--"):])
		case len(arg) > 1 && arg[0] == '-':
			r.bundle(arg[len("-"):])
		default:
			operands = append(operands, arg)
			if posix {
				operands = append(operands, r.rest...)
				r.rest = nil
			}
		}
	}
	switch {
	case r.help:
		return []string{"--help"}, nil
	case r.version:
		return []string{"--version"}, nil
	case r.err != nil:
		return nil, r.err
	}
	return append(append(r.options, "--"), operands...), nil
}

// argReader reads options. After an error it reads on, for the sake of a --help further on.
type argReader struct {
	flags         []cli.Flag
	rest          []string // what is not read yet
	options       []string // --name=value
	help, version bool
	err           error // the first
}

// long reads --NAME, --NAME=VALUE and --NAME VALUE, given without the dashes.
func (r *argReader) long(text string) {
	name, value, attached := strings.Cut(text, "=")
	var flag cli.Flag
	if utf8.RuneCountInString(name) > 1 { // --v is no spelling of -v
		flag = r.find(name)
	}
	switch {
	case flag == nil:
		r.fail("unknown option --" + name)
	case attached:
		r.set(flag, value)
	case isBool(flag):
		r.set(flag, "true")
	default:
		r.next(flag)
	}
}

// bundle reads -v, -nv, -dVALUE, -nvdVALUE, -d=VALUE and -nvd VALUE, given without the dash.
func (r *argReader) bundle(text string) {
	for text != "" {
		_, size := utf8.DecodeRuneInString(text)
		flag := r.find(text[:size])
		if flag == nil {
			r.fail("unknown option -" + text[:size])
			return
		}
		text = text[size:]
		value, assigned := strings.CutPrefix(text, "=")
		switch {
		case assigned || text != "" && !isBool(flag):
			r.set(flag, value)
			return
		case isBool(flag):
			r.set(flag, "true")
		default:
			r.next(flag)
		}
	}
}

// next gives flag the next argument, whatever it looks like.
func (r *argReader) next(flag cli.Flag) {
	if len(r.rest) == 0 {
		r.fail("option " + dashed(flag) + " needs a value")
		return
	}
	r.set(flag, r.rest[0])
	r.rest = r.rest[1:]
}

func (r *argReader) set(flag cli.Flag, value string) {
	if isBool(flag) && value != "true" && value != "false" {
		r.fail("option " + dashed(flag) + " takes no value")
		return
	}
	switch flag {
	case cli.HelpFlag:
		r.help = value == "true"
	case cli.VersionFlag:
		r.version = value == "true"
	default:
		r.options = append(r.options, dashed(flag)+"="+value)
	}
}

func (r *argReader) fail(message string) {
	if r.err == nil {
		r.err = usageError(message)
	}
}

// find returns the flag that has the name, or nil.
func (r *argReader) find(name string) cli.Flag {
	for _, flag := range r.flags {
		if known, _ := names(flag); slices.Contains(known, name) {
			return flag
		}
	}
	return nil
}

// isBool says whether a flag stands alone; every other kind takes a value.
func isBool(flag cli.Flag) bool {
	_, is := flag.(*cli.BoolFlag)
	return is
}

// dashed returns the first name of flag as one types it.
func dashed(flag cli.Flag) string {
	list, _ := names(flag)
	if utf8.RuneCountInString(list[0]) == 1 {
		return "-" + list[0]
	}
	return "--" + list[0]
}
