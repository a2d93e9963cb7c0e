package scenarios

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A checker that flags a control is itself the bug.
func TestControlsStayGreen(t *testing.T) {
	for i, c := range Controls() {
		require.Equal(t, i+1, c.Number)
		require.NotEmpty(t, c.Tempts)
		if c.Comes != "" {
			continue
		}
		t.Run(c.Scenario.Name, func(t *testing.T) {
			held := 0
			for seed := uint64(1); seed <= seedsOf(4); seed++ {
				r := passes(t, c.Scenario, seed)
				held += r.Ops.Held
				require.Greater(t, r.Ops.OK, 500, "too little was done to tempt anybody")
			}
			if testing.Short() {
				return
			}
			require.Equal(t, c.Scenario.Name != "control-wild-clocks", held > 0, "%d reads were answered from copies of hot keys, which trust clocks", held)
		})
	}
}
