//go:build mutants

package tour_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/sim"
)

var rewrite = flag.Bool("rewrite", false, "write what the program says today into the chapters")

// TestBrokenChaptersAreCaught: with the planted bug one of the oracles that the file names fires.
func TestBrokenChaptersAreCaught(t *testing.T) {
	for _, c := range chapters(t) {
		t.Run(c.name, func(t *testing.T) {
			for _, seed := range c.seeds() {
				r := c.run(seed, c.file.Mutant)
				require.NoError(t, r.Err)
				var fired []sim.Oracle
				for _, v := range r.Violations {
					fired = append(fired, v.Oracle)
				}
				require.Subset(t, fired, c.file.Catches, "seed %d: %v", seed, r.Violations)
			}
		})
	}
}

// TestChaptersShowWhatHappens makes everything that the tour shows anew: the commands in ```sh
// blocks are run, and the blocks below them must hold what they print.
//
//	```text scenario            the chapter's scenario file
//	```text output PART ...     of what the last command printed: timeline, operations, verdict,
//	                            verdict:2 (two lines of each oracle), head:9 (nine lines), or all
//	```diff                     an exercise: the lines of the scenario file to change. The box in
//	                            its answer shows the changed file's run, and says how it ends:
//	```text output passes PART ...         with the bug ...
//	```text output fails mended PART ...   ... or without it
func TestChaptersShowWhatHappens(t *testing.T) {
	program := build(t)
	for path, text := range texts(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			p := &page{t: t, program: program, name: strings.TrimSuffix(filepath.Base(path), ".md")}
			shown := fence.ReplaceAllStringFunc(text, p.block)
			if *rewrite && shown != text {
				require.NoError(t, os.WriteFile(path, []byte(shown), 0o644))
				return
			}
			require.Equal(t, shown, text, "go test -tags mutants ./docs/tour -rewrite writes it anew; read the difference before you commit it")
		})
	}
}

// build makes the program that a reader has.
func build(t *testing.T) string {
	program := filepath.Join(t.TempDir(), "torc-sim")
	out, err := exec.Command("go", "build", "-tags", "mutants", "-o", program, "torc/cmd/torc").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return program
}

// fence is a fenced block, or the end of an exercise's answer.
var fence = regexp.MustCompile("(?m)^```([a-z]+[^\n]*)\n((?s:.*?))^```$|^</details>$")

// page is a text that is being made anew.
type page struct {
	t             *testing.T
	program, name string
	dir           string // where its commands run
	printed       string // by the last command
	changed       string // the scenario file as the last exercise has it, or ""
}

// block makes one fenced block anew.
func (p *page) block(whole string) string {
	if whole == "</details>" {
		p.changed, p.printed = "", "" // the next exercise begins with the file as it is
		return whole
	}
	m := fence.FindStringSubmatch(whole)
	info, body := strings.Fields(m[1]), m[2]
	switch {
	case info[0] == "sh":
		p.commands(body)
	case info[0] == "diff":
		p.change(body)
	case m[1] == "text scenario":
		body = read(p.t, p.name+".scenario")
	case len(info) > 2 && info[1] == "output":
		body = p.output(info[2:])
	}
	return "```" + m[1] + "\n" + body + "```"
}

// commands runs those of the simulator, in a folder that looks like the repository's root.
func (p *page) commands(body string) {
	for line := range strings.Lines(body) {
		command, _, _ := strings.Cut(line, "#")
		words := split(command)
		if len(words) > 0 && words[0] == "bin/torc-sim" {
			p.run(words[1:]...)
		}
	}
	p.changed = ""
}

// split parts a command at its spaces, but not within quotes.
func split(command string) (words []string) {
	for i, part := range strings.Split(command, "'") {
		if i%2 == 1 {
			words = append(words, part)
			continue
		}
		words = append(words, strings.Fields(part)...)
	}
	return words
}

