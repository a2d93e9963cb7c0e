package cluster

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// apart is a cluster of three nodes with the meta group and three others with the one data shard, which are set differently.
// One of the ones or of the others founds it.
func apart(t *testing.T, holder, other Config, founderHolds bool) (w *world, holders []string) {
	names := []string{"a", "b", "c", "d", "e", "f"}
	for base := wire.NodeID(1); ; base++ {
		require.Less(t, base, wire.NodeID(1000), "no such placement")
		var members []wire.Member
		for i, name := range names {
			members = append(members, wire.Member{ID: base + wire.NodeID(i), Incarnation: 7, Name: name, PeerAddr: name, Weight: 100})
		}
		m := firstMap(1, members, 1, 3)
		holds := func(p int, id wire.NodeID) bool { return m.Placements[p].On(id, 7) != nil }
		if holds(1, base) != founderHolds || slices.ContainsFunc(members, func(who wire.Member) bool { return holds(0, who.ID) == holds(1, who.ID) }) {
			continue
		}
		w = newWorld(7)
		for _, who := range members {
			cfg := other
			if holds(1, who.ID) {
				cfg, holders = holder, append(holders, who.Name)
			}
			cfg.Join, cfg.Expect, cfg.Shards = names, len(names), 1
			w.start(who.Name, who.ID, 7, cfg)
		}
		require.True(t, w.until(20*time.Second, w.everywhere), "founded")
		w.run(40 * time.Second)
		return w, holders
	}
}

// loseQuorum cuts the shard's leader off and restarts the others with a replica, set as the meta group's nodes are, as in a round of restarts that
// goes wrong; then is called when a new group leads.
func (w *world) loseQuorum(t *testing.T, holders []string, then func(former *node)) {
	former, next := w.leader(1), w.leader(wire.MetaShard).cfg
	w.drop = func(addr string, f *wire.Frame) bool {
		return addr == former.cfg.Self.Name || f.From == former.cfg.Self.ID
	}
	for _, addr := range holders {
		if addr != former.cfg.Self.Name {
			old := w.nodes[addr].cfg.Self
			w.start(addr, old.ID, old.Incarnation+1, next)
		}
	}
	require.True(t, w.until(2*time.Minute, func() bool {
		return slices.ContainsFunc(w.names, func(addr string) bool {
			n := w.nodes[addr]
			return n != former && n.groups[1] != nil && n.groups[1].member.Leads()
		})
	}), "begun anew")
	then(former)
}

// The meta group's leader has a short election timeout and a short grace, the lost group's leader and followers have long ones: their
// promises, and so its lease, must not outlast that grace. Whose measure counts is the founder's, whoever that is.
func TestALostLeadersLeaseIsOver(t *testing.T) {
	for _, founderHolds := range []bool{false, true} {
		w, holders := apart(t, Config{ElectionTicks: 300}, Config{ResetGrace: 2 * time.Second}, founderHolds)
		require.True(t, w.leader(1).groups[1].member.LeaseValid())
		w.loseQuorum(t, holders, func(former *node) {
			require.False(t, former.groups[1].member.LeaseValid(), "two leaders read from memory (the founder holds the shard: %v)", founderHolds)
		})
	}
}

// Nor must a promise to a client.
func TestALostLeadersPromisesAreOver(t *testing.T) {
	for _, founderHolds := range []bool{false, true} {
		w, holders := apart(t, Config{ElectionTicks: 100, CacheLease: 10 * time.Second}, Config{ResetGrace: 2 * time.Second}, founderHolds)
		leader, k := w.leader(1), &keeper{}
		leader.write("old")
		w.run(time.Second)
		leader.ask(k, keepable)
		w.run(time.Second)
		leader.ask(k, keepable)
		require.Positive(t, k.all[1].Results[0].Int)
		until := w.now + time.Duration(k.all[1].Results[0].Int)*time.Millisecond
		w.loseQuorum(t, holders, func(*node) {
			require.LessOrEqual(t, until, w.now, "a client answers from what it keeps while others write (the founder holds the shard: %v)", founderHolds)
		})
	}
}

