package raft

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/raft/v3/raftpb"

	"torc/core/wire"
)

func TestOneLeaderIsElected(t *testing.T) {
	for _, size := range []int{1, 2, 3, 5} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			n := newNetwork(t, 1, size)
			leader := n.leader()
			n.settle()
			for _, p := range n.peers {
				require.Equal(t, leader.id, p.Leader())
				require.Equal(t, leader.Term(), p.Term())
				require.Equal(t, p == leader, p.IsLeader())
				require.NotZero(t, p.told, "its owner was told")
			}
			n.run(time.Minute)
			require.True(t, leader.Leads(), "nobody else stands while it leads")
		})
	}
}

// TestTheSameSeedIsTheSameRun: else a failing seed could not be run again.
func TestTheSameSeedIsTheSameRun(t *testing.T) {
	story := func(seed uint64) (told string) {
		n := newNetwork(t, seed, 3)
		n.loss, n.double = 100, 100
		for i := range 5 {
			leader := n.leader()
			_ = leader.Propose([]byte{byte(i)})
			leader.cut = i%2 == 0
			n.run(3 * timeout)
			leader.cut = false
		}
		for _, p := range n.peers {
			told += fmt.Sprintln(p.Leader(), p.Term(), p.Applied(), p.Digest(), p.sent)
		}
		return told
	}
	require.Equal(t, story(3), story(3))
	require.NotEqual(t, story(3), story(4))
}

func (p *peer) Digest() uint64 { return p.state.Digest() }

func TestWritesReachEveryMachine(t *testing.T) {
	n := newNetwork(t, 2, 3)
	leader := n.leader()
	var want strings.Builder
	for i := range 100 {
		text := fmt.Sprintf("write %d;", i)
		want.WriteString(text)
		leader.propose(text)
		n.run(time.Duration(i%3) * time.Millisecond)
	}
	n.settle()
	for _, p := range n.peers {
		require.Equal(t, want.String(), p.texts())
	}
}

// texts is what the machine has applied, one after the other.
func (p *peer) texts() string {
	var b strings.Builder
	for rest := p.state.state; len(rest) > 0; {
		length := int(rest[8])<<24 | int(rest[9])<<16 | int(rest[10])<<8 | int(rest[11])
		b.Write(rest[12 : 12+length])
		rest = rest[12+length:]
	}
	return b.String()
}

// TestNothingIsLost: through loss, doubling, reordering and changing leaders, what was
// acknowledged stays, everywhere and in order. (The network checks it at every event.)
func TestNothingIsLost(t *testing.T) {
	for seed := range uint64(5) {
		n := newNetwork(t, seed, 5)
		n.loss, n.double, n.delayMax = 100, 100, 100*time.Millisecond
		for i := range 10 {
			leader := n.leader()
			for j := range 5 {
				_ = leader.Propose(fmt.Appendf(nil, "%d.%d;", i, j))
				leader.Flush()
				n.run(20 * time.Millisecond)
			}
			leader.cut = true
			n.leader()
			leader.cut = false
		}
		n.loss = 0
		n.settle()
		require.NotZero(t, n.acked)
		for _, p := range n.peers {
			require.Equal(t, n.peers[0].texts(), p.texts())
		}
	}
}

func TestOnlyALeaderTakesProposals(t *testing.T) {
	n := newNetwork(t, 1, 3)
	for _, p := range n.peers {
		require.ErrorIs(t, p.Propose([]byte("too early")), ErrDropped)
	}
	for _, p := range n.others(n.leader()) {
		require.ErrorIs(t, p.Propose([]byte("to a follower")), ErrDropped)
		require.ErrorIs(t, p.AddLearner(9), ErrDropped)
		require.ErrorIs(t, p.Replace(nil, []wire.ReplicaID{1}), ErrDropped)
	}
	n.settle()
	require.Empty(t, n.entries)
}

// TestAnEmptyMemberWaits: one that starts without the first configuration is nobody's voter.
func TestAnEmptyMemberWaits(t *testing.T) {
	n := newNetwork(t, 1, 0)
	p := n.add(7, nil, 1<<20)
	n.run(time.Minute)
	require.Greater(t, p.ticks, 1000)
	require.Zero(t, p.sent)
	require.Zero(t, p.Term())
	require.Zero(t, p.Leader())
}

func TestMessagesForOthersAreIgnored(t *testing.T) {
	n := newNetwork(t, 1, 1)
	p := n.leader()
	term := p.Term()
	p.Step(&wire.RaftMessage{Type: uint8(pb.MsgHeartbeat), To: 9, From: 8, Term: term + 5})
	p.OnSnapshotChunk(&wire.SnapshotChunk{To: 9, From: 8, Term: term + 5})
	p.Flush()
	require.Equal(t, term, p.Term())
	require.Nil(t, p.ships.in)
}

func ids(ids ...uint64) []uint64 { return ids }

