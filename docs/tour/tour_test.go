// Package tour_test keeps the tour true: every chapter's scenario passes without its planted bug and
// is caught with it, and what a chapter shows is what the program says today.
package tour_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/scenarios"
	"torc/scenarios/script"
	"torc/sim"
)

// actionsMax is what a reader can follow by hand.
const actionsMax = 15

// seedsEach is with how many seeds a chapter must come out the same: its own and those after it.
const seedsEach = 4

// chapter is a text and the scenario that belongs to it.
type chapter struct {
	name string // such as 01-stale-read
	text string
	file *script.File
}

// chapters are all of them, in order.
func chapters(t *testing.T) (list []chapter) {
	texts, err := filepath.Glob("[0-9][0-9]-*.md")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(texts), 10)
	for _, path := range texts {
		name := strings.TrimSuffix(path, ".md")
		scenario := read(t, name+".scenario")
		file, err := script.Parse(name+".scenario", scenario)
		require.NoError(t, err)
		list = append(list, chapter{name, read(t, path), file})
	}
	return list
}

func read(t *testing.T, path string) string {
	text, err := os.ReadFile(path)
	require.NoError(t, err, "every chapter NN-name.md has its NN-name.scenario")
	return string(text)
}

// run makes a chapter's run, with a planted bug or ("") without.
func (c *chapter) run(seed uint64, mutant string) sim.Result {
	return sim.Run(sim.Options{Seed: seed, Scenario: c.file.Scenario(), Mutant: mutant})
}

// seeds are those with which a chapter must come out the same.
func (c *chapter) seeds() (list []uint64) {
	for i := range uint64(seedsEach) {
		list = append(list, c.file.Seed+i)
	}
	return list
}

// TestMendedChaptersPass: without the planted bug every client gets what the scenario says.
func TestMendedChaptersPass(t *testing.T) {
	for _, c := range chapters(t) {
		t.Run(c.name, func(t *testing.T) {
			for _, seed := range c.seeds() {
				r := c.run(seed, "")
				require.NoError(t, r.Err)
				require.Equal(t, sim.Pass, r.Verdict, "seed %d: %v", seed, r.Violations)
			}
		})
	}
}

// TestScenariosAreForReading: a chapter's scenario is small, quiet, and says what must come of
// every operation.
func TestScenariosAreForReading(t *testing.T) {
	for _, c := range chapters(t) {
		t.Run(c.name, func(t *testing.T) {
			f := c.file
			require.Equal(t, c.name, f.Name)
			require.NotEmpty(t, f.Doc)
			require.NotZero(t, f.Seed)
			require.NotZero(t, f.Duration)
			require.True(t, f.Quiet && !f.Swarm, "nothing is drawn")
			require.NotEmpty(t, f.Catches)
			require.LessOrEqual(t, len(f.Script)+len(f.Calls), actionsMax)
			for _, call := range f.Calls {
				for _, op := range call.Ops {
					require.NotEmpty(t, op.Want, "what must %v %s come to?", op.Kind, op.Key)
				}
			}
			require.True(t, slices.ContainsFunc(scenarios.Mutants(), func(m scenarios.Mutant) bool { return m.Name == f.Mutant }), "there is no planted bug %s", f.Mutant)
		})
	}
}

// TestChaptersHaveTheirParts: each is told in the same steps.
func TestChaptersHaveTheirParts(t *testing.T) {
	for _, c := range chapters(t) {
		at := 0
		for _, part := range []string{"## The story", "## Predict", "## Break", "## Look", "## Mend", "## Try it yourself"} {
			i := strings.Index(c.text[at:], "\n"+part+"\n")
			require.GreaterOrEqual(t, i, 0, "%s has no part %q (in this order)", c.name, part)
			at += i
		}
		require.GreaterOrEqual(t, strings.Count(c.text[at:], "<details>"), 2, "%s: two exercises at least, with their answers folded", c.name)
	}
}

// TestChaptersAreOnTheMap: the tour's README and the course sheet name every chapter.
func TestChaptersAreOnTheMap(t *testing.T) {
	readme := read(t, "README.md")
	for _, c := range chapters(t) {
		require.Contains(t, readme, "]("+c.name+".md)", "the map of the tour")
		require.Contains(t, readme, "`"+c.file.Mutant+"`", "the map says which bug it is")
	}
	scenarios, err := filepath.Glob("*.scenario")
	require.NoError(t, err)
	require.Len(t, scenarios, len(chapters(t)), "a scenario without a chapter")
}

