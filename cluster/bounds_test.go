package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// bounded is a cluster of three nodes with eight shards and these bounds.
func bounded(t *testing.T, cfg Config) *office {
	o := &office{newWorld(7), t}
	for i := 1; i <= 3; i++ {
		cfg.Join, cfg.Expect, cfg.Shards, cfg.Grace = []string{"n1", "n2", "n3"}, 3, 8, 10*time.Minute
		o.start(fmt.Sprintf("n%d", i), wire.NodeID(i), 1, cfg)
	}
	o.settles()
	return o
}

func (o *office) write(from, count, size int) {
	for n := from; n < from+count; n++ {
		c := wire.Command{Op: wire.OpSet, Key: fmt.Appendf(nil, "key %d", n), Value: make([]byte, size)}
		o.node(1).call(c)
	}
}

// TestLogsAreBounded: all groups' logs together stay within their bound, also when a follower hears nothing.
func TestLogsAreBounded(t *testing.T) {
	const bound = 512 << 10
	o := bounded(t, Config{MaxLogs: bound})
	most := int64(0)
	see := func() {
		for i := 1; i <= 3; i++ {
			most = max(most, o.node(i).Holdings().Logs)
		}
	}
	for round := range 40 {
		o.write(50*round, 50, 4000)
		see()
		switch round {
		case 10:
			o.drop = func(addr string, _ *wire.Frame) bool { return addr == "n3" }
		case 30:
			o.drop = nil
		}
	}
	require.LessOrEqual(t, most, int64(bound+bound/8))
	require.Greater(t, most, int64(bound/2))
	o.run(5 * time.Second)
	o.settles()
}

// TestStuckLogsAreBounded: what a leader without a majority cannot commit it does not gather without end.
func TestStuckLogsAreBounded(t *testing.T) {
	const bound = 256 << 10
	o := bounded(t, Config{MaxLogs: bound, Timeout: time.Second})
	o.drop = func(string, *wire.Frame) bool { return true }
	n := o.node(1)
	most := int64(0)
	for i := range 2000 {
		var a answer
		n.turn(func() {
			key := fmt.Appendf(nil, "key %d", i)
			n.OnCall(&wire.Call{Request: wire.Request{Shard: wire.ShardOf(wire.Slot(key), 8), Epoch: n.m.Epoch,
				Commands: []wire.Command{{Op: wire.OpSet, Key: key, Value: make([]byte, 4000)}}}, Sink: &a})
		})
		if i%20 == 0 {
			o.run(10 * time.Millisecond)
		}
		most = max(most, n.Holdings().Logs)
	}
	require.LessOrEqual(t, most, int64(bound+bound/2))
}

// TestWaitingIsBounded: requests that wait are bounded by their bytes.
func TestWaitingIsBounded(t *testing.T) {
	const bound = 64 << 10
	o := bounded(t, Config{MaxWaiting: bound})
	o.drop = func(string, *wire.Frame) bool { return true }
	n := o.node(1)
	refused := 0
	for i := range 100 {
		var a answer
		n.turn(func() {
			n.OnCall(&wire.Call{Request: wire.Request{Shard: 1, Epoch: n.m.Epoch, Commands: []wire.Command{{Op: wire.OpSet, Key: []byte("k"), Value: make([]byte, 4000)}}}, Sink: &a})
		})
		if a.r != nil && a.r.Reason == wire.ReasonOverloaded {
			refused++
		}
		require.LessOrEqual(t, n.Holdings().Requests, int64(bound), i)
	}
	require.Greater(t, refused, 80)
}

// TestCopiesAreBounded: a snapshot that keeps too much of what was overwritten meanwhile is given up; when the writes
// let up it arrives.
func TestCopiesAreBounded(t *testing.T) {
	const bound = 64 << 10
	o := bounded(t, Config{MaxKept: bound, LogBytes: 64 << 10, Rebalance: 10 << 10})
	o.write(0, 400, 4000)
	o.drop = func(addr string, _ *wire.Frame) bool { return addr == "n3" }
	o.write(0, 400, 4000)
	o.drop = nil
	most := int64(0)
	for round := range 200 {
		o.write(round%20*20, 20, 4000)
		for i := 1; i <= 3; i++ {
			most = max(most, o.node(i).Holdings().Kept)
		}
	}
	require.Positive(t, most, "no snapshot is sent: the test is none")
	require.LessOrEqual(t, most, int64(bound+20*4200), "a round's writes more")
	require.True(t, o.until(5*time.Minute, func() bool {
		for i := range 8 {
			s := wire.ShardID(i + 1)
			if o.node(1).groups[s].store.Digest() != o.node(3).groups[s].store.Digest() {
				return false
			}
		}
		return true
	}), "the copies never arrive")
}

