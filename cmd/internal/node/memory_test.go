package node

import (
	"testing"

	"github.com/stretchr/testify/require"

	"torc/cmd/internal/config"
)

// TestLimitHeap: the collector's settings follow --max-memory, and the user's own go before.
func TestLimitHeap(t *testing.T) {
	for _, c := range []struct {
		max     config.Size
		environ []string
		follow  bool
		limit   int64
	}{
		{0, nil, true, 0},
		{4 << 30, []string{"HOME=/root"}, true, 1<<30 + 512<<20},
		{4 << 30, []string{"GOGC=50"}, false, 1<<30 + 512<<20},
		{4 << 30, []string{"GOMEMLIMIT=1GiB"}, true, 0},
		{4 << 30, []string{"GOMEMLIMIT=1GiB", "GOGC=off"}, false, 0},
		{4 << 30, []string{"GOGC="}, true, 1<<30 + 512<<20},
	} {
		follow, limit := heapOf(&config.Config{MaxMemory: c.max}, c.environ)
		require.Equal(t, c.follow, follow, c)
		require.Equal(t, c.limit, limit, c)
	}
	require.Equal(t, 1600, percentFor(1<<20))
	require.Equal(t, 400, percentFor(16<<20))
	require.Equal(t, 100, percentFor(1<<30))
}
