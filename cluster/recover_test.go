package cluster

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// What the lost group may yet do is below what the new one begins with.
func TestRecovered(t *testing.T) {
	m := three()
	m.Placements[0].Replicas = m.Placements[1].Replicas
	m.Epoch, m.NextReplica = 70, 9
	self := m.Member(20)
	before := m.Clone()
	next := recovered(m, self, 1<<63|5, 1000)
	require.Equal(t, before, m, "a map is never changed")
	require.EqualValues(t, 1, next.Epoch.Recoveries())
	require.Greater(t, next.Epoch, m.Epoch+1<<39, "no number of changes overtakes it")
	p := next.Placement(wire.MetaShard)
	require.Equal(t, wire.Placement{Shard: 0, Preferred: 20, Losses: 1, LostAt: 1000, Founders: []wire.ReplicaID{9 + skippedIDs + 5},
		Replicas: []wire.Replica{{ID: 9 + skippedIDs + 5, Node: 20, Incarnation: 1, Role: voter}}}, *p)
	require.Equal(t, m.Placements[1:], next.Placements[1:], "data shards are where they were")
	require.NotEqual(t, next.Epoch, recovered(m, self, 1<<62, 1000).Epoch, "two operators, two epochs")

	late := &wire.MetaCommand{Kind: wire.MetaSetRoles, Shard: 0, Index: 1 << 40, Voters: []wire.ReplicaID{1, 2, 3}, Replica: 8}
	require.False(t, changeMap(next, late), "a report of the lost group")
	again := recovered(next, self, 0, 2000)
	require.Greater(t, again.Epoch, next.Epoch)
	require.EqualValues(t, 2, again.Epoch.Recoveries())
	require.EqualValues(t, 2, again.Placement(wire.MetaShard).Losses)
}

// A newer map is waited for as long as who has it is in reach: from one that is gone for good it will never come.
func TestRecoverMeta_ANewerMapIsWaitedFor(t *testing.T) {
	o := newOffice(t, 3, 1)
	o.run(4 * time.Second)
	n, other := o.node(1), o.node(2)
	o.drop = func(string, *wire.Frame) bool { return true }
	n.epochs[other.cfg.Self.ID] = n.m.Epoch + 1
	require.Contains(t, n.unfitToRecover(n.m), "has a newer map")
	o.run(n.cfg.Grace)
	require.Empty(t, n.unfitToRecover(n.m))
}

// Who votes in the meta group its replica here knows, unless the map tells of a later configuration.
func TestMetaVoters(t *testing.T) {
	o := newOffice(t, 3, 1)
	g := o.lead(wire.MetaShard).groups[wire.MetaShard]
	p := &wire.Placement{Replicas: []wire.Replica{replica(77, voter), replica(78, learner)}, ConfIndex: g.member.Applied()}
	own, _ := metaVoters(p, g)
	require.Equal(t, replicas(g.member.Conf().Voters), own)
	p.ConfIndex++
	later, _ := metaVoters(p, g)
	require.Equal(t, []wire.ReplicaID{77}, later)
	none, _ := metaVoters(p, nil)
	require.Equal(t, []wire.ReplicaID{77}, none)
}

// serves reports whether somebody leads every shard.
func (o *office) serves() bool {
	m := o.m()
	if m == nil {
		return false
	}
	for i := range m.Placements {
		if o.lead(wire.ShardID(i)) == nil {
			return false
		}
	}
	return true
}

func (o *office) recover(n *node, code uint64, want wire.Refusal) *wire.Told {
	o.t.Helper()
	return o.told(n, wire.Ask{Op: wire.AdminRecoverMeta, Confirm: code, TimeoutMillis: 5000}, want)
}

