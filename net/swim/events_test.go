package swim

import (
	"fmt"
	"testing"

	"github.com/hashicorp/memberlist"
	"github.com/stretchr/testify/require"

	"torc/core/gossip"
	"torc/core/wire"
)

// Nodes that come with a new name each time do not keep later ones from being believed in; those that live stay.
func TestNamesThatChangeDoNotFillTheBeliefs(t *testing.T) {
	ev := &events{self: 1, beliefs: map[wire.NodeID]belief{}}
	last := map[wire.NodeID]gossip.Status{}
	ev.subscribe(func(e gossip.Event) { last[e.Node] = e.Status })
	node := func(id int) *memberlist.Node {
		return &memberlist.Node{Name: life{wire.NodeID(id), wire.Incarnation(id), fmt.Sprint("h:", id)}.String()}
	}
	for id := 2; id < 2*gossip.NodesMax; id++ {
		ev.NotifyJoin(node(id))
		if id%1000 != 0 {
			ev.NotifyLeave(node(id))
		}
	}
	require.LessOrEqual(t, len(ev.beliefs), gossip.NodesMax)
	require.Equal(t, gossip.Dead, last[2*gossip.NodesMax-1], "the last one was noticed")
	for id := 1000; id < 2*gossip.NodesMax; id += 1000 {
		require.Equal(t, gossip.Alive, ev.beliefs[wire.NodeID(id)].Status)
	}
}

// With as many that live there is no room for more.
func TestNobodyAliveIsForgotten(t *testing.T) {
	ev := &events{self: 1, beliefs: map[wire.NodeID]belief{}}
	for id := 2; id < gossip.NodesMax+10; id++ {
		ev.NotifyJoin(&memberlist.Node{Name: life{wire.NodeID(id), 1, "h:1"}.String()})
	}
	require.Len(t, ev.beliefs, gossip.NodesMax)
	require.Contains(t, ev.beliefs, wire.NodeID(2))
}