// The map lags: it gives up hope while the group goes on, with a voter that it takes for a learner. When that one's life is over, too, the group has
// lost its quorum only now, long after the shard became doubtful, and its leader has promised something a moment ago.
func TestTheGraceBeginsWithTheLastLife(t *testing.T) {
	w := five(t, Config{ResetGrace: 10 * time.Second, CacheLease: 5 * time.Second})
	lead, k := w.leader(1), &keeper{}
	silent := func(string, *wire.Frame) bool { return false }
	w.drop = func(addr string, f *wire.Frame) bool {
		f.Messages = slices.DeleteFunc(slices.Clone(f.Messages), func(m wire.Message) bool {
			r, is := m.(*wire.Report)
			return is && r.Shard == 1
		})
		return len(f.Messages) == 0 || silent(addr, f)
	}
	require.NotSame(t, lead, w.leader(wire.MetaShard), "its reports are sent")
	ids, addrs := w.others(lead)
	lead.write("old")
	w.restart(addrs[0])
	require.True(t, w.until(20*time.Second, func() bool {
		conf := lead.groups[1].member.Conf()
		return len(conf.Voters) == 3 && len(conf.VotersOutgoing) == 0 && !slices.Contains(conf.Voters, uint64(ids[0]))
	}), "replaced")
	w.run(5 * time.Second)
	fourth := w.holders()[3]
	w.restart(addrs[1])
	require.True(t, w.until(20*time.Second, func() bool { return w.newest().Placements[1].Seal != 0 }), "the map gives it up")
	w.run(5 * time.Second)

	lead.ask(k, keepable)
	w.run(time.Second)
	require.True(t, lead.groups[1].member.LeaseValid(), "it goes on")
	lead.ask(k, keepable)
	require.Positive(t, k.all[1].Results[0].Int)
	until := w.now + time.Duration(k.all[1].Results[0].Int)*time.Millisecond
	silent = func(addr string, f *wire.Frame) bool { return addr == lead.cfg.Self.Name || f.From == lead.cfg.Self.ID }
	w.restart(fourth)
	require.True(t, w.until(time.Minute, func() bool {
		return slices.ContainsFunc(w.names, func(addr string) bool {
			n := w.nodes[addr]
			return n != lead && n.groups[1] != nil && n.groups[1].member.Leads()
		})
	}), "begun anew")
	require.LessOrEqual(t, until, w.now, "a client answers from what it keeps while others write")
}

// A grace may be made longer than the cluster was founded with, and never shorter. A map that says nothing, or nonsense, breaks nothing.
func TestGraceOf(t *testing.T) {
	founded := func(ms uint64) *wire.ClusterMap { return &wire.ClusterMap{Limits: wire.Limits{ResetGrace: ms}} }
	require.Equal(t, time.Minute, GraceOf(nil, time.Minute))
	require.Equal(t, time.Minute, GraceOf(founded(0), time.Minute))
	require.Equal(t, time.Minute, GraceOf(founded(2000), time.Minute))
	require.Equal(t, 2*time.Minute, GraceOf(founded(120_000), time.Minute))
	require.Positive(t, GraceOf(founded(1<<63), time.Minute))
	require.Positive(t, GraceOf(founded(1<<63), 0))
}

// However a node is set: a lease is for a quarter of what the cluster was founded with, and what is promised under it for a half. The rest is for clocks that differ.
func TestNothingIsPromisedForTheWholeGrace(t *testing.T) {
	l := &Lane{cfg: &Config{ResetGrace: time.Hour, CacheLease: time.Hour, HotLease: time.Hour}, m: &wire.ClusterMap{Limits: wire.Limits{ResetGrace: 8000}}}
	require.Equal(t, 2*time.Second, l.leaseMost())
	require.Equal(t, 4*time.Second, l.cacheLease())
	require.Equal(t, 4*time.Second, l.hotLease())
	l.cfg.CacheLease, l.cfg.HotLease = time.Second, 2*time.Second
	require.Equal(t, time.Second, l.cacheLease())
	require.Equal(t, 2*time.Second, l.hotLease())
}

// The grace of a shard that is in doubt begins anew with each of its replicas that is over, once: however long the doubt is, the group may have had
// its quorum until then.
func TestEachLifeThatIsOverBeginsTheGraceAnew(t *testing.T) {
	w := five(t, Config{ResetGrace: 10 * time.Second})
	l := w.leader(wire.MetaShard)
	m := l.m.Clone()
	p := &m.Placements[1]
	since := func() time.Duration {
		l.overseeLosses(m)
		require.Contains(t, l.doubts, p.Shard)
		return l.doubts[p.Shard].since
	}
	m.Member(p.Replicas[0].Node).Incarnation++
	for _, r := range p.Replicas[1:] {
		m.Member(r.Node).Incarnation++
		over := w.now
		require.Equal(t, over, since())
		w.now += time.Second
		require.Equal(t, over, since(), "only once")
	}
}