// Two nodes of three restart empty, the second before the first was repaired: the meta group is lost with
// all that they held. On the operator's word it begins anew on the one that is left, which lets the others in
// and declares the shards lost.
func TestRecoverMeta_TwoOfThreeRestart(t *testing.T) {
	o := newOffice(t, 3, 4)
	o.run(4 * time.Second)
	for i := 1; i <= 3; i++ {
		o.recover(o.node(i), 0, wire.RefusalLives)
	}
	first, second, left := o.node(1), o.node(2), o.node(3)
	first.over, second.over = true, true
	o.start("n1", 1, 2, first.cfg)
	o.start("n2", 2, 2, second.cfg)
	o.run(time.Minute)
	require.Nil(t, o.m(), "nobody leads the meta group, and nobody will")
	require.Contains(t, o.recover(o.node(1), 0, wire.RefusalState).Lines[0], "this life of the node is not in the cluster")

	before := left.m
	shown := o.recover(left, 0, wire.RefusalUnconfirmed)
	text := strings.Join(shown.Lines, "\n")
	for _, words := range []string{"n1 (restarted, empty)", "n2 (restarted, empty)", "n3 (this node)", "in reach: n1 (epoch 1), n2 (epoch 1)", "not in reach: nobody"} {
		require.Contains(t, text, words)
	}
	require.Contains(t, text, "shards 1, 2, 3, 4: nobody answers as its leader")
	require.Contains(t, o.recover(left, shown.Confirm+1, wire.RefusalUnconfirmed).Lines[0], "the code does not fit")
	require.Equal(t, before, left.m, "nothing was done")

	o.recover(left, shown.Confirm, wire.RefusalNone)
	require.True(t, o.until(2*time.Minute, o.serves), "it serves again")
	o.settles()
	m := o.m()
	require.EqualValues(t, 1, m.Epoch.Recoveries())
	for i := range m.Placements {
		require.EqualValues(t, 1, m.Placements[i].Losses, "shard %d is declared lost, once", i)
		require.Len(t, m.Placements[i].Replicas, 3, "shard %d is whole", i)
	}
	o.recover(left, shown.Confirm, wire.RefusalLives)
}

// Two nodes of three die and never come back: the meta group is begun anew, and then forgets them.
func TestRecoverMeta_TwoOfThreeGone(t *testing.T) {
	o := newOffice(t, 3, 4)
	o.run(4 * time.Second)
	o.node(1).over, o.node(3).over = true, true
	require.Contains(t, o.recover(o.node(2), 0, wire.RefusalLives).Lines[0], "the meta group")
	o.run(4 * time.Second)
	shown := o.recover(o.node(2), 0, wire.RefusalUnconfirmed)
	require.Contains(t, shown.Lines, "not in reach: n1, n3")
	o.recover(o.node(2), shown.Confirm, wire.RefusalNone)
	require.True(t, o.until(10*time.Second, func() bool { return o.m() != nil }), "it leads")
	o.run(4 * time.Second)
	for _, id := range []wire.NodeID{1, 3} {
		require.Zero(t, o.m().Placement(1).Losses, "silence is no proof")
		code := o.told(o.node(2), wire.Ask{Op: wire.AdminForget, Node: id}, wire.RefusalUnconfirmed).Confirm
		o.told(o.node(2), wire.Ask{Op: wire.AdminForget, Node: id, Confirm: code}, wire.RefusalNone)
	}
	require.True(t, o.until(2*time.Minute, o.serves), "it serves alone")
	for i := range o.m().Placements {
		require.EqualValues(t, 1, o.m().Placements[i].Losses)
	}
}

