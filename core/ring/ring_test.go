package ring

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/wire"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the golden files")

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *rewrite {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// A walk meets every node once, and a node's coming or going changes nothing about the order
// in which the others are met.
func TestWalkIsConsistent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := drawMembers(t, 10)
		shard := wire.ShardID(rapid.IntRange(0, 100).Draw(t, "shard"))
		walk := New(members).Walk(shard)
		require.Len(t, walk, len(members))
		gone := members[rapid.IntRange(0, len(members)-1).Draw(t, "gone")].ID
		rest := slices.DeleteFunc(slices.Clone(members), func(m wire.Member) bool { return m.ID == gone })
		if len(rest) == 0 {
			return
		}
		want := slices.DeleteFunc(slices.Clone(walk), func(id wire.NodeID) bool { return id == gone })
		require.Equal(t, want, New(rest).Walk(shard))
	})
}

func TestRingSpreadsFirstChoices(t *testing.T) {
	r := New([]wire.Member{member(1, 100), member(2, 100), member(3, 200)})
	require.Len(t, r.points, 4*VirtualNodes)
	first := map[wire.NodeID]int{}
	for shard := range 10_000 {
		first[r.Walk(wire.ShardID(shard))[0]]++
	}
	require.InDelta(t, 2500, first[1], 500)
	require.InDelta(t, 2500, first[2], 500)
	require.InDelta(t, 5000, first[3], 700)
}

func TestDiff(t *testing.T) {
	on := func(nodes ...wire.NodeID) (replicas []wire.Replica) {
		for _, n := range nodes {
			replicas = append(replicas, wire.Replica{Node: n})
		}
		return replicas
	}
	moves := Diff(
		[]wire.Placement{{Shard: 0, Replicas: on(1, 2)}, {Shard: 1, Replicas: on(1, 2, 3)}, {Shard: 2, Replicas: on(4, 4)}},
		[]Target{{0, []wire.NodeID{2, 3}}, {1, []wire.NodeID{3, 1}}, {2, []wire.NodeID{4}}, {3, []wire.NodeID{5}}},
	)
	require.Equal(t, []Move{{0, 1, 3}, {1, 2, 0}, {3, 0, 5}}, moves)
	require.Equal(t, "shard 0: n1 -> n3", moves[0].String())
	require.Equal(t, "shard 1: - n2", moves[1].String())
	require.Equal(t, "shard 3: + n5", moves[2].String())
}

func TestView(t *testing.T) {
	v := NewView(&wire.ClusterMap{
		Epoch: 9, Shards: 2, Members: equals(3),
		Placements: []wire.Placement{
			{Shard: 0, Preferred: 1},
			{Shard: 1, Preferred: 3, Replicas: []wire.Replica{{ID: 1, Node: 2}, {ID: 2, Node: 3, Role: wire.RoleVoter}}},
			{Shard: 2, Preferred: 2},
		},
	})
	require.EqualValues(t, 2, v.ShardOfKey([]byte("foo")), "slot 12182 of 16384")
	require.EqualValues(t, 3, v.Preferred(1))
	require.Equal(t, []wire.NodeID{3}, v.Owners(1), "a learner leads nothing")
	require.EqualValues(t, 9, v.Epoch())
	require.True(t, v.Has(2))
	require.False(t, v.Has(3))
	require.NotNil(t, v.Member(2))
	require.Nil(t, v.Member(9))

	none := NewView(nil)
	require.Zero(t, none.Epoch())
	require.Zero(t, none.Preferred(1))
	require.Nil(t, none.Owners(1))
	require.Nil(t, none.Member(1))
}
