package raft

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/raft/v3/raftpb"

	"torc/core/trace"
	"torc/core/wire"
)

// hand gives a member a message from another one and returns what it sends to that one by and by. Nothing of it arrives.
func (n *network) hand(to *peer, msg wire.RaftMessage) (answers []*wire.RaftMessage) {
	n.drop = func(from, back *peer, m wire.Message) bool {
		if r, ok := m.(*wire.Raft); ok && from == to && back.id == msg.From {
			answers = append(answers, &r.RaftMessage)
		}
		return true
	}
	msg.To = to.id
	to.Step(&msg)
	to.Flush()
	n.run(n.delayMax)
	n.drop = nil
	return answers
}

// TestWhatNoMemberSendsIsIgnored: raft would panic, or do what nobody may ask for.
func TestWhatNoMemberSendsIsIgnored(t *testing.T) {
	entries := func(many int) []wire.Entry { return make([]wire.Entry, many) }
	snapshot := &wire.SnapshotMeta{Index: 1000, Term: 2, Conf: wire.ConfState{Voters: ids(1, 2, 3)}}
	for _, c := range []struct {
		name string
		msg  wire.RaftMessage
	}{
		{"a proposal", wire.RaftMessage{Type: uint8(pb.MsgProp), Entries: entries(1)}},
		{"an empty one", wire.RaftMessage{Type: uint8(pb.MsgProp)}},
		{"a question without a name", wire.RaftMessage{Type: uint8(pb.MsgReadIndex)}},
		{"two questions", wire.RaftMessage{Type: uint8(pb.MsgReadIndex), Entries: entries(2)}},
		{"an answer without a name", wire.RaftMessage{Type: uint8(pb.MsgReadIndexResp), Entries: entries(1)}},
		{"a snapshot whose parts have not come", wire.RaftMessage{Type: uint8(pb.MsgSnap), Snapshot: snapshot}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNetwork(t, 1, 3)
			n.settle()
			leader := n.leader()
			follower := n.others(leader)[0]
			last, term := leader.LastIndex(), leader.Term()
			c.msg.Term = term
			for _, p := range []*peer{leader, follower} {
				c.msg.From = n.others(p)[0].id
				require.NotPanics(t, func() { n.hand(p, c.msg) })
			}
			n.settle()
			require.Equal(t, last, leader.LastIndex())
			require.Equal(t, term, leader.Term())
			require.Empty(t, follower.installed)
		})
	}
}

// TestAFollowerTellsItsLeadersStamps: the newest one of the leader that it answers, in its term. Another leader has another clock.
func TestAFollowerTellsItsLeadersStamps(t *testing.T) {
	n := newNetwork(t, 1, 3)
	p := n.peers[0]
	told := func(from wire.ReplicaID, term uint64, stamp int64) int64 {
		answers := n.hand(p, wire.RaftMessage{Type: uint8(pb.MsgHeartbeat), From: from, Term: term, Stamp: stamp})
		require.Len(t, answers, 1)
		require.Equal(t, term, answers[0].Term)
		require.Equal(t, promise(&p.cfg), answers[0].Promise)
		return answers[0].Stamp
	}
	require.EqualValues(t, 1000, told(2, 5, 1000))
	require.EqualValues(t, 1000, told(2, 5, 900), "an older one was overtaken")
	require.EqualValues(t, 1100, told(2, 5, 1100))
	require.EqualValues(t, 10, told(3, 6, 10), "another leader, whose clock is behind")

	var answers []*wire.RaftMessage
	n.drop = func(from, _ *peer, m wire.Message) bool {
		if r, ok := m.(*wire.Raft); ok && from == p {
			answers = append(answers, &r.RaftMessage)
		}
		return true
	}
	meta := wire.SnapshotMeta{Index: 10, Term: 7, Conf: wire.ConfState{Voters: ids(1, 2, 3), Newest: 3}}
	state := binary.BigEndian.AppendUint64(make([]byte, 8), 0) // nothing
	p.OnSnapshotChunk(&wire.SnapshotChunk{From: 2, To: p.id, Term: 7, Meta: meta, Last: true, Data: state})
	p.Flush()
	n.run(n.delayMax)
	require.Equal(t, []uint64{10}, p.installed)
	require.Len(t, answers, 1)
	require.Zero(t, answers[0].Stamp, "of a leader that has sent none it tells none")
	require.Zero(t, answers[0].Promise)
}

// TestAnswersCountInTheirTerm: a promise was made to the leader of a term, and an offer of the leadership ends it.
func TestAnswersCountInTheirTerm(t *testing.T) {
	for _, kind := range []pb.MessageType{pb.MsgAppResp, pb.MsgHeartbeatResp} {
		n := newNetwork(t, 1, 3)
		n.settle()
		leader := n.leader()
		other := n.others(leader)[0]
		later := int64(leader.Now() + time.Hour)
		answer := wire.RaftMessage{Type: uint8(kind), From: other.id, Term: leader.Term() - 1, Index: leader.LastIndex(), Stamp: later, Promise: 1000}
		n.hand(leader, answer)
		require.Less(t, leader.lease.acked[other.id].stamp, later)
		answer.Term = leader.Term()
		n.hand(leader, answer)
		require.Equal(t, later, leader.lease.acked[other.id].stamp)
	}
}

