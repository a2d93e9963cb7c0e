package client

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// seenCalls counts calls.
type seenCalls struct{ calls atomic.Int64 }

func (s *seenCalls) Begin(ctx context.Context, _ Call) (context.Context, func(error)) {
	s.calls.Add(1)
	return ctx, func(error) {}
}

// A call that makes more requests than may be under way makes them in turns: none is refused for the others of the call, each key
// has its own result, the observer hears of one call, and its time is that of one.
func TestManyInTurns(t *testing.T) {
	const shards, count = 64, 700
	entries, keys := make([]Entry, count), make([]string, count)
	for i := range entries {
		keys[i] = fmt.Sprintf("key-%d", i)
		entries[i] = Entry{Key: keys[i], Value: []byte(keys[i])}
	}
	entries[3].Options = []SetOption{IfPresent()}
	for _, most := range []int{1, 2, 9} {
		f := newFake(t, 3)
		f.locked(func() {
			replicas := f.cmap.Placements[0].Replicas
			f.cmap.Shards = shards
			for s := len(f.cmap.Placements); s <= shards; s++ {
				f.cmap.Placements = append(f.cmap.Placements, wire.Placement{Shard: wire.ShardID(s), Preferred: 1, Replicas: replicas})
			}
		})
		seen := &seenCalls{}
		c := f.client(func(o *Options) { o.MaxInFlight, o.Observer = most, seen })
		for i, r := range c.SetMany(ctx, entries...) {
			if i == 3 {
				require.ErrorIs(t, r.Err, ErrConflict)
				continue
			}
			require.NoError(t, r.Err, "entry %d with %d in flight", i, most)
		}
		for i, r := range c.GetMany(ctx, keys...) {
			if i == 3 {
				require.ErrorIs(t, r.Err, ErrNotFound)
				continue
			}
			require.NoError(t, r.Err)
			require.Equal(t, keys[i], string(r.Bytes))
		}
		require.EqualValues(t, 2, seen.calls.Load())

		short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		f.locked(func() { f.respond = func(*fakeNode, uint64, *wire.Request, func(*wire.Response)) bool { return true } })
		began := time.Now()
		for _, r := range c.DeleteMany(short, keys...) {
			require.Error(t, r.Err)
		}
		require.Less(t, time.Since(began), 5*time.Second)
		cancel()
	}
}

// A shard's commands keep their order from turn to turn, and no turn makes more requests than half of MaxInFlight.
func TestTurns(t *testing.T) {
	c := newFake(t, 1).client(func(o *Options) { o.MaxInFlight = 4 })
	cmds := make([]wire.Command, 5000)
	for i := range cmds {
		cmds[i] = wire.Command{Op: wire.OpSet, Key: fmt.Appendf(nil, "key-%d", i%40), Value: make([]byte, i%3*1000)}
	}
	turns := c.turns(cmds)
	require.Greater(t, len(turns), 5)
	shard := func(i int) wire.ShardID { return wire.ShardOf(wire.Slot(cmds[i].Key), 4) }
	last, all := map[wire.ShardID]int{}, map[int]bool{}
	for _, turn := range turns {
		bytes := map[wire.ShardID]int{}
		for _, i := range turn {
			require.Less(t, last[shard(i)], i+1)
			last[shard(i)], all[i] = i, true
			bytes[shard(i)] += len(cmds[i].Key) + len(cmds[i].Value)
		}
		require.LessOrEqual(t, len(bytes), 2)
	}
	require.Len(t, all, len(cmds))
	require.Nil(t, c.turns(cmds[:2]))
	c.opts.MaxInFlight = 4096
	require.Nil(t, c.turns(cmds))
}
