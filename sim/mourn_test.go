package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/gossip"
	"torc/core/trace"
	"torc/core/wire"
)

// TestMourningWaitsForASpareNode: of two silent nodes only one can be done without; when the other one
// speaks again it is the silent one's turn, and only then does the time begin that this may take.
func TestMourningWaitsForASpareNode(t *testing.T) {
	w := lookOn(func(s *Settings) { s.Nodes, s.Absent, s.Grace = 4, 0, 5*time.Second })
	n := w.nodes[0]
	n.start()
	publish := func(epoch wire.Epoch, third wire.MemberState) {
		m := &wire.ClusterMap{ClusterID: 1, Epoch: epoch, Replication: 3}
		for id := wire.NodeID(1); id <= 4; id++ {
			m.Members = append(m.Members, wire.Member{ID: id, Incarnation: 1, State: wire.MemberActive})
		}
		m.Members[2].State = third
		(&board{n: n, life: n.life}).PublishMap(m)
	}
	publish(1, wire.MemberActive)
	first := n.spareSince
	w.now += int64(20 * time.Second)
	publish(2, wire.MemberDown)
	require.Equal(t, first, n.spareSince)
	w.now += int64(20 * time.Second)
	publish(3, wire.MemberActive)
	require.Equal(t, n.clock.at(w.now), n.spareSince)
	w.now += int64(20 * time.Second)
	publish(4, wire.MemberActive)
	require.Equal(t, n.clock.at(w.now-int64(20*time.Second)), n.spareSince)
}

// mourner is a world of four nodes with a grace of five seconds, in which node 1 leads the meta group and has taken
// node 4 for dead for a given time.
func mourner(silent time.Duration) (w *World, leader *node) {
	w = lookOn(func(s *Settings) { s.Nodes, s.Absent, s.Grace = 4, 0, 5*time.Second })
	for _, n := range w.nodes {
		n.start()
	}
	leader = w.nodes[0]
	w.watch.see(&trace.Event{Kind: trace.Role, Node: 1, Shard: wire.MetaShard, Replica: 1, Term: 1, A: 2})
	m := &wire.ClusterMap{ClusterID: 1, Epoch: 1, Replication: 3}
	for _, n := range w.nodes {
		m.Members = append(m.Members, wire.Member{ID: n.id, Incarnation: n.incarnation, State: wire.MemberActive})
	}
	(&board{n: leader, life: leader.life}).PublishMap(m)
	leader.swim.beliefs[3] = belief{known: true, incarnation: w.nodes[3].incarnation, status: gossip.Dead}
	w.now += int64(silent)
	return w, leader
}

func TestMourning(t *testing.T) {
	for _, c := range []struct {
		name   string
		silent time.Duration
		also   func(w *World, leader *node)
		want   string
	}{
		{"within grace and slack", 8 * time.Second, nil, ""},
		{"too late", 9 * time.Second, nil, "V"},
		{"the leader has died since, and its next life leads nothing", 9 * time.Second, func(w *World, leader *node) { leader.crash(); leader.start() }, ""},
		{"the silent one lives again, of which the leader knows nothing", 9 * time.Second, func(w *World, _ *node) { w.nodes[3].crash(); w.nodes[3].start() }, "V"},
		{"a rumour of a later life came and went", 17 * time.Second, func(_ *World, leader *node) { leader.swim.beliefs[3].rumour = wire.Incarnation(1 << 62) }, ""},
		{"the ears alone suffice after three graces", 19 * time.Second, func(_ *World, leader *node) { leader.swim.beliefs[3].rumour = wire.Incarnation(1 << 62) }, "V"},
		{"another node is drained, so all that are left are needed", 9 * time.Second, func(_ *World, leader *node) { leader.board.Members[1].Draining = true }, ""},
		{"it was heard since", 9 * time.Second, func(w *World, leader *node) { leader.heard[3] = leader.clock.at(w.now) }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, leader := mourner(c.silent)
			belief, board := leader.swim.beliefs[3], leader.board
			if c.also != nil {
				c.also(w, leader)
			}
			if leader.board == nil { // a new life knows the map again, and what its neighbours say
				leader.board, leader.swim.beliefs[3] = board, belief
			}
			w.watch.mourning(leader)
			require.Equal(t, c.want, accused(w))
		})
	}
}
