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

// A node that lives long is of the oldest life, so when it is believed dead it is the first to be forgotten. It is believed in again when it is
// back, whatever the subscriber remembers of it.
func TestWhoIsForgottenAndLivesIsAliveAgain(t *testing.T) {
	ev := &events{self: 1, beliefs: map[wire.NodeID]belief{}}
	var view gossip.View
	ev.subscribe(func(e gossip.Event) { view.Merge(e) })
	node := func(id, incarnation int) *memberlist.Node {
		return &memberlist.Node{Name: life{wire.NodeID(id), wire.Incarnation(incarnation), fmt.Sprint("h:", id)}.String()}
	}
	const old = 1_000_000
	is := func(s gossip.Status) bool { return view.Is(old, 1, s) }
	ev.NotifyJoin(node(old, 1))
	for id := 2; id <= gossip.NodesMax; id++ {
		ev.NotifyJoin(node(id, id))
		ev.NotifyLeave(node(id, id))
	}
	for id := gossip.NodesMax + 1; id < gossip.NodesMax+4; id++ {
		ev.NotifyLeave(node(old, 1))
		require.True(t, is(gossip.Dead))
		ev.NotifyJoin(node(id, id))
		require.NotContains(t, ev.beliefs, wire.NodeID(old), "it is forgotten")
		ev.NotifyJoin(node(old, 1))
		require.True(t, is(gossip.Alive))
	}
}