// TestAnAnswerFromALaterTerm moves no follower that has a leader; but a leader, which it tells that it leads no more, and whoever knows none.
func TestAnAnswerFromALaterTerm(t *testing.T) {
	for _, kind := range []pb.MessageType{pb.MsgAppResp, pb.MsgHeartbeatResp, pb.MsgVoteResp, pb.MsgPreVoteResp} {
		n := newNetwork(t, 1, 3)
		fresh := n.peers[0]
		n.hand(fresh, wire.RaftMessage{Type: uint8(kind), From: 2, Term: 2, Reject: true})
		require.EqualValues(t, 2, fresh.Term(), "%v: it knows no leader", kind)

		n.settle()
		leader := n.leader()
		follower, term := n.others(leader)[0], leader.Term()
		answer := wire.RaftMessage{Type: uint8(kind), From: n.others(leader)[1].id, Term: term + 1, Reject: true}
		n.hand(follower, answer)
		require.Equal(t, term, follower.Term(), "%v: it has promised something", kind)
		require.Equal(t, leader.id, follower.Leader())
		n.hand(leader, answer)
		require.Equal(t, term+1, leader.Term(), kind)
		require.False(t, leader.IsLeader())
	}
}

// TestALeaseIsOverAtItsEnd, not a nanosecond later.
func TestALeaseIsOverAtItsEnd(t *testing.T) {
	n := newNetwork(t, 1, 3)
	leader := n.leader()
	n.run(timeout)
	leader.cut = true
	n.run(0)
	left := leader.lease.until(leader.id, leader.Now(), leader.Conf()) - leader.Now()
	require.Positive(t, left)
	n.run(left - 1)
	require.True(t, leader.LeaseValid())
	n.run(1)
	require.False(t, leader.LeaseValid())
}

// TestANewTermIsANewLease: who offers the leadership and gets it back has a lease again, and what it was told in the term before is forgotten.
func TestANewTermIsANewLease(t *testing.T) {
	n := newNetwork(t, 1, 3)
	first := n.leader()
	n.run(timeout)
	next, silent := n.others(first)[0], n.others(first)[1]
	require.True(t, first.SpokenSince(silent.id, 1))
	silent.cut = true
	hand := func(from, to *peer) {
		from.Transfer(to.id)
		from.Flush()
		n.until("the other one leads", func() bool { return to.Leads() && !from.IsLeader() })
		n.run(4 * tick)
	}
	hand(first, next)
	hand(next, first)
	require.True(t, first.LeaseValid())
	require.False(t, first.SpokenSince(silent.id, 1))
}

// TestAnOfferThatSomebodyElseAskedFor: raft lets a follower ask its leader for the leadership. There is no lease from the offer on.
func TestAnOfferThatSomebodyElseAskedFor(t *testing.T) {
	n := newNetwork(t, 1, 3)
	leader := n.leader()
	n.run(timeout)
	require.True(t, leader.LeaseValid())
	to := n.others(leader)[0]
	answers := n.hand(leader, wire.RaftMessage{Type: uint8(pb.MsgTransferLeader), From: to.id, Term: leader.Term()})
	require.EqualValues(t, pb.MsgTimeoutNow, answers[0].Type)
	n.run(tick)
	require.True(t, leader.IsLeader(), "it was lost")
	require.False(t, leader.LeaseValid())
	require.False(t, leader.Accepting())
}

// TestWhoHasNoPartIsForgotten: and nobody else.
func TestWhoHasNoPartIsForgotten(t *testing.T) {
	l := lease{acked: map[wire.ReplicaID]ack{}}
	for id := wire.ReplicaID(1); id <= 6; id++ {
		l.acked[id] = ack{stamp: 1}
	}
	l.keep(wire.ConfState{Voters: ids(1, 2), VotersOutgoing: ids(2, 3), Learners: ids(4), LearnersNext: ids(5)})
	for id := wire.ReplicaID(1); id <= 6; id++ {
		require.Equal(t, id < 6, l.acked[id].stamp == 1, "replica %d", id)
	}
}

// TestNoPromiseIsTooLong to be counted with.
func TestNoPromiseIsTooLong(t *testing.T) {
	l := lease{drift: drift}
	for _, promise := range []uint64{longestPromise, longestPromise + 1, math.MaxInt64, math.MaxUint64} {
		require.Equal(t, 24*time.Hour*(1000-drift)/1000, l.lasts(promise))
	}
}

// TestHeartbeatsLeaveTogether: at the ticks that all leaders of a lane share, also of one that has led before.
func TestHeartbeatsLeaveTogether(t *testing.T) {
	for seed := range uint64(8) {
		n := newNetwork(t, seed, 3)
		sent := 0
		n.delayMin, n.delayMax = 0, 0
		n.drop = func(from, _ *peer, m wire.Message) bool {
			if kind(m) == pb.MsgHeartbeat {
				require.Zero(t, (from.ticks+1)%from.cfg.HeartbeatTicks, "seed %d", seed)
				sent++
			}
			return false
		}
		for range 4 {
			leader := n.leader()
			n.run(5 * tick)
			to := n.others(leader)[seed%2]
			leader.Transfer(to.id)
			leader.Flush()
			n.until("the other one leads", to.Leads)
		}
		require.Greater(t, sent, 10)
	}
}

// TestTheLogIsCutSeldom: to half its bound, that it is not done again with the next entry. What is applied is packed meanwhile.
func TestTheLogIsCutSeldom(t *testing.T) {
	const bound, entries, size = 64 << 10, 2000, 100
	n := newNetwork(t, 1, 0)
	p := n.add(1, []wire.ReplicaID{1}, bound)
	n.leader()
	packed := 0
	for i := range entries {
		p.propose(fmt.Sprintf("%0*d", size, i))
		packed = max(packed, p.log.packed())
	}
	cuts := 0
	for _, e := range n.trace.of(trace.Log, 1) {
		if e.A == 0 {
			cuts++
		}
	}
	require.Positive(t, cuts)
	require.LessOrEqual(t, cuts, entries*(size+entryOverhead)/(bound/2))
	require.Greater(t, packed, packAt)
}
