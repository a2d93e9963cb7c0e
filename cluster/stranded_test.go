package cluster

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// leader is the node that leads a group, or nil.
func (w *world) leader(shard wire.ShardID) *node {
	for _, addr := range w.names {
		if n := w.nodes[addr]; !n.over && n.groups[shard] != nil && n.groups[shard].member.Leads() {
			return n
		}
	}
	return nil
}

// noReports keeps the map from hearing of a shard's members.
func noReports(_ string, f *wire.Frame) bool {
	return slices.ContainsFunc(f.Messages, func(m wire.Message) bool { _, is := m.(*wire.Report); return is })
}

// others are the voters of shard 1 but for its leader: their replicas and the addresses of their nodes.
func (w *world) others(lead *node) (ids []wire.ReplicaID, addrs []string) {
	for _, r := range w.newest().Placements[1].Replicas {
		if r.ID != lead.groups[1].replica {
			ids, addrs = append(ids, r.ID), append(addrs, w.names[r.Node-1])
		}
	}
	return ids, addrs
}

// The map takes one for a voter whom the group's last change let go, and so sees a majority of three where one of two is
// left. Who is left says so, and the shard is begun anew.
func TestAGroupIsLostThoughTheMapSeesAMajority(t *testing.T) {
	w := five(t, Config{ResetGrace: 4 * time.Second})
	lead := w.leader(1)
	require.NotSame(t, lead, w.leader(wire.MetaShard), "its reports are sent")
	w.drop = noReports
	ids, addrs := w.others(lead)
	lead.turn(func() { require.NoError(t, lead.groups[1].member.Replace(nil, ids[:1])) })
	require.True(t, w.until(time.Second, func() bool { return len(lead.groups[1].member.Conf().Voters) == 2 }))
	w.run(50 * time.Millisecond)
	w.restart(addrs[1])
	m := w.newest()
	require.False(t, m.QuorumGone(&m.Placements[1]))
	sealed := 0
	epoch := wire.Epoch(0)
	require.True(t, w.until(20*time.Second, func() bool {
		if p := w.newest().Placements[1]; p.Seal != 0 && p.Seal != epoch {
			sealed, epoch = sealed+1, p.Seal
		}
		return w.newest().Placements[1].Losses == 1 && w.leads()
	}), "begun anew")
	w.until(20*time.Second, func() bool { require.Zero(t, w.newest().Placements[1].Seal); return false })
	require.Equal(t, 1, sealed, "what the lost group's replicas said does not count against the new one")
}

func TestStanding(t *testing.T) {
	m := over(mapOf(replica(1, voter), replica(2, voter), replica(3, voter), replica(4, learner)), 10, 20)
	for _, c := range []struct {
		name string
		conf wire.ConfState
		is   bool
	}{
		{"a majority is left", wire.ConfState{Voters: []uint64{2, 3, 4}}, true},
		{"a majority is over", wire.ConfState{Voters: []uint64{1, 2, 3}}, false},
		{"a majority of those who come is left, and of those who go it is over", wire.ConfState{Voters: []uint64{2, 3, 4}, VotersOutgoing: []uint64{1, 2, 3}}, false},
		{"one whom the map does not know is over", wire.ConfState{Voters: []uint64{3, 5}}, false},
	} {
		require.Equal(t, c.is, standing(m, &m.Placements[1], c.conf), c.name)
	}
}

// Each replica speaks for itself, from the life that it is on; and what it has said counts for a moment, in which it says so again.
func TestAStrandedReplicaSpeaksForItself(t *testing.T) {
	w := five(t, Config{})
	meta := w.leader(wire.MetaShard)
	p := meta.m.Placement(1)
	r, other := p.Replicas[0], p.Replicas[1]
	says := func(from wire.NodeID, life wire.Incarnation, s wire.Sealed) bool {
		delete(meta.stranded, 1)
		s.Conf.Voters = []uint64{98, 99}
		meta.onSealed(from, life, &s)
		return meta.isStranded(p)
	}
	word := wire.Sealed{Shard: 1, Replica: r.ID}
	require.False(t, says(other.Node, other.Incarnation, word), "of another node's replica")
	require.False(t, says(r.Node, r.Incarnation-1, word), "from a former life")
	require.False(t, says(r.Node, r.Incarnation, wire.Sealed{Shard: 1, Replica: 99}), "of one that the map does not know")
	require.False(t, says(r.Node, r.Incarnation, wire.Sealed{Shard: 99, Replica: r.ID}), "of a shard that there is not")
	require.False(t, says(r.Node, r.Incarnation, wire.Sealed{Shard: 1, Replica: r.ID, Seal: 3}), "under a seal that was lifted")
	require.True(t, says(r.Node, r.Incarnation, word))
	w.now += strandedFor * meta.cfg.Tick
	require.False(t, meta.isStranded(p))
}