func (n *network) conf(what string, voters, learners []uint64) {
	n.t.Helper()
	n.until(what, func() bool {
		return !slices.ContainsFunc(n.peers, func(p *peer) bool {
			c := p.Conf()
			return !p.cut && (!slices.Equal(c.Voters, voters) || !slices.Equal(c.Learners, learners) || len(c.VotersOutgoing) > 0)
		})
	})
}

func TestALearnerCountsInNoQuorum(t *testing.T) {
	n := newNetwork(t, 3, 3)
	leader := n.leader()
	leader.propose("before;")
	learner := n.add(4, nil, 1<<20)
	require.NoError(t, leader.AddLearner(4))
	leader.Flush()
	n.conf("a learner", ids(1, 2, 3), ids(4))
	n.settle()
	require.Equal(t, "before;", learner.texts())
	require.Equal(t, "learner", learner.Status().Role)

	for _, p := range n.others(leader) {
		p.cut = p != learner
	}
	leader.propose("two of the four hold it;")
	applied := leader.Applied()
	n.run(timeout / 2)
	require.Equal(t, applied, leader.Applied(), "that is no majority of the three")
	n.run(3 * timeout)
	require.False(t, leader.IsLeader())
}

// TestALearnerThatNeverAnsweredIsNotCaughtUp: in a short log one that holds nothing lacks little. It
// must not be made a voter for that: it may never come. Nor one that has fallen silent.
func TestALearnerThatNeverAnsweredIsNotCaughtUp(t *testing.T) {
	n := newNetwork(t, 3, 3)
	leader := n.leader()
	leader.propose("before;")
	learner := n.add(4, nil, 1<<20)
	learner.cut = true
	require.NoError(t, leader.AddLearner(4))
	leader.Flush()
	n.run(2 * timeout)
	require.False(t, leader.NearlyCaughtUp(4), "it has never answered")
	learner.cut = false
	n.until("it has answered", func() bool { return leader.NearlyCaughtUp(4) })
	learner.cut = true
	n.run(3 * timeout)
	require.False(t, leader.NearlyCaughtUp(4), "it has fallen silent")
}

// TestAReplicaIsReplaced: learner, caught up, voter in the place of another one, in one joint
// change; the one that is removed no longer counts and disturbs nobody.
func TestAReplicaIsReplaced(t *testing.T) {
	for _, removed := range []string{"a follower", "a dead follower", "the leader"} {
		t.Run(removed, func(t *testing.T) {
			n := newNetwork(t, 4, 3)
			leader := n.leader()
			leader.propose("before;")
			gone := n.others(leader)[0]
			if removed == "the leader" {
				gone = leader
			}
			gone.cut = removed == "a dead follower"
			learner := n.add(4, nil, 1<<20)
			require.NoError(t, leader.AddLearner(4))
			leader.Flush()
			n.until("the learner has caught up", func() bool { return leader.NearlyCaughtUp(4) && leader.CaughtUp(4) && learner.Applied() > 1 })

			require.NoError(t, leader.Replace([]wire.ReplicaID{4}, []wire.ReplicaID{gone.id}))
			leader.Flush()
			want := slices.DeleteFunc(ids(1, 2, 3, 4), func(id uint64) bool { return id == uint64(gone.id) })
			n.until("the new configuration", func() bool {
				return !slices.ContainsFunc(n.others(gone), func(p *peer) bool {
					return !slices.Equal(p.Conf().Voters, want) || len(p.Conf().VotersOutgoing) > 0
				})
			})
			gone.cut = false
			n.run(4 * timeout)
			require.False(t, gone.IsLeader())
			gone.cut = true
			now := n.leader()
			if removed != "the leader" {
				require.Equal(t, leader, now, "who is removed takes nobody's leadership")
			}
			now.propose("after;")
			n.settle()
			require.Equal(t, "before;after;", learner.texts())
			require.NotContains(t, gone.texts(), "after;")
		})
	}
}

func TestALearnerIsRemoved(t *testing.T) {
	n := newNetwork(t, 5, 3)
	leader := n.leader()
	n.add(4, nil, 1<<20)
	require.NoError(t, leader.AddLearner(4))
	leader.Flush()
	n.conf("a learner", ids(1, 2, 3), ids(4))
	n.until("it answers", func() bool { return leader.lease.acked[4].stamp > 0 })
	n.peer(4).cut = true
	require.NoError(t, leader.Replace(nil, []wire.ReplicaID{4}))
	leader.Flush()
	n.conf("no learner", ids(1, 2, 3), nil)
	require.NotContains(t, leader.lease.acked, wire.ReplicaID(4), "nothing is kept of it")
	require.Len(t, leader.lease.acked, 2)
}

