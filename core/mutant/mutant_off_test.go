//go:build !mutants

package mutant

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNothingCanBeSwitchedOn is about every build but the gallery's.
func TestNothingCanBeSwitchedOn(t *testing.T) {
	require.False(t, Compiled)
	for _, name := range names(t) {
		require.False(t, Enable(name))
		require.False(t, On(name))
	}
}
