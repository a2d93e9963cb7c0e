package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/gossip"
	"torc/core/gossip/gossiptest"
	"torc/core/wire"
)

// gossipWorld lets the contract suite of gossip.Feed drive a world of toys.
type gossipWorld struct {
	w     *World
	names map[string]*node
}

func (g *gossipWorld) Start(name string) gossip.Feed {
	n := g.names[name]
	if n == nil {
		n = g.w.nodes[len(g.names)]
		g.names[name] = n
	}
	n.start()
	return n.swim
}

func (g *gossipWorld) Life(name string) (wire.NodeID, wire.Incarnation) {
	return g.names[name].id, g.names[name].incarnation
}

func (g *gossipWorld) Crash(name string) { g.names[name].crash() }

func (g *gossipWorld) Isolate(names ...string) {
	var side []Target
	for _, name := range names {
		side = append(side, Node(int(g.names[name].id)))
	}
	g.w.faults.strike(Split{Side: side})
}

func (g *gossipWorld) Heal()              { g.w.faults.healAll() }
func (g *gossipWorld) Now() time.Duration { return time.Duration(g.w.now) }

func (g *gossipWorld) Until(cond func() bool) bool {
	return g.w.await(time.Minute, 50*time.Millisecond, cond)
}

func TestGossipContract(t *testing.T) {
	for _, c := range []struct {
		name string
		swim Swim
	}{
		{"honest", Swim{}},
		{"hostile", Swim{FalseAlarm: 500, Libel: 200, OldRumour: 500}},
	} {
		t.Run(c.name, func(t *testing.T) {
			seed := uint64(0)
			gossiptest.Run(t, func(t *testing.T, test func(*testing.T, gossiptest.World)) {
				seed++
				s := DrawSettings(seed)
				toySettings(&s)
				s.Nodes, s.Swim = 5, c.swim
				test(t, &gossipWorld{w: newWorld(seed, s, toyFactory(""), nil), names: map[string]*node{}})
			})
		})
	}
}

// Old rumours of a node that lives are of its former life or from before it refuted its death, and nobody who goes by the rules believes them.
func TestOldRumoursAreBelievedByNobody(t *testing.T) {
	s := DrawSettings(1)
	toySettings(&s)
	s.Nodes, s.Swim = 3, Swim{FalseAlarm: 3000}
	w := newWorld(1, s, toyFactory(""), nil)
	for _, n := range w.nodes {
		n.start()
	}
	var view gossip.View
	former, earlier := 0, 0
	w.nodes[0].swim.Subscribe(func(e gossip.Event) {
		before, known := view.Of(e.Node)
		_, changed := view.Merge(e)
		switch {
		case known && e.Incarnation < before.Incarnation:
			former++
			require.False(t, changed)
		case known && e.Incarnation == before.Incarnation && e.Refuted < before.Refuted:
			earlier++
			require.False(t, changed)
		}
	})
	w.until(10 * time.Second)
	w.faults.strike(Slander{Node(2), LieOldRumour})
	w.until(30 * time.Second)
	require.Zero(t, former, "it has had one life")
	require.Positive(t, earlier)
	w.nodes[1].crash()
	w.nodes[1].start()
	w.until(90 * time.Second)
	require.Positive(t, former)
	e, known := view.Of(w.nodes[1].id)
	require.True(t, known)
	require.Equal(t, w.nodes[1].incarnation, e.Incarnation)
	require.Less(t, e.Status, gossip.Dead)
}
