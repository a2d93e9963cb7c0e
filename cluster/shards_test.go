package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// TestShardsAreTheClusters: a node that joins without saying how many shards there are takes replicas with keys in them, as
// the founders do: those of its own --shards have other slots. Nor does anybody compute by a session time or a longest value of its own.
func TestShardsAreTheClusters(t *testing.T) {
	o := &office{newWorld(9), t}
	founders := []string{"n1", "n2", "n3"}
	for i, addr := range founders {
		shards := 4
		if i == 2 {
			shards = 16 // of founders one decides
		}
		o.start(addr, wire.NodeID(i+1), 1, Config{Join: founders, Expect: 3, Shards: shards, SessionTTL: time.Duration(i+2) * time.Minute, MaxValue: 1 << (20 + i), LogBytes: 16 << 10})
	}
	o.settles()
	require.EqualValues(t, 4, o.m().Shards)
	o.write(0, 100, 1000)
	o.start("n4", 4, 1, Config{Join: founders, Shards: 64, LogBytes: 16 << 10})
	o.settles()
	for i := 1; i <= 4; i++ {
		held := 0
		for _, g := range o.node(i).order {
			if g.store != nil {
				held++
				c := o.node(i).storeConfig(o.m().Placement(g.shard))
				require.Equal(t, 4, c.Shards, "n%d", i)
				require.EqualValues(t, 2*time.Minute.Milliseconds(), c.SessionTTL, "n%d", i)
				require.Equal(t, 1<<20, c.MaxValue, "n%d", i)
			}
		}
		require.NotZero(t, held, "n%d", i)
	}
}
