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
		percent int
		limit   int64
	}{
		{0, nil, 200, 0},
		{4 << 30, []string{"HOME=/root"}, 400, 1<<30 + 512<<20},
		{4 << 30, []string{"GOGC=50"}, 0, 1<<30 + 512<<20},
		{4 << 30, []string{"GOMEMLIMIT=1GiB"}, 400, 0},
		{4 << 30, []string{"GOMEMLIMIT=1GiB", "GOGC=off"}, 0, 0},
		{4 << 30, []string{"GOGC="}, 400, 1<<30 + 512<<20},
	} {
		percent, limit := heapOf(&config.Config{MaxMemory: c.max}, c.environ)
		require.Equal(t, c.percent, percent, c)
		require.Equal(t, c.limit, limit, c)
	}
}
