package cluster

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/store"
	"torc/core/wire"
)

// TestSeedIsTheClusters: one node's seed becomes everybody's, replicas that are made later included; clients do not see it.
func TestSeedIsTheClusters(t *testing.T) {
	o := &office{newWorld(9), t}
	for i := 1; i <= 4; i++ {
		o.start(fmt.Sprintf("n%d", i), wire.NodeID(i), 1, Config{Join: []string{"n1", "n2", "n3", "n4"}, Expect: 4, Shards: 4, LogBytes: 16 << 10,
			Seed: store.Seed{uint64(i), 7}})
	}
	o.settles()
	seed := o.m().Seed
	require.NotZero(t, seed[0])
	require.Zero(t, o.m().Public().Seed)
	o.write(0, 100, 1000)
	o.told(o.node(1), wire.Ask{Op: wire.AdminDrain, Node: 2}, wire.RefusalNone)
	o.settles()
	key := []byte("key 7")
	for i := 1; i <= 4; i++ {
		require.Equal(t, seed, o.node(i).m.Seed)
		for _, g := range o.node(i).order {
			if g.store != nil {
				require.Equal(t, o.node(1).groups[1].store.HashOf(key), g.store.HashOf(key))
			}
		}
	}
	require.NotEqual(t, store.Seed{}.HashOf(key), o.node(1).groups[1].store.HashOf(key))
}