var level = regexp.MustCompile(`(?m)^\| (\*+) \| .* \| ([^|]+) \|$`)

// TestCourseNamesEveryBug: the course sheet's table of levels has each planted bug at its level.
func TestCourseNamesEveryBug(t *testing.T) {
	named := map[string]int{}
	for _, row := range level.FindAllStringSubmatch(read(t, "../COURSE.md"), -1) {
		for _, name := range strings.Split(row[2], ",") {
			named[strings.Trim(name, " `")] = len(row[1])
		}
	}
	want := map[string]int{}
	for _, m := range scenarios.Mutants() {
		_, entry, _ := scenarios.Catalogued(m.Name)
		want[m.Name] = entry.Difficulty
	}
	require.Equal(t, want, named)
}

var link = regexp.MustCompile(`\]\(([^)#\s]+)[^)]*\)`)

// TestLinkedFilesExist is about links within the repository.
func TestLinkedFilesExist(t *testing.T) {
	for path, text := range texts(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(m[1], "://") {
				require.FileExists(t, filepath.Join(filepath.Dir(path), m[1]), "linked in %s", path)
			}
		}
	}
}

// texts are the chapters, the map, and the course sheet.
func texts(t *testing.T) map[string]string {
	paths, err := filepath.Glob("*.md")
	require.NoError(t, err)
	all := map[string]string{}
	for _, path := range append(paths, "../COURSE.md") {
		all[path] = read(t, path)
	}
	return all
}

var (
	box     = regexp.MustCompile("(?m)^```[^\n]*\n(?s:.*?)^```$")
	bold    = regexp.MustCompile(`\*\*[^*]*\*\*`)
	italics = regexp.MustCompile(`\*([^*]+)\*`)
)

// TestQuotedWordsAreInABox: words of the program's that a sentence quotes in italics, with a number in them, stand in one of the chapter's boxes; "..." leaves some out.
// Boxes are written anew when Torc changes, sentences are not.
func TestQuotedWordsAreInABox(t *testing.T) {
	for _, c := range chapters(t) {
		var boxes []string
		prose := box.ReplaceAllStringFunc(c.text, func(b string) string { boxes = append(boxes, b); return "" })
		shown := strings.Join(strings.Fields(strings.Join(boxes, " ")), " ")
		for _, m := range italics.FindAllStringSubmatch(bold.ReplaceAllString(prose, ""), -1) {
			if !strings.ContainsAny(m[1], "0123456789") {
				continue
			}
			for _, piece := range strings.Split(strings.Join(strings.Fields(m[1]), " "), "...") {
				require.True(t, strings.Contains(shown, strings.Trim(piece, " ,.")), "%s: a sentence says %q, and no box does", c.name, m[1])
			}
		}
	}
}

var quoted = regexp.MustCompile("(?m)^```go (\\S+)\n((?s:.*?))^```$")

// TestQuotedCodeIsTorcs: a line of Go in a block "```go core/raft/lease.go" stands in that file.
func TestQuotedCodeIsTorcs(t *testing.T) {
	for path, text := range texts(t) {
		for _, m := range quoted.FindAllStringSubmatch(text, -1) {
			source := unindented(read(t, filepath.Join("../..", m[1])))
			for _, line := range strings.Split(strings.TrimSpace(m[2]), "\n") {
				if line = strings.TrimSpace(line); line != "" && line != "..." {
					require.Contains(t, source, "\n"+line+"\n", "%s quotes %s", path, m[1])
				}
			}
		}
	}
}

func unindented(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return "\n" + strings.Join(lines, "\n") + "\n"
}

var target = regexp.MustCompile(`(?m)^\s*make ([a-z-]+)`)

// TestMakeTargetsExist is about every `make ...` that stands on a line of its own.
func TestMakeTargetsExist(t *testing.T) {
	makefile := read(t, "../../Makefile")
	for path, text := range texts(t) {
		for _, m := range target.FindAllStringSubmatch(text, -1) {
			require.Contains(t, makefile, "\n"+m[1]+":", "%s says make %s", path, m[1])
		}
	}
}
