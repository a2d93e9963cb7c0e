package raft

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/raft/v3/raftpb"

	"torc/core/wire"
)

// TestWhoIsLetGoIsNeededUntilTheChangeIsSettled: replica 3 gives way to 4. When the leader says that this is
// settled 3 may stop, and the leader die in the same instant: the two that are left elect one of
// them. As soon as the leader has only applied the change, that is not so.
func TestWhoIsLetGoIsNeededUntilTheChangeIsSettled(t *testing.T) {
	for _, c := range []struct {
		when  string
		ready func(leader *peer) bool
		stuck bool // in some of the runs
	}{
		{"settled", func(leader *peer) bool { return leader.Settled() }, false},
		{"applied", func(*peer) bool { return true }, true},
	} {
		t.Run(c.when, func(t *testing.T) {
			stuck := 0
			for seed := range uint64(40) {
				if !goesOn(t, seed, c.ready) {
					stuck++
				}
			}
			require.Equal(t, c.stuck, stuck > 0, "%d of 40 groups are stuck", stuck)
		})
	}
}

// goesOn replaces a replica, stops it and the leader when they say so, and reports whether the rest elects a leader.
func goesOn(t *testing.T, seed uint64, ready func(leader *peer) bool) bool {
	n := newNetwork(t, seed, 3)
	n.delayMax = 20 * tick / 10
	leader := n.leader()
	gone := n.others(leader)[0]
	n.add(4, nil, 1<<20)
	require.NoError(t, leader.AddLearner(4))
	leader.Flush()
	n.until("the learner has caught up", func() bool { return leader.NearlyCaughtUp(4) })
	require.NoError(t, leader.Replace([]wire.ReplicaID{4}, []wire.ReplicaID{gone.id}))
	leader.Flush()
	n.until("the change", func() bool {
		conf := leader.Conf()
		return len(conf.VotersOutgoing) == 0 && !slices.Contains(conf.Voters, uint64(gone.id)) && ready(leader)
	})
	leader.cut, gone.cut = true, true
	n.run(20 * timeout)
	return slices.ContainsFunc(n.peers, func(p *peer) bool { return !p.cut && p.Leads() })
}

// TestALeaderSettlesWhatItTookOver: one that is elected with a change in its log that it has not applied owes
// an entry, too; one that has applied it before its first entry is settled by that.
func TestALeaderSettlesWhatItTookOver(t *testing.T) {
	n := newNetwork(t, 3, 4)
	leader := n.leader()
	n.until("settled", func() bool { return leader.Settled() })
	last := leader.LastIndex()
	require.NoError(t, leader.Replace(nil, []wire.ReplicaID{n.others(leader)[0].id}))
	leader.Flush()
	require.True(t, leader.Settled(), "nothing has changed yet")
	n.until("the change", func() bool { return len(leader.Conf().Voters) == 3 })
	require.False(t, leader.Settled())
	n.until("settled", func() bool { return leader.Settled() })
	require.Equal(t, last+2, leader.LastIndex(), "the change and one entry")

	require.False(t, n.others(leader)[1].Settled(), "only a leader can say so")
	leader.cut = true
	next := n.leader()
	require.True(t, next.Settled())
}

// TestAnOfferPutsTheSettlingOff: while the leadership is on offer nothing can be proposed, so the change that is applied then is settled only after
// the offer, if nobody took it.
func TestAnOfferPutsTheSettlingOff(t *testing.T) {
	n := newNetwork(t, 3, 4)
	leader := n.leader()
	n.until("settled", func() bool { return leader.Settled() })
	n.drop = func(_, _ *peer, m wire.Message) bool { return kind(m) == pb.MsgTimeoutNow }
	to, gone := n.others(leader)[0], n.others(leader)[1]
	require.NoError(t, leader.Replace(nil, []wire.ReplicaID{gone.id}))
	leader.Flush()
	leader.Transfer(to.id)
	leader.Flush()
	n.until("the change", func() bool { return len(leader.Conf().Voters) == 3 })
	require.False(t, leader.Accepting())
	require.False(t, leader.Settled())
	n.until("settled", func() bool { return leader.Settled() })
	require.True(t, leader.Accepting())
}

// TestARefusedChangeSettlesNothing: raft puts an empty entry in the place of a change that is asked for while another one is under way. It is
// in the log before the leader has applied the first one, so who holds it need not know that that one is committed.
func TestARefusedChangeSettlesNothing(t *testing.T) {
	n := newNetwork(t, 3, 4)
	leader := n.leader()
	n.until("settled", func() bool { return leader.Settled() })
	last := leader.LastIndex()
	n.drop = func(_, _ *peer, m wire.Message) bool {
		r, ok := m.(*wire.Raft)
		return ok && slices.ContainsFunc(r.Entries, func(e wire.Entry) bool { return e.Index > last+2 })
	}
	for range 2 {
		require.NoError(t, leader.Replace(nil, []wire.ReplicaID{n.others(leader)[0].id}))
		leader.Flush()
	}
	n.until("the change and the refused one", func() bool { return leader.Applied() == last+2 })
	require.Len(t, leader.Conf().Voters, 3)
	require.False(t, leader.Settled())
	n.drop = nil
	n.until("settled", func() bool { return leader.Settled() })
	require.Equal(t, last+3, leader.Applied(), "what was owed")
}
