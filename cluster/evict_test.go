package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/evict"
	"torc/core/wire"
)

// crowded is a cluster of three nodes with one shard, whose memory holds about so many of the tests' keys.
type crowded struct {
	*world
	t testing.TB
}

// perKey is about what a key of the tests takes.
const perKey = 128 + 8 + 16

func newCrowded(t testing.TB, seed uint64, keys int, policy evict.Kind) *crowded {
	c := &crowded{world: newWorld(seed), t: t}
	join := []string{"a:1", "b:1", "c:1"}
	for i, addr := range join {
		c.start(addr, wire.NodeID(i+1), 1, Config{Join: join, Expect: 3, Shards: 1, Replicas: 3, Tick: 10 * time.Millisecond,
			MaxMemory: int64(keys * perKey), Policy: policy})
	}
	require.True(t, c.until(20*time.Second, func() bool { return c.leader() != nil }))
	return c
}

// leader is the node that leads shard 1 in the newest term.
func (c *crowded) leader() (newest *node) {
	term := uint64(0)
	for _, name := range c.names {
		n := c.nodes[name]
		if g := n.groups[1]; g != nil && g.member.Leads() && g.member.Term() > term {
			newest, term = n, g.member.Term()
		}
	}
	return newest
}

type answer struct{ r *wire.Response }

func (a *answer) Deliver(_ uint64, r *wire.Response) { a.r = r }

// do sends commands to the leader and waits for the answer.
func (c *crowded) do(commands ...wire.Command) *wire.Response {
	var a answer
	for range 100 {
		n := c.leader()
		if n == nil {
			c.run(100 * time.Millisecond)
			continue
		}
		n.turn(func() {
			n.OnCall(&wire.Call{Request: wire.Request{Shard: 1, Epoch: n.m.Epoch, Commands: commands}, Sink: &a})
		})
		for i := 0; a.r == nil && i < 500; i++ {
			c.run(time.Millisecond)
		}
		if a.r != nil && a.r.Outcome == wire.OutcomeOK {
			return a.r
		}
		if a.r != nil && a.r.Reason == wire.ReasonOutOfMemory {
			return a.r
		}
		a.r = nil
	}
	require.Fail(c.t, "nobody answers")
	return nil
}

func get(key uint64) wire.Command {
	return wire.Command{Op: wire.OpGet, Key: fmt.Appendf(nil, "%08d", key)}
}

func set(key uint64) wire.Command {
	return wire.Command{Op: wire.OpSet, Key: fmt.Appendf(nil, "%08d", key), Value: make([]byte, 16)}
}

// equal checks that the replicas hold the same, once they are level.
func (c *crowded) equal() {
	c.run(time.Second)
	first := c.nodes[c.names[0]].groups[1]
	for _, name := range c.names[1:] {
		g := c.nodes[name].groups[1]
		require.Equal(c.t, first.store.Digest(), g.store.Digest())
		require.Equal(c.t, first.store.Evicted(), g.store.Evicted())
	}
}

func TestWritesMakeRoom(t *testing.T) {
	for _, policy := range []evict.Kind{evict.Adaptive, evict.AllKeysLRU, evict.AllKeysLFU, evict.AllKeysRandom} {
		c := newCrowded(t, 1, 50, policy)
		for key := range uint64(300) {
			require.Equal(t, wire.OutcomeOK, c.do(set(key)).Outcome, "%v: room is made", policy)
			g := c.leader().groups[1]
			require.LessOrEqual(t, g.store.Bytes(), c.leader().bound()+perKey, "%v: sessions are counted only about", policy)
		}
		c.equal()
		require.InDelta(t, 50, c.leader().groups[1].store.Len(), 4)
		require.EqualValues(t, 300-c.leader().groups[1].store.Len(), c.leader().groups[1].store.Evicted())
		require.Zero(t, c.leader().groups[1].evict.leaves+c.leader().groups[1].evict.grows, "nothing is on its way")
	}
}

func TestNoVictimIsARefusal(t *testing.T) {
	for _, policy := range []evict.Kind{evict.NoEviction, evict.VolatileLRU, evict.VolatileTTL} {
		c := newCrowded(t, 1, 10, policy)
		refused := 0
		for key := range uint64(30) {
			if r := c.do(set(key)); r.Outcome == wire.OutcomeRefused {
				require.Equal(t, wire.ReasonOutOfMemory, r.Reason)
				refused++
			}
		}
		require.Greater(t, refused, 15, policy)
		require.Equal(t, wire.OutcomeOK, c.do(wire.Command{Op: wire.OpDelete, Key: []byte("00000001")}).Outcome, "what does not grow goes on")
		c.equal()
	}
}

