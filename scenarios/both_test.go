package scenarios

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/scenarios/script"
)

// The files that are also run with real processes (torc sim real) hold in the simulator for any seed.
func TestBoth(t *testing.T) {
	names, err := filepath.Glob("both/*.scenario")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		f, err := script.Parse(name, string(text))
		require.NoError(t, err)
		for seed := uint64(1); seed <= seedsOf(10); seed++ {
			passes(t, f.Scenario(), seed)
		}
	}
}