func (p *page) run(args ...string) {
	if p.dir == "" {
		p.dir = p.t.TempDir()
		root, err := filepath.Abs("../..")
		require.NoError(p.t, err)
		for _, folder := range []string{"docs", "scenarios"} {
			require.NoError(p.t, os.Symlink(filepath.Join(root, folder), filepath.Join(p.dir, folder)))
		}
	}
	cmd := exec.Command(p.program, args...)
	cmd.Dir = p.dir
	var complaint strings.Builder
	cmd.Stderr = &complaint // and how fast it was, which is never the same
	out, err := cmd.Output()
	p.printed = string(out)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() != int(sim.Broken) {
		return // it ran; its exit code is the verdict
	}
	require.NoError(p.t, err, "%v: %s%s", args, out, &complaint)
}

// change applies an exercise to the chapter's scenario file.
func (p *page) change(body string) {
	p.changed = read(p.t, p.name+".scenario")
	var added string
	for line := range strings.Lines(body) {
		text := line[1:]
		switch line[0] {
		case '-':
			require.Equal(p.t, 1, strings.Count("\n"+p.changed, "\n"+text), "%s.scenario has this line once: %s", p.name, text)
			p.changed = strings.TrimPrefix(strings.Replace("\n"+p.changed, "\n"+text, "\n", 1), "\n")
		case '+':
			added += text
		}
	}
	p.changed += added // the order of lines does not matter
}

// output is what a block must show.
func (p *page) output(parts []string) string {
	if p.changed != "" {
		path := filepath.Join(p.t.TempDir(), p.name+".scenario")
		require.NoError(p.t, os.WriteFile(path, []byte(p.changed), 0o644))
		args := []string{"sim", path}
		verdict := parts[0]
		if parts = parts[1:]; parts[0] == "mended" {
			args, parts = append(args, "--mutant", "none"), parts[1:]
		}
		p.run(args...)
		p.judge(verdict)
	}
	var b strings.Builder
	for _, part := range parts {
		name, number, _ := strings.Cut(part, ":")
		n, _ := strconv.Atoi(number)
		switch name {
		case "all":
			b.WriteString(p.printed)
		case "head":
			b.WriteString(strings.Join(strings.SplitAfter(p.printed, "\n")[:n], ""))
		default:
			b.WriteString(section(p.t, p.printed, name, n))
		}
	}
	return ownFrame.ReplaceAllString(b.String(), "$1")
}

// judge holds an exercise to the verdict that its answer explains. Rewriting does not help here: when
// it is another one, the sentence below the box is untrue.
func (p *page) judge(verdict string) {
	switch passed := strings.Contains(p.printed, "\nverdict: PASS"); verdict {
	case "passes":
		require.True(p.t, passed, "%s: the answer explains why it passes, but:\n%s", p.name, p.printed)
	case "fails":
		require.False(p.t, passed, "%s: the answer explains why it fails, but it passes", p.name)
	default:
		require.Fail(p.t, "an exercise's box says passes or fails first", "%s: %q", p.name, verdict)
	}
}

var (
	speed     = regexp.MustCompile(`^  \d+ events, .* simulated seconds`)
	ownFrame  = regexp.MustCompile(`(?m)^( +torc/\S+):\d+$`) // shown without the line: that is another one tomorrow
	violation = regexp.MustCompile(`^  ([A-Z]) +\d+\.\d+s  `)
)

// section is one part of a report, of the verdict at most so many lines of each oracle.
func section(t *testing.T, report, name string, most int) string {
	_, rest, found := strings.Cut(report, "\n"+name)
	require.True(t, found, "nothing was printed that begins with %q:\n%s", name, report)
	var b strings.Builder
	seen := map[string]int{}
	first, rest, _ := strings.Cut(rest, "\n")
	b.WriteString(name + first + "\n")
	for line := range strings.Lines(rest) {
		if line[0] != ' ' {
			break
		}
		if speed.MatchString(line) {
			continue
		}
		if m := violation.FindStringSubmatch(line); m != nil && most > 0 {
			if seen[m[1]]++; seen[m[1]] > most {
				continue
			}
		}
		b.WriteString(line)
	}
	for _, m := range []string{"S", "I"} {
		if more := seen[m] - most; most > 0 && more > 0 {
			fmt.Fprintf(&b, "  ... and %d more of %s\n", more, m)
		}
	}
	return b.String()
}
