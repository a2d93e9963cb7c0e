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
			for seed := uint64(1); seed <= seedsOf(4); seed++ {
				r := passes(t, c.Scenario, seed)
				require.Greater(t, r.Ops.OK, 500, "too little was done to tempt anybody")
			}
		})
	}
}
