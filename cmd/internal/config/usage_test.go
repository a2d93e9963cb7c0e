package config

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/usage.txt anew")

// testdata/usage.txt is what torcd --help prints. Refresh with -rewrite, then read the difference.
func TestUsage(t *testing.T) {
	const golden = "testdata/usage.txt"
	if *rewrite {
		require.NoError(t, os.WriteFile(golden, []byte(Usage()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), Usage())
	for line := range strings.Lines(Usage()) {
		require.LessOrEqual(t, len(strings.TrimRight(line, "\n")), usageWidth, line)
		require.Equal(t, strings.TrimRight(line, " \n")+"\n", line, "blanks at the end of a line")
	}
	for _, s := range settings {
		require.Contains(t, Usage(), "\n  --"+s.name, "every setting is told of")
	}
}
