package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/slab"
	"torc/core/wire"
)

// pages counts what a node's stores have.
type pages struct {
	slab.Plain
	out int64
}

func (p *pages) Alloc(n int) []byte { p.out += int64(n); return p.Plain.Alloc(n) }
func (p *pages) Free(b []byte)      { p.out -= int64(len(b)) }

// Shards move to and fro, some in the middle of a snapshot that comes to nothing. Every node has the memory of
// the replicas that it holds, and of nothing else.
func TestMemoryGoesWithItsShard(t *testing.T) {
	const shards = 8
	o := &office{newWorld(5), t}
	var held [5]pages
	for i := 1; i <= 4; i++ {
		o.start(fmt.Sprintf("n%d", i), wire.NodeID(i), 1, Config{Join: []string{"n1", "n2", "n3", "n4"}, Expect: 4, Shards: shards,
			Grace: 5 * time.Second, LogBytes: 64 << 10, Pages: &held[i]})
	}
	o.settles()
	for n := range 400 {
		c := wire.Command{Op: wire.OpSet, Key: fmt.Appendf(nil, "key %d", n), Value: make([]byte, 20_000)}
		require.Equal(t, wire.OutcomeOK, o.node(1+n%4).call(c).Outcome)
	}
	exact := func() {
		t.Helper()
		for i := 1; i <= 4; i++ {
			want := int64(0)
			for _, g := range o.node(i).order {
				if g.store != nil {
					want += g.store.Memory().Reserved
				}
			}
			require.Equal(t, want, held[i].out, "node %d", i)
		}
	}
	exact()
	for round := range 3 {
		chunks := 0
		o.drop = func(_ string, f *wire.Frame) bool {
			for _, m := range f.Messages {
				if c, ok := m.(*wire.SnapshotChunk); ok {
					chunks++
					return c.Seq > 0 && chunks%7 < 3+round
				}
			}
			return false
		}
		o.told(o.node(1), wire.Ask{Op: wire.AdminDrain, Node: 2}, wire.RefusalNone)
		require.True(t, o.until(3*time.Minute, func() bool { return o.m() != nil && o.m().Member(2).State == wire.MemberLeft }), "it never leaves")
		require.Positive(t, chunks)
		o.drop = nil
		o.settles()
		o.run(2 * time.Second)
		require.Empty(t, o.node(2).order)
		require.Zero(t, held[2].out)
		exact()
		o.told(o.node(1), wire.Ask{Op: wire.AdminUndrain, Node: 2}, wire.RefusalNone)
		o.settles()
		o.run(2 * time.Second)
		require.Positive(t, held[2].out)
		exact()
	}
}
