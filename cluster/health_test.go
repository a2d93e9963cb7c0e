package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/gossip"
	"torc/core/wire"
)

// A node's digest is its lanes' together; rates are since the one before.
func TestPulse(t *testing.T) {
	var p Pulse
	lanes := []Vitals{
		{Epoch: 4, Waiting: 2, Bytes: 100, BytesMax: 1000, Replicas: 3, Term: 7, Leads: []wire.ShardID{2, 4}, Answered: 500, Hits: 30, Misses: 10},
		{Epoch: 5, Waiting: 1, Bytes: 50, BytesMax: 1000, Replicas: 2, Term: 6, Leads: []wire.ShardID{1}, Answered: 500},
	}
	h := p.Beat(10*time.Second+time.Millisecond, lanes)
	require.Equal(t, gossip.Health{Epoch: 5, Uptime: 10 * time.Second, RequestRate: 99, Waiting: 3, MemoryUsed: 150, MemoryMax: 1000, HitRate: 750,
		Replicas: 5, LeadCount: 3, Term: 7, Leads: []wire.ShardID{1, 2, 4}}, h)

	lanes[0].Answered, lanes[0].Misses = 2500, 20
	h = p.Beat(11*time.Second+time.Millisecond, lanes)
	require.Equal(t, uint64(2000), h.RequestRate)
	require.Zero(t, h.HitRate, "ten reads, and all missed")
	require.Equal(t, gossip.HitRateUnknown, p.Beat(12*time.Second, lanes).HitRate, "nothing was read")
	require.Equal(t, gossip.HitRateUnknown, p.Beat(12*time.Second, lanes).HitRate, "no time has passed")
}

// Who says that it leads is asked first, if it has a replica that votes in its present life.
func TestHints(t *testing.T) {
	m := &wire.ClusterMap{Shards: 1, Placements: []wire.Placement{{}, {Shard: 1, Replicas: []wire.Replica{{ID: 1, Node: 1, Incarnation: 5, Role: wire.RoleVoter},
		{ID: 2, Node: 2, Incarnation: 5, Role: wire.RoleLeaving}, {ID: 3, Node: 3, Incarnation: 5, Role: wire.RoleLearner}}}}}
	says := func(node wire.NodeID, life wire.Incarnation, status gossip.Status, term uint64, leads ...wire.ShardID) gossip.Event {
		h := gossip.Health{Term: term, Leads: leads, LeadCount: uint64(len(leads))}
		return gossip.Event{Node: node, Incarnation: life, Status: status, Digest: h.Encode()}
	}
	for _, c := range []struct {
		name   string
		events []gossip.Event
		want   wire.NodeID
	}{
		{"nobody says anything", nil, 0},
		{"one says that it leads", []gossip.Event{says(2, 5, gossip.Alive, 3, 1)}, 2},
		{"two say so", []gossip.Event{says(1, 5, gossip.Alive, 4, 1), says(2, 5, gossip.Alive, 3, 1)}, 1},
		{"one that does not vote says so", []gossip.Event{says(3, 5, gossip.Alive, 4, 1)}, 0},
		{"one that has no replica says so", []gossip.Event{says(9, 5, gossip.Alive, 3, 1)}, 0},
		{"a life without a replica says so", []gossip.Event{says(2, 6, gossip.Alive, 3, 1)}, 0},
		{"it no longer says so", []gossip.Event{says(2, 5, gossip.Alive, 3, 1), says(2, 5, gossip.Alive, 3)}, 0},
		{"it is dead", []gossip.Event{says(2, 5, gossip.Alive, 3, 1), says(2, 5, gossip.Dead, 3, 1)}, 0},
		{"it talks nonsense", []gossip.Event{{Node: 2, Incarnation: 5, Digest: []byte("I lead")}}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &Lane{cfg: &Config{}, m: m, hints: hints{}}
			for _, e := range c.events {
				l.OnGossip(e)
			}
			require.Equal(t, c.want, l.hint(1))
			require.Zero(t, l.hint(7), "no such shard")
		})
	}
}
