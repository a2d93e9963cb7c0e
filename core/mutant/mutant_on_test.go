//go:build mutants

package mutant

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOneAtATime: two bugs at once would prove nothing about either.
func TestOneAtATime(t *testing.T) {
	require.True(t, Compiled)
	for _, name := range names(t) {
		require.True(t, Enable(name))
		for _, other := range names(t) {
			require.Equal(t, other == name, On(other))
		}
	}
	require.True(t, Enable(""))
	for _, name := range names(t) {
		require.False(t, On(name))
	}
}
