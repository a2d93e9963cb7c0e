package script

import (
	"fmt"
	"go/format"
	"strings"
)

// GoTest is a file as a Go test that passes once the fault is mended, to be kept with the code.
func GoTest(f *File) (string, error) {
	text, err := f.Format()
	if err != nil {
		return "", err
	}
	name := "Scenario"
	for _, part := range strings.FieldsFunc(f.Name, func(r rune) bool { return r == '-' || r == '_' || r == '.' }) {
		name += strings.ToUpper(part[:1]) + part[1:]
	}
	mutant := ""
	if f.Mutant != "" {
		mutant = fmt.Sprintf("\n// Without the planted bug %s; with it (-tags mutants, Mutant: %q) the oracles must fire.", f.Mutant, f.Mutant)
	}
	source := fmt.Sprintf(`package scenarios_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"torc/scenarios/script"
	"torc/sim"
)

// %s%s
func Test%s(t *testing.T) {
	f, err := script.Parse(t.Name(), %s)
	require.NoError(t, err)
	r := sim.Run(sim.Options{Seed: %d, Scenario: f.Scenario()})
	require.Equal(t, sim.Pass, r.Verdict, "%%v", r.Violations)
}
`, f.Doc, mutant, name, raw(text), f.Seed)
	out, err := format.Source([]byte(source))
	if err != nil {
		return "", fmt.Errorf("writing scenario %s as a Go test: %w", f.Name, err)
	}
	return string(out), nil
}

// raw is a text as a Go literal over several lines.
func raw(text string) string {
	if !strings.ContainsAny(text, "`\r") {
		return "`" + text + "`"
	}
	return fmt.Sprintf("%q", text)
}
