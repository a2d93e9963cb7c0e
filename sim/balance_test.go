package sim

import (
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// TestUneven: shares by weight, rounded outwards.
func TestUneven(t *testing.T) {
	active := func(id, weight int) wire.Member {
		return wire.Member{ID: wire.NodeID(id), State: wire.MemberActive, Weight: uint32(weight)}
	}
	type nodes = []wire.NodeID
	m := &wire.ClusterMap{Members: []wire.Member{active(1, 25), active(2, 100), active(3, 400)}}
	require.Equal(t, []share{{4, 1}, {4, 1}, {4, 1}}, shares(m, 12, 4), "as many nodes as replicas: each holds all")
	require.Equal(t, []share{{4 * 25, 125}, {4 * 100, 125}, {4, 1}}, shares(m, 8, 4), "the heavy one holds one of each, the others share the rest")
	for _, c := range []struct {
		name    string
		members []wire.Member
		on      nodes // of each shard's replica
		leads   nodes // each shard
		want    string
	}{
		{"even", []wire.Member{active(1, 100), active(2, 100)}, nodes{1, 2, 1, 2}, nodes{1, 2, 1, 2}, ""},
		{"no shard is led", []wire.Member{active(1, 100), active(2, 100)}, nodes{1, 2, 1, 2}, nodes{0, 0, 0, 0}, "n1 leads 0 shards, not 1 to 3"},
		{"one holds all", []wire.Member{active(1, 100), active(2, 100)}, nodes{1, 1, 1, 1}, nodes{1, 1, 1, 1}, "n1 holds 4 replicas, not 1 to 3"},
		{"one leads all", []wire.Member{active(1, 100), active(2, 100)}, nodes{1, 2, 1, 2}, nodes{2, 2, 2, 2}, "n1 leads 0 shards, not 1 to 3"},
		{"by weight", []wire.Member{active(1, 300), active(2, 100)}, nodes{1, 1, 1, 2}, nodes{1, 1, 1, 2}, ""},
		{"not by weight", []wire.Member{active(1, 300), active(2, 100)}, nodes{1, 2, 2, 2}, nodes{1, 2, 2, 2}, "n1 holds 1 replicas, not 2 to 4"},
		{"who is down has no share", []wire.Member{active(1, 100), {ID: 2, State: wire.MemberDown, Weight: 100}}, nodes{1, 1}, nodes{1, 1}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &wire.ClusterMap{Members: c.members}
			for i, node := range c.on {
				m.Placements = append(m.Placements, wire.Placement{Shard: wire.ShardID(i), Replicas: []wire.Replica{{Node: node, Role: wire.RoleVoter}}})
			}
			require.Equal(t, c.want, unevenIn(m, c.leads))
		})
	}
}
