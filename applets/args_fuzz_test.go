package applets

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// FuzzNormalize takes any command line: what comes out is options in cli's one spelling, "--", and
// operands, which is itself a command line that means the same.
func FuzzNormalize(f *testing.F) {
	for _, line := range []string{
		"", "web -v", "-vd/x web", "-d=/x -nv -- -v", "-b a --base c", "web -- ls -l", "-verbose", "--verbose=x",
		"--base", "-h web", "--foo --version", "- -- -", "--set=a,b --set c", "-t 5 web", "-t x", "-é1 -v\xff", "--=", "-=",
	} {
		f.Add(strings.ReplaceAll(line, " ", "\x00"), false)
		f.Add(strings.ReplaceAll(line, " ", "\x00"), true)
	}
	f.Fuzz(func(t *testing.T, line string, posix bool) {
		args := strings.Split(line, "\x00") // the one byte that no argument holds
		var got given
		app := tryApp(&got, &bytes.Buffer{})
		normal, err := normalize(app.Flags, args, posix)
		var usage usageError
		if err != nil {
			if !errors.As(err, &usage) || normal != nil {
				t.Fatalf("%q: %q and %#v, want only a usage error", args, normal, err)
			}
			return
		}
		again, err := normalize(app.Flags, normal, posix)
		if err != nil || !slices.Equal(again, normal) {
			t.Fatalf("%q: %q, which reads again as %q, %v", args, normal, again, err)
		}
		end := slices.Index(normal, "--")
		if end < 0 {
			if len(normal) != 1 || normal[0] != "--help" && normal[0] != "--version" {
				t.Fatalf("%q: %q has no --", args, normal)
			}
			return
		}
		operands := normal[end+1:]
		left := args
		for _, operand := range operands {
			at := slices.Index(left, operand)
			if at < 0 {
				t.Fatalf("%q: the operands %q are not of it, in order", args, operands)
			}
			left = left[at+1:]
		}
		err = runApp(app, normal)
		if err != nil && !(errors.As(err, &usage) && strings.Contains(err.Error(), "for flag -t:")) {
			t.Fatalf("%q: cli refuses %q: %v", args, normal, err)
		}
		if err == nil && (!got.ran || !slices.Equal(got.operands, operands)) {
			t.Fatalf("%q: cli ran %t with %q, want %q", args, got.ran, got.operands, operands)
		}
	})
}

// FuzzNormalizeMeaning spells out a meaning drawn from choices in one of the ways getopt_long(3) allows,
// and wants it back from cli.
func FuzzNormalizeMeaning(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}, "web, x", false)
	f.Add([]byte{13, 12, 6, 6, 14, 0, 5}, "-v", false)
	f.Add([]byte{4, 0, 12, 3, 9}, "", true)
	f.Add([]byte{7, 11, 10, 14, 14}, "=\xff", true)
	f.Fuzz(func(t *testing.T, choices []byte, text string, posix bool) {
		if strings.Contains(text, "\x00") {
			return // no argument holds it
		}
		args, want := spell(choices, text, posix)
		got, stdout, err := try(args, posix)
		if err != nil || stdout != "" || !got.equal(want) {
			t.Errorf("%q (posix %t): %+v, %v, printed %q, want %+v", args, posix, got, err, stdout, want)
		}
	})
}

// spell turns choices into a command line and what it means.
func spell(choices []byte, text string, posix bool) (args []string, want given) {
	want.ran = true
	for i, choice := range choices {
		value := text + strconv.Itoa(i) // never empty
		switch choice % 15 {
		case 0:
			args, want.verbose = append(args, "-v"), true
		case 1:
			args, want.verbose = append(args, "--verbose"), true
		case 2:
			args, want.dry = append(args, "--dry-run=false"), false
		case 3:
			args, want.dry, want.f = append(args, "-nf"), true, true
		case 4:
			args, want.data = append(args, "-d", value), value
		case 5:
			args, want.data = append(args, "-d="+value), value
		case 6:
			args, want.data, want.verbose = append(args, "-vd", value), value, true
		case 7:
			args, want.data = append(args, "--data="+value), value
		case 8:
			args, want.base = append(args, "-b/"+value), "/"+value
		case 9:
			args, want.base, want.f = append(args, "-fb/"+value), "/"+value, true
		case 10:
			args, want.set = append(args, "--set", value), append(want.set, value)
		case 11:
			args, want.set = append(args, "--set="+value), append(want.set, value)
		case 12:
			args, want.seconds = append(args, "-t"+strconv.Itoa(i)), i
		case 13:
			operand := strings.TrimLeft(value, "-")
			args, want.operands = append(args, operand), append(want.operands, operand)
			if posix {
				return append(args, "--", "-v", value), withOperands(want, "--", "-v", value)
			}
		case 14:
			return append(args, "--", value, "--", "-h"), withOperands(want, value, "--", "-h")
		}
	}
	return args, want
}

func withOperands(want given, operands ...string) given {
	want.operands = append(want.operands, operands...)
	return want
}
