//go:build mutants

package replay

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/scenarios/repro"
	"torc/sim"
)

// The best lesson: a planted bug against the code without it, on one schedule. Both are one until
// the node that is cut off answers from its memory, where the other asks first.
func TestDiffOfAPlantedBug(t *testing.T) {
	run, err := repro.Load("testdata/stale-read.scenario")
	require.NoError(t, err)
	d, err := Diff(&Side{Name: "local-read", Options: run.Options()}, &Side{Name: "without it", Options: small(t)}, 6)
	require.NoError(t, err)
	require.Equal(t, sim.LostTruth, d.A.Result.Verdict)
	require.Equal(t, sim.Pass, d.B.Result.Verdict)
	var out strings.Builder
	require.NoError(t, d.Print(&out, 140, nil))
	golden(t, "local-read.txt", out.String())
}
