package main

import (
	"errors"
	"flag"
	"os"

	"golang.org/x/term"
)

// newFlags makes a command's flags, with a help text that begins with its usage.
func newFlags(command, usage string) *flag.FlagSet {
	f := flag.NewFlagSet(command, flag.ContinueOnError)
	out := &flagErrors{out: os.Stderr, flags: f}
	f.SetOutput(out)
	f.Usage = func() { out.usage(usage) }
	return f
}

// parseMixed parses flags that may stand before, between or behind the arguments. What follows
// "--" is arguments.
func parseMixed(f *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := f.Parse(args); err != nil {
			return nil, err
		}
		left := f.Args()
		if taken := len(args) - len(left); taken > 0 && args[taken-1] == "--" || len(left) == 0 {
			return append(rest, left...), nil
		}
		rest, args = append(rest, left[0]), left[1:]
	}
}

// flagsExit is the exit code for flags that did not parse; the flag package has said why.
func flagsExit(err error) int {
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	return exitError
}

// painter colours words, on a terminal that wants it.
type painter bool

// newPainter looks at where the output goes, and at NO_COLOR (https://no-color.org).
func newPainter(out *os.File) painter {
	return painter(os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(out.Fd())))
}

func (p painter) paint(code, text string) string {
	if !p || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p painter) good(text string) string { return p.paint("32", text) }
func (p painter) bad(text string) string  { return p.paint("31", text) }
func (p painter) odd(text string) string  { return p.paint("33", text) }
