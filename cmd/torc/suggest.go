package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// farthest is how many slips of the finger a suggestion forgives.
const farthest = 2

// didYouMean is a question about the nearest of the names, or empty when none is near.
func didYouMean(name, mark string, names []string) string {
	best, distance := "", farthest+1
	for _, candidate := range slices.Sorted(slices.Values(names)) {
		// A name of which less than half would remain is no slip: "x" does not mean "xx".
		if d := slips(name, candidate); d < distance && 2*d < len(candidate)+1 {
			best, distance = candidate, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s%s?", mark, best)
}

// slips counts the letters inserted, left out, replaced or swapped with their neighbour between two
// words (optimal string alignment, https://en.wikipedia.org/wiki/Damerau–Levenshtein_distance).
func slips(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replaced := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			rows[i][j] = min(replaced, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// flagErrors is where a flag set writes. The flag package writes an error first and then the whole
// usage, which would push the error off the screen: after an error only a pointer to the help is
// given. It has no typed error for a flag that does not exist either, so the name is read from the
// text (TestFlagErrors sees when that changes).
type flagErrors struct {
	out    io.Writer
	flags  *flag.FlagSet
	failed bool
}

const (
	unknownFlag  = "flag provided but not defined: -"
	missingValue = "flag needs an argument: -"
)

var badValue = regexp.MustCompile(`^invalid (?:boolean )?value (".*") for (?:flag )?-([a-z-]+): (.*)$`)

// wanted says what a flag takes, where the flag package knows no more than that it was something else.
func wanted(of *flag.Flag, why string) string {
	if getter, ok := of.Value.(flag.Getter); ok {
		switch getter.Get().(type) {
		case time.Duration:
			return "want a time such as 1500ms, 10s or 5m"
		case int:
			return "want a whole number"
		case uint, uint64:
			return "want a whole number, not below 0"
		case float64:
			return "want a number such as 0.5"
		case bool:
			return "want true or false, or the flag alone"
		}
	}
	return why
}

func (e *flagErrors) Write(p []byte) (int, error) {
	e.failed = true
	text := strings.TrimSpace(string(p))
	if name, unknown := strings.CutPrefix(text, unknownFlag); unknown {
		text = fmt.Sprintf("there is no flag --%s%s", name, didYouMean(name, "--", flagNames(e.flags)))
	} else if name, missing := strings.CutPrefix(text, missingValue); missing {
		text = fmt.Sprintf("--%s needs a value", name)
	} else if bad := badValue.FindStringSubmatch(text); bad != nil {
		text = fmt.Sprintf("--%s %s: %s", bad[2], bad[1], wanted(e.flags.Lookup(bad[2]), bad[3]))
	}
	_, err := fmt.Fprintf(e.out, "%s: %s\n", e.flags.Name(), text)
	return len(p), err
}

// usage is called by the flag package for --help, and after an error.
func (e *flagErrors) usage(line string) {
	if e.failed {
		_, _ = fmt.Fprintf(e.out, "%s --help tells the flags\n", e.flags.Name())
		return
	}
	if names := flagNames(e.flags); len(names) > 0 {
		line = "[flags] " + line
	}
	_, _ = fmt.Fprintf(e.out, "usage: %s\n\n%s", strings.TrimSpace(e.flags.Name()+" "+line), about(e.flags.Name()))
	e.flags.SetOutput(e.out)
	e.flags.PrintDefaults()
	e.flags.SetOutput(e)
}

func flagNames(f *flag.FlagSet) (names []string) {
	f.VisitAll(func(one *flag.Flag) { names = append(names, one.Name) })
	return names
}

// given tells whether a flag stands on the command line.
func given(f *flag.FlagSet, name string) (found bool) {
	f.Visit(func(one *flag.Flag) { found = found || one.Name == name })
	return found
}

// repeated are the flags that were given, but for one: for a command line that does the same again.
func repeated(f *flag.FlagSet, but string) (line string) {
	f.Visit(func(one *flag.Flag) {
		if one.Name == but {
			return
		}
		line += " --" + one.Name
		if is, ok := one.Value.(interface{ IsBoolFlag() bool }); !ok || !is.IsBoolFlag() {
			line += " " + one.Value.String()
		}
	})
	return line
}

// refuseArguments is for commands that take flags only.
func refuseArguments(f *flag.FlagSet) bool {
	if f.NArg() == 0 {
		return false
	}
	_, _ = fmt.Fprintf(os.Stderr, "%s: takes flags only, not %q\n", f.Name(), f.Arg(0))
	return true
}
