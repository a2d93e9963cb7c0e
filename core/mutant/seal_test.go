//go:build mutants

package mutant

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSeals(t *testing.T) {
	defer Enable("")
	seen := map[string]bool{}
	for _, name := range All {
		for _, salt := range []string{"", "ada", "grace"} {
			code, err := Seal(name, salt)
			require.NoError(t, err)
			require.NotContains(t, code, name)
			require.False(t, seen[code], "two bugs share a seal")
			seen[code] = true
			again, err := Unseal(code)
			require.NoError(t, err)
			require.Equal(t, name, again)
			require.True(t, Enable(code), "a code stands for its bug everywhere")
			require.True(t, On(name))
		}
	}
	_, err := Seal("no-such-bug", "")
	require.ErrorContains(t, err, "no such planted bug")
	_, err = Seal(All[0], "a:b")
	require.ErrorContains(t, err, "no colon")
	for _, code := range []string{"sealed:", "sealed:ada", "sealed:ada:0000000000"} {
		_, err := Unseal(code)
		require.ErrorContains(t, err, "is no seal", code)
		require.False(t, Enable(code))
	}
}

func TestAllAreThere(t *testing.T) { require.ElementsMatch(t, names(t), All) }
