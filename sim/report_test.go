package sim

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReportSaysHowToReplay(t *testing.T) {
	r := toyRun(3, "no dedupe", Scenario{Name: "toy", Settings: lossySettings}, nil)
	r.Mutant, r.WallSeconds = "no-dedupe", 1
	var out bytes.Buffer
	require.NoError(t, r.Report(&out, false))
	require.NotContains(t, out.String(), "\x1b")
	require.Contains(t, out.String(), "replay: make sim SEED=3 SCENARIO=toy MUTANT=no-dedupe DURATION=10s\n")
	require.Contains(t, out.String(), "trace hash: "+r.Hash)
	require.Contains(t, out.String(), "CONSISTENCY LOST")
}

// A scenario from a file is found again by its path, not by a name.
func TestReportOfAFileSaysHowToReplay(t *testing.T) {
	r := toyRun(3, "", Scenario{Name: "toy"}, nil)
	r.File, r.Mutant = "a/b.scenario", "no-dedupe"
	require.Equal(t, "torc sim --seed 3 --mutant no-dedupe --duration 10s a/b.scenario", r.Replay())
	r.Mutant, r.NoMutant = "", true
	require.Equal(t, "torc sim --seed 3 --mutant none --duration 10s a/b.scenario", r.Replay(), "without the planted bug that the file names")
}
