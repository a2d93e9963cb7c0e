package scenarios

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Every planted bug stands in the catalogue under its number.
func TestCatalogue(t *testing.T) {
	for _, m := range Mutants() {
		number, entry, ok := Catalogued(m.Name)
		require.True(t, ok, m.Name)
		require.Equal(t, m.Number, number, m.Name)
		require.Positive(t, entry.Budget)
		require.False(t, Unfound(m.Name) && m.Seeds == 0, "then its scenario must find it")
		require.Contains(t, []int{1, 2, 3}, entry.Difficulty)
	}
}