// stale is a bounded cluster whose n3 has missed everything that was written since it was full to this part (in hundredths) of what it
// may hold: each of its eight replicas is to be replaced by a copy of the same size.
func stale(t *testing.T, part int64) *office {
	o := bounded(t, Config{LogBytes: 64 << 10, Rebalance: 2 << 20})
	fill := func() { o.write(0, 400, 30_000) }
	fill()
	o.run(time.Second)
	for i := 1; i <= 3; i++ {
		o.node(i).cfg.MaxMemory = o.node(i).total() * 100 / part
	}
	o.drop = func(addr string, _ *wire.Frame) bool { return addr == "n3" }
	fill()
	o.drop = nil
	return o
}

// arrive lets copies come to a node until it holds what the others hold. It returns the most that it held, how many came at a time at most, and
// how long it took.
func (o *office) arrive(n *node, from *node) (most int64, several int, took time.Duration) {
	began := o.now
	arrived := o.until(10*time.Minute, func() bool {
		coming, differ := 0, 0
		for _, x := range from.order {
			g := n.groups[x.shard]
			if g != nil && g.arriving != nil {
				coming++
			}
			if x.store != nil && (g == nil || g.store.Digest() != x.store.Digest()) {
				differ++
			}
		}
		most, several = max(most, n.total()), max(several, coming)
		return differ == 0
	})
	require.True(o.t, arrived, "the copies never arrive")
	return most, several, o.now - began
}

// TestCopiesFindRoom: several copies come at a time, but only as many as there will be room for when they are complete, beside
// the replicas that they replace.
func TestCopiesFindRoom(t *testing.T) {
	for _, c := range []struct {
		part        int64
		least, most int // copies at a time
	}{
		{20, 4, 8}, // all would fit; a node sends four at a time
		{60, 2, 5}, // of 7.5 hundredths each
		{75, 2, 2}, // of 9.4
		{84, 1, 1}, // of 10.5: a second one would not fit
		{98, 1, 1}, // nor does the first, but one may always come
	} {
		o := stale(t, c.part)
		n := o.node(3)
		most, several, took := o.arrive(n, o.node(1))
		t.Logf("full to %d: %d at a time, %d hundredths at most, %v", c.part, several, most*100/n.bound(), took)
		require.LessOrEqual(t, most, max(n.bound(), n.bound()*c.part/100*9/8), c)
		require.GreaterOrEqual(t, several, c.least, c)
		require.LessOrEqual(t, several, c.most, c)
	}
}

// TestANewNodeIsFilledSoon: a node that holds nothing yet gets its twenty shards several at a time, and as soon as one whose memory
// has no bound, although it will be full to four fifths.
func TestANewNodeIsFilledSoon(t *testing.T) {
	fill := func(bounded bool) (several int, took time.Duration) {
		o := &office{newWorld(9), t}
		cfg := Config{Join: []string{"n1", "n2", "n3"}, Expect: 3, Shards: 20, Grace: 5 * time.Second, LogBytes: 64 << 10, Rebalance: 2 << 20}
		for i := 1; i <= 3; i++ {
			o.start(fmt.Sprintf("n%d", i), wire.NodeID(i), 1, cfg)
		}
		o.settles()
		o.write(0, 600, 30_000)
		if bounded {
			cfg.MaxMemory = o.node(1).total() * 10 / 8
		}
		n := o.start("n3", 3, 2, cfg) // the process began anew: all of it is to come
		most, several, took := o.arrive(n, o.node(1))
		if bounded {
			require.LessOrEqual(t, most, n.bound())
		}
		return several, took
	}
	several, took := fill(true)
	_, free := fill(false)
	t.Logf("%d at a time, %v; without a bound %v", several, took, free)
	require.GreaterOrEqual(t, several, 4)
	require.LessOrEqual(t, took, free*5/4)
}