// The operator is wrong: the old group lives on the other side of a cut. When the sides meet one of them is
// left, and data shards that neither had to replace go on.
func TestRecoverMeta_WhileTheOldGroupLives(t *testing.T) {
	o := newOffice(t, 3, 4)
	old := o.lead(wire.MetaShard)
	var alone *node
	for _, name := range o.names {
		if n := o.nodes[name]; n != old {
			alone = n
		}
	}
	o.drop = func(addr string, f *wire.Frame) bool {
		return (addr == alone.cfg.Self.PeerAddr) != (f.From == alone.cfg.Self.ID)
	}
	o.run(4 * time.Second)
	shown := o.recover(alone, 0, wire.RefusalUnconfirmed)
	o.recover(alone, shown.Confirm, wire.RefusalNone)
	o.run(4 * time.Second)
	require.True(t, alone.leading, "one group here")
	require.NotNil(t, o.lead(wire.MetaShard))
	require.Zero(t, o.newest().Placement(1).Losses)

	o.drop = nil
	o.run(5 * time.Second)
	leaders := 0
	for _, name := range o.names {
		n := o.nodes[name]
		require.EqualValues(t, 1, n.m.Epoch.Recoveries(), "%s has the new group's map", name)
		if n.leading {
			leaders++
		}
	}
	require.Equal(t, 1, leaders)
	o.settles()
	require.True(t, o.serves())
	for i := range o.m().Placements[1:] {
		require.Zero(t, o.m().Placements[i+1].Losses, "nothing was lost")
	}
}

// A node that has just come cannot tell who is gone; one without a map has nothing to begin with.
func TestRecoverMeta_Unfit(t *testing.T) {
	o := newOffice(t, 3, 4)
	alone := o.start("n9", 9, 1, Config{Join: []string{"nowhere"}, Expect: 3, Grace: 5 * time.Second})
	require.Contains(t, o.recover(alone, 0, wire.RefusalState).Lines[0], "this node is in no cluster")
	o.node(1).over, o.node(2).over = true, true
	o.node(3).ticks = 0
	require.Contains(t, o.recover(o.node(3), 0, wire.RefusalState).Lines[0], "has listened for")
	o.run(4 * time.Second)
	o.node(3).epochs[1], o.node(3).heard[1] = o.node(3).m.Epoch+1, o.now
	require.Contains(t, o.recover(o.node(3), 0, wire.RefusalState).Lines[0], "n1 has a newer map")
}

// However the second restart falls into the repair of the first, the cluster serves again: by itself while
// the meta group has its majority, or on the operator's word, of whoever has lived through it.
func TestRecoverMeta_InSequence(t *testing.T) {
	recovered := 0
	for seed := range 40 {
		o := newOffice(t, 3+seed%3, 4)
		o.stream = stream{uint64(seed)}
		o.loss = 20 * (seed % 2)
		o.run(4 * time.Second)
		gone := o.m().Placement(wire.MetaShard).Replicas[:2]
		for i := range gone {
			if r := gone[(i+seed)%2]; seed%4 == 3 { // at once
				o.node(int(r.Node)).over = true
			} else {
				o.restart(o.node(int(r.Node)).cfg.Self.PeerAddr)
				o.run(time.Duration(o.intN(4000)) * time.Millisecond)
			}
		}
		for _, r := range gone {
			if o.node(int(r.Node)).over {
				o.restart(o.node(int(r.Node)).cfg.Self.PeerAddr)
			}
		}
		o.run(20 * time.Second)
		if o.m() == nil {
			left := o.left()
			code := o.recover(left, 0, wire.RefusalUnconfirmed).Confirm
			o.recover(left, code, wire.RefusalNone)
			recovered++
		}
		require.True(t, o.until(3*time.Minute, o.serves), "seed %d: it serves again", seed)
		o.settles()
		for i := range o.m().Placements {
			require.LessOrEqual(t, o.m().Placements[i].Losses, uint64(1), "seed %d: shard %d", seed, i)
		}
	}
	require.Greater(t, recovered, 5, "both come up")
	require.Less(t, recovered, 40, "both come up")
}

// left is the node with the newest map of those that have not restarted.
func (o *office) left() (newest *node) {
	for _, name := range o.names {
		if n := o.nodes[name]; n.cfg.Self.Incarnation == 1 && (newest == nil || n.m.Epoch > newest.m.Epoch) {
			newest = n
		}
	}
	return newest
}