// A lease can be given back when there is no room for what it was for: otherwise all who want the key would wait until it is over.
func TestALeaseIsGivenBackWithoutRoom(t *testing.T) {
	c := newCrowded(t, 1, 10, evict.NoEviction)
	for key := range uint64(30) {
		c.do(set(key))
	}
	key := []byte("leased")
	lease := c.do(wire.Command{Op: wire.OpLease, Key: key, TTL: 60_000}).Results[0]
	require.Positive(t, lease.Int)
	fill := wire.Command{Op: wire.OpFill, Key: key, Version: uint64(lease.Int), Value: make([]byte, 16)}
	require.Equal(t, wire.ReasonOutOfMemory, c.do(fill).Reason)
	fill.Value, fill.Flags = nil, wire.FlagAbsent
	require.Equal(t, wire.OutcomeOK, c.do(fill).Outcome)
	require.Positive(t, c.do(wire.Command{Op: wire.OpLease, Key: key, TTL: 60_000}).Results[0].Int, "another one's turn")
}

func TestVolatileSparesTheOthers(t *testing.T) {
	c := newCrowded(t, 1, 20, evict.VolatileTTL)
	for key := range uint64(10) {
		c.do(set(key))
	}
	for key := uint64(10); key < 60; key++ {
		s := set(key)
		s.TTLKind, s.TTL = wire.TTLRelative, int64(10_000_000-10_000*key)
		c.do(s)
	}
	for key := range uint64(10) {
		require.Equal(t, wire.KindBytes, c.do(get(key)).Results[0].Kind, "key %d never expires", key)
	}
	require.Equal(t, wire.KindBytes, c.do(get(10)).Results[0].Kind, "it expires last")
	c.equal()
}

// TestLowerBoundShrinks: what a lower bound makes too much goes bit by bit, without a write.
func TestLowerBoundShrinks(t *testing.T) {
	c := newCrowded(t, 1, 1000, evict.AllKeysLRU)
	for key := range uint64(800) {
		c.do(set(key))
	}
	for _, name := range c.names {
		c.nodes[name].cfg.MaxMemory = 100 * perKey
	}
	c.run(2 * time.Second)
	require.LessOrEqual(t, c.leader().groups[1].store.Bytes(), int64(100*perKey))
	require.Greater(t, c.leader().groups[1].store.Len(), 90)
	c.equal()
}

// TestPolicyIsTheClusters: an operator's word goes to every node, and counts from then on.
func TestPolicyIsTheClusters(t *testing.T) {
	c := newCrowded(t, 1, 20, evict.NoEviction)
	tell := func(n *node, policy uint32) (told *wire.Told) {
		n.turn(func() { n.Admin(&wire.Ask{Op: wire.AdminSetPolicy, Weight: policy}, func(t *wire.Told) { told = t }) })
		require.True(t, c.until(5*time.Second, func() bool { return told != nil }))
		return told
	}
	for i := range 3 {
		kind := evict.Kind(i + 1)
		told := tell(c.nodes[c.names[i]], 1+uint32(kind))
		require.Zero(t, told.Refusal, told.Lines)
		require.Contains(t, told.Lines[0], kind.String())
		c.run(time.Second)
		for _, name := range c.names {
			require.Equal(t, kind, c.nodes[name].policy())
		}
	}
	require.Equal(t, wire.RefusalValue, tell(c.nodes["a:1"], 99).Refusal)
	tell(c.nodes["a:1"], 1+uint32(evict.AllKeysLRU))
	for key := range uint64(100) {
		require.Equal(t, wire.OutcomeOK, c.do(set(key)).Outcome)
	}
	require.Zero(t, tell(c.nodes["a:1"], 0).Refusal)
	c.run(time.Second)
	require.Equal(t, evict.NoEviction, c.nodes["b:1"].policy(), "as it was started")
}

// TestBatchesThin: of many reads every second, fourth ... is told, evenly.
func TestBatchesThin(t *testing.T) {
	var b told
	for i := range uint64(3 * toldMax) {
		b.add(i)
	}
	hashes, each := b.take()
	require.EqualValues(t, 4, each)
	require.InDelta(t, 3*toldMax/4, len(hashes), 2)
	for i := 1; i < len(hashes); i++ {
		require.InDelta(t, 4, hashes[i]-hashes[i-1], 2)
	}
	hashes, _ = b.take()
	require.Empty(t, hashes)
	b.add(7)
	for range toldTicks - 2 {
		hashes, _ = b.take()
		require.Empty(t, hashes, "few wait")
	}
	hashes, each = b.take()
	require.Equal(t, []uint64{7}, hashes)
	require.EqualValues(t, 1, each)
}