// TestAnIDIsUsedOnce: who was a member, as learner or voter, comes in again under a later ID only;
// a replica that has its state from a snapshot knows that as well as those who applied the changes.
func TestAnIDIsUsedOnce(t *testing.T) {
	n := newNetwork(t, 6, 3)
	leader := n.leader()
	require.EqualValues(t, 3, leader.Conf().Newest, "those of the beginning")
	n.add(7, nil, 1<<20)
	require.NoError(t, leader.AddLearner(7))
	leader.Flush()
	n.conf("a learner", ids(1, 2, 3), ids(7))
	n.peer(7).cut = true
	require.NoError(t, leader.Replace(nil, []wire.ReplicaID{7}))
	leader.Flush()
	n.conf("no learner", ids(1, 2, 3), nil)

	for _, id := range []wire.ReplicaID{7, 5, 3} {
		require.ErrorIs(t, leader.AddLearner(id), ErrUsed)
	}
	for range 40 {
		leader.propose(strings.Repeat("x", 64<<10))
		n.settle()
	}
	late := n.add(8, nil, 1<<20)
	require.NoError(t, leader.AddLearner(8))
	leader.Flush()
	n.until("a snapshot has arrived", func() bool { return len(late.installed) > 0 && late.Applied() == leader.Applied() })
	for _, p := range n.others(n.peer(7)) {
		require.EqualValues(t, 8, p.Conf().Newest)
	}
	require.NoError(t, leader.Replace(nil, []wire.ReplicaID{n.others(leader)[0].id}))
	leader.Flush()
	n.until("an older one is let go", func() bool { return len(leader.Conf().Voters) == 2 })
	require.EqualValues(t, 8, leader.Conf().Newest)
	require.ErrorIs(t, leader.AddLearner(7), ErrUsed)
}

func TestLeadershipIsHandedOver(t *testing.T) {
	n := newNetwork(t, 6, 3)
	leader := n.leader()
	n.settle()
	to := n.others(leader)[1]
	leader.Transfer(to.id)
	leader.Flush()
	require.False(t, leader.Accepting())
	require.ErrorIs(t, leader.Propose([]byte("meanwhile")), ErrDropped)
	n.until("it leads", to.Leads)
	require.Less(t, n.now, time.Minute)
	require.False(t, leader.IsLeader())
}

func TestTheLogIsBounded(t *testing.T) {
	n := newNetwork(t, 7, 0)
	voters := []wire.ReplicaID{1, 2, 3}
	const bound = 8 << 10
	for _, id := range voters {
		n.add(id, voters, bound)
	}
	leader := n.leader()
	slow := n.others(leader)[0]
	slow.cut = true
	text := strings.Repeat("x", 100)
	for range 1000 {
		leader.propose(text)
		n.run(3 * time.Millisecond)
		for _, p := range n.peers {
			// What is not applied yet (here: a few entries) cannot go.
			unapplied := int64(p.LastIndex()-p.Applied()) * int64(len(text)+entryOverhead)
			require.LessOrEqual(t, p.LogBytes(), bound+unapplied)
		}
	}
	require.Greater(t, leader.log.first, uint64(800))
	require.Positive(t, leader.LogBytes())
	require.NotZero(t, leader.Status().Lag[slow.id])

	slow.cut = false
	n.settle()
	require.Len(t, slow.installed, 1, "what it missed it gets as a snapshot")
	require.Equal(t, leader.texts(), slow.texts())
	n.run(timeout)
	require.Zero(t, leader.Status().Lag[slow.id])
}

func TestStatus(t *testing.T) {
	n := newNetwork(t, 8, 3)
	require.Equal(t, "follower", n.peers[0].Status().Role)
	leader := n.leader()
	n.settle()
	s := leader.Status()
	require.Equal(t, "leader", s.Role)
	require.Equal(t, leader.Applied(), s.Commit)
	require.Len(t, s.Lag, 2)
	require.Positive(t, s.LeaseLeft)
	require.LessOrEqual(t, time.Duration(s.LeaseLeft), timeout)
	for _, p := range n.others(leader) {
		require.True(t, leader.Recent(p.id))
	}
	require.False(t, leader.Recent(9))
}

// TestTheNotedTermIsRafts: a follower that has missed two elections, and follows the same leader as before, is in that one's term.
func TestTheNotedTermIsRafts(t *testing.T) {
	n := newNetwork(t, 5, 3)
	leader := n.leader()
	n.settle()
	term := leader.Term()
	other, follower := n.others(leader)[0], n.others(leader)[1]
	follower.cut = true
	for _, step := range []struct{ from, to *peer }{{leader, other}, {other, leader}} {
		step.from.Transfer(step.to.id)
		step.from.Flush()
		n.until("a handover", step.to.Leads)
	}
	require.Equal(t, leader.id, follower.Leader())
	require.Equal(t, term, follower.Term())
	follower.cut = false
	n.until("it hears the leader", func() bool { return follower.Applied() == leader.Applied() })
	require.Equal(t, term+2, follower.Term())
}
