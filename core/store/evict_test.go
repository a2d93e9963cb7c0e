package store

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// stocked holds n keys; every third expires, the later ones sooner.
func stocked(n int) *Store {
	s := New(Config{})
	for i := range n {
		c := wire.Command{Op: wire.OpSet, Key: fmt.Appendf(nil, "k%d", i), Value: make([]byte, i)}
		if i%3 == 0 {
			c.TTLKind, c.TTL = wire.TTLAbsolute, int64(10_000-i)
		}
		s.Apply(&wire.Batch{Time: 1000, Requests: []wire.Request{{Commands: []wire.Command{c}}}})
	}
	return s
}

// TestVictims: a victim goes before the batch's requests, if it still has the version that was chosen.
func TestVictims(t *testing.T) {
	s := stocked(3)
	chosen, found := s.FindHash(HashOf([]byte("k1")))
	require.True(t, found)
	set := wire.Request{Commands: []wire.Command{{Op: wire.OpSet, Key: []byte("k1"), Value: []byte("new"), Flags: wire.FlagNX}}}

	old := wire.Victim{Hash: chosen.Hash, Version: chosen.Version}
	got := s.Apply(&wire.Batch{Victims: []wire.Victim{old}, Requests: []wire.Request{set}})
	require.Equal(t, wire.KindOK, got[0].Results[0].Kind, "it was absent by then")
	require.EqualValues(t, 1, s.Evicted())

	s.Apply(&wire.Batch{Victims: []wire.Victim{old, {Hash: 1, Version: 1}}})
	require.Equal(t, 3, s.Len(), "it was written since; and nobody has that hash")
	require.NoError(t, s.verify())
}

func TestSample(t *testing.T) {
	s := stocked(30)
	for _, volatile := range []bool{false, true} {
		for at := range uint64(40) {
			seen := map[uint64]bool{}
			s.Sample(at, 8, volatile, func(h Held) {
				seen[h.Hash] = true
				require.True(t, h.ExpireAt != 0 || !volatile)
				again, found := s.FindHash(h.Hash)
				require.True(t, found)
				require.Equal(t, h, again)
			})
			require.InDelta(t, 8, len(seen), 1)
		}
	}
	count := 0
	s.Sample(5, 100, true, func(Held) { count++ })
	require.Equal(t, 10, count, "all there are")
	New(Config{}).Sample(5, 100, false, func(Held) { t.Fatal("nothing is there") })
}

func TestSoonest(t *testing.T) {
	s := stocked(30)
	var at []int64
	s.Soonest(3, func(h Held) { at = append(at, h.ExpireAt) })
	require.Equal(t, []int64{10_000 - 27, 10_000 - 24, 10_000 - 21}, at)
	s.Soonest(0, func(Held) { t.Fatal("none was asked for") })
}

// TestGrowth: what is foretold of writes is what they come to.
func TestGrowth(t *testing.T) {
	s := stocked(5)
	for _, c := range []wire.Command{
		{Op: wire.OpSet, Key: []byte("new"), Value: make([]byte, 100)},
		{Op: wire.OpSet, Key: []byte("k3"), Value: make([]byte, 50)},
		{Op: wire.OpAppend, Key: []byte("k4"), Value: make([]byte, 7)},
		{Op: wire.OpSetRange, Key: []byte("range"), Start: 10, Value: make([]byte, 7)},
		{Op: wire.OpDelete, Key: []byte("none")},
		{Op: wire.OpFill, Flags: wire.FlagAbsent, Key: []byte("leased"), Version: 1},
	} {
		r := wire.Request{Commands: []wire.Command{c}}
		before, want := s.Bytes(), s.Growth(&r)
		s.Apply(&wire.Batch{Requests: []wire.Request{r}})
		require.Equal(t, want, s.Bytes()-before, "%v", c.Op)
	}
}

// TestGrowthForesees what cannot be told exactly: the digits of a number, a lease that ends with its fill, an answer that is kept.
func TestGrowthForesees(t *testing.T) {
	s := stocked(5)
	value := make([]byte, 100)
	for _, c := range []struct {
		command wire.Command
		client  uint64
		want    int
	}{
		{wire.Command{Op: wire.OpFill, Key: []byte("new"), Value: value}, 0, 3 + len(value) + entryOverhead},
		{wire.Command{Op: wire.OpIncr, Key: []byte("new")}, 0, 3 + 24 + entryOverhead},
		{wire.Command{Op: wire.OpSet, Key: []byte("new"), Value: value}, 7, 3 + len(value) + entryOverhead + outcomeOverhead},
		{wire.Command{Op: wire.OpDelete, Key: []byte("k3")}, 7, outcomeOverhead},
	} {
		r := wire.Request{Session: wire.Session{Client: c.client}, Commands: []wire.Command{c.command}}
		require.EqualValues(t, c.want, s.Growth(&r), "%v", c.command.Op)
	}
}

// sampled is how often each key is among so many samples of sixteen.
func sampled(s *Store, samples int) map[uint64]int {
	seen := map[uint64]int{}
	for at := range uint64(samples) {
		s.Sample(scatter(at), 16, false, func(h Held) { seen[h.Hash]++ })
	}
	return seen
}

// TestSampleIsFair: a key is as likely to be seen as any other, whether there are few in many slots, or many in each, or
// nearly all in one. (Once the sample began at the fullest slot nearly always when there were few.)
func TestSampleIsFair(t *testing.T) {
	tag := wire.Slot([]byte("{a}"))
	for _, c := range []struct {
		name              string
		shard, shards     int
		tagged, scattered int
	}{{"few", 1, 1, 0, 300}, {"many", 1, 64, 0, 6000}, {"one slot", int(wire.ShardOf(tag, 64)), 64, 3000, 1000}} {
		s := New(Config{Shard: wire.ShardID(c.shard), Shards: c.shards})
		set := func(key []byte) {
			s.Apply(&wire.Batch{Requests: []wire.Request{{Commands: []wire.Command{{Op: wire.OpSet, Key: key}}}}})
		}
		for i := range c.tagged {
			set(fmt.Appendf(nil, "{a}%d", i))
		}
		for i := 0; s.Len() < c.tagged+c.scattered; i++ {
			set(fmt.Appendf(nil, "k%d", i)) // those of other shards are refused
		}
		samples := s.Len() * 40 / 16
		seen, tagged, never := sampled(s, samples), 0, s.Len()
		for hash, n := range seen {
			if never--; uint16(hash>>slotShift) == tag {
				tagged += n
			}
			require.Less(t, n, 40*4, "%s: forty times each, on average", c.name)
		}
		require.Less(t, never*100, s.Len(), "%s: a key in a hundred is never seen at most", c.name)
		if c.tagged > 0 {
			require.InDelta(t, 0.75, float64(tagged)/float64(samples*16), 0.03, "three of four keys are in one slot")
		}
	}
}

// TestExpiredKeysAreCounted: those that go when they are due, and those that a write finds.
func TestExpiredKeysAreCounted(t *testing.T) {
	s := stocked(3 * expireIdle)
	s.Apply(&wire.Batch{Time: 20_000})
	require.EqualValues(t, expireIdle, s.Expired())
	set := wire.Command{Op: wire.OpSet, Key: []byte("x"), Value: []byte("v"), TTLKind: wire.TTLAbsolute, TTL: 20_001}
	s.Apply(&wire.Batch{Requests: []wire.Request{{Commands: []wire.Command{set}}}})
	s.Apply(&wire.Batch{Time: 20_001})
	require.EqualValues(t, expireIdle+1, s.Expired())
	require.Zero(t, s.Evicted())
}