// A shard that has no leader for long and can have one is not touched: its replicas' words show a quorum.
func TestWhoCanGoOnIsNotStranded(t *testing.T) {
	w := five(t, Config{ResetGrace: 4 * time.Second})
	w.drop = func(_ string, f *wire.Frame) bool { // nobody is elected
		return slices.ContainsFunc(f.Messages, func(m wire.Message) bool { _, is := m.(*wire.Raft); return is && m.Group() == 1 })
	}
	sealed := false
	w.listening = func(_ string, f *wire.Frame) {
		sealed = sealed || slices.ContainsFunc(f.Messages, func(m wire.Message) bool { s, is := m.(*wire.Sealed); return is && s.Seal != 0 })
	}
	told := false
	w.until(30*time.Second, func() bool { told = told || len(w.leader(wire.MetaShard).stranded) > 0; return false })
	require.False(t, told)
	require.False(t, sealed)
	w.drop = nil
	require.True(t, w.until(5*time.Second, w.leads))
	require.Zero(t, w.newest().Placements[1].Losses)
}

// A voter is not let go while those who stay are not known to live: the map takes the dead for alive, for a moment.
func TestNobodyIsLetGoWhileHeIsNeeded(t *testing.T) {
	w := five(t, Config{ResetGrace: 4 * time.Second, Grace: time.Minute})
	lead := w.leader(1)
	ids, addrs := w.others(lead)
	g := lead.groups[1]
	w.nodes[addrs[1]].over = true
	w.run(2 * time.Second)
	require.True(t, g.member.Leads())
	lead.turn(func() { require.NoError(t, g.replace(g.member.Conf(), 0, ids[0])) })
	w.run(time.Second)
	require.Len(t, g.member.Conf().Voters, 3, "one of the two that would stay is silent")
	lead.turn(func() { require.NoError(t, g.replace(g.member.Conf(), 0, ids[1])) })
	require.True(t, w.until(time.Second, func() bool { return len(g.member.Conf().Voters) == 2 }))
}

// While a joint change is under way a quorum of those who are to go is needed, too: the map is told of nothing that would let it stop them,
// however long it takes.
func TestNobodyIsLetGoBeforeAJointChangeIsOver(t *testing.T) {
	o := newOffice(t, 4, 1)
	lead := o.lead(1)
	_, addrs := o.others(lead)
	o.drop = func(_ string, f *wire.Frame) bool { // nobody hears that it is to end
		return slices.ContainsFunc(f.Messages, func(m wire.Message) bool {
			r, is := m.(*wire.Raft)
			return is && r.Shard == 1 && slices.ContainsFunc(r.Entries, func(e wire.Entry) bool { return e.Kind != wire.EntryNormal && len(e.Data) == 0 })
		})
	}
	o.told(o.first(), wire.Ask{Op: wire.AdminDrain, Node: o.nodes[addrs[0]].cfg.Self.ID}, wire.RefusalNone)
	require.True(t, o.until(30*time.Second, func() bool { return len(lead.groups[1].member.Conf().VotersOutgoing) > 0 }))
	o.run(5 * time.Second)
	conf := lead.groups[1].member.Conf()
	require.NotEmpty(t, conf.VotersOutgoing, "the change is not over")
	for _, id := range conf.VotersOutgoing {
		require.NotNil(t, o.newest().Placements[1].Replica(wire.ReplicaID(id)))
	}
	o.drop = nil
	require.True(t, o.until(time.Minute, func() bool {
		return o.m() != nil && o.m().Member(o.nodes[addrs[0]].cfg.Self.ID).State == wire.MemberLeft
	}))
}

// A change that only its leader knows to be committed is not told, for whom it leaves out would stop: if that leader died now, the
// others would need him (core/raft's settle.go).
func TestNobodyIsLetGoBeforeTheOthersKnow(t *testing.T) {
	w := five(t, Config{})
	lead := w.leader(1)
	ids, _ := w.others(lead)
	w.drop = func(_ string, f *wire.Frame) bool {
		return slices.ContainsFunc(f.Messages, func(m wire.Message) bool {
			r, is := m.(*wire.Raft)
			return is && r.Shard == 1 && slices.ContainsFunc(r.Entries, func(e wire.Entry) bool { return e.Kind == wire.EntryNormal && len(e.Data) == 0 })
		})
	}
	lead.turn(func() { require.NoError(t, lead.groups[1].member.Replace(nil, ids[:1])) })
	require.True(t, w.until(time.Second, func() bool { return len(lead.groups[1].member.Conf().Voters) == 2 }))
	w.run(5 * time.Second)
	require.True(t, lead.groups[1].member.Leads())
	require.NotNil(t, w.newest().Placements[1].Replica(ids[0]))
	w.drop = nil
	require.True(t, w.until(10*time.Second, func() bool { return w.newest().Placements[1].Replica(ids[0]) == nil }))
}
