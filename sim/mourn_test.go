package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
