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
	o := bounded(t, Config{MaxKept: bound, LogBytes: 64 << 10, Rebalance: 100 << 10})
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
