package node

import (
	"runtime"
	"testing"
	"time"

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
		{4 << 30, []string{"HOME=/root"}, true, 1<<30 + 96<<20},
		{4 << 30, []string{"GOGC=50"}, false, 1<<30 + 96<<20},
		{4 << 30, []string{"GOMEMLIMIT=1GiB"}, true, 0},
		{4 << 30, []string{"GOMEMLIMIT=1GiB", "GOGC=off"}, false, 0},
		{4 << 30, []string{"GOGC="}, true, 1<<30 + 96<<20},
	} {
		follow, limit := heapOf(&config.Config{MaxMemory: c.max}, c.environ)
		require.Equal(t, c.follow, follow, c)
		require.Equal(t, c.limit, limit, c)
	}
	require.Equal(t, 1600, percentFor(1<<20))
	require.Equal(t, 400, percentFor(16<<20))
	require.Equal(t, 100, percentFor(1<<30))
}

// TestSampleAllocations: allocations are sampled where their profile is served, and only there.
func TestSampleAllocations(t *testing.T) {
	before := runtime.MemProfileRate
	t.Cleanup(func() { runtime.MemProfileRate = before })
	SampleAllocations(&config.Config{Profiles: true})
	require.Equal(t, before, runtime.MemProfileRate)
	SampleAllocations(&config.Config{})
	require.Zero(t, runtime.MemProfileRate)
}

// TestBudget: the parts make up the whole, but for floors when it is small.
func TestBudget(t *testing.T) {
	require.Zero(t, budgetOf(0))
	for _, m := range []int64{128 << 20, 1 << 30, 1<<30 + 12345, 16 << 30, 1 << 40} {
		b := budgetOf(m)
		require.InDelta(t, m, b.Stores+b.Logs+b.Requests+b.Peers+b.Clients+b.Copies, 8, m)
		require.GreaterOrEqual(t, b.Stores, m/16*13)
	}
	b := budgetOf(1 << 20)
	require.EqualValues(t, 13<<16, b.Stores)
	require.EqualValues(t, 4<<20, b.Clients)
	require.Positive(t, budgetOf(1).Stores, "0 is no bound")
}

// Whoever asks is told of the next collection, once for each time.
func TestAfterCollection(t *testing.T) {
	told := make(chan struct{}, 8)
	for range 3 {
		afterCollection(func() { told <- struct{}{} })
		require.Empty(t, told)
		runtime.GC()
		select {
		case <-told:
		case <-time.After(10 * time.Second):
			require.FailNow(t, "nobody was told")
		}
	}
}
