package raft

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/raft/v3/raftpb"

	"torc/core/wire"
)

// Whoever answers in time is always recent, also to somebody who looks whenever raft has just begun to count anew who is heard.
func TestWhoAnswersInTimeIsRecentAtEveryMoment(t *testing.T) {
	const ticks = 4
	n := newNetworkOf(t, 8, []int{ticks, ticks, ticks})
	leader := n.leader()
	n.run(timeout)
	term := leader.Term()
	for range 200 {
		n.run(5 * time.Millisecond)
		for _, p := range n.others(leader) {
			require.True(t, leader.Recent(p.id))
		}
	}
	require.Equal(t, term, leader.Term())
}

// Who falls silent is not recent for longer than raft takes to see it.
func TestWhoIsSilentIsNotRecent(t *testing.T) {
	n := newNetwork(t, 8, 3)
	leader := n.leader()
	n.settle()
	silent := n.others(leader)[0]
	silent.cut = true
	n.run(2*timeout + tick)
	require.False(t, leader.Recent(silent.id))
	require.True(t, leader.Recent(n.others(leader)[1].id))
}

// TestWhoLacksMuchIsNotNearlyCaughtUp, nor who answers and holds nothing, of a log however short.
func TestWhoLacksMuchIsNotNearlyCaughtUp(t *testing.T) {
	n := newNetwork(t, 3, 3)
	leader := n.leader()
	n.settle()
	learner := n.add(4, nil, 1<<20)
	require.NoError(t, leader.AddLearner(4))
	leader.Flush()
	lost := func(_, to *peer, m wire.Message) bool {
		_, part := m.(*wire.SnapshotChunk)
		return to == learner && (part || kind(m) == pb.MsgApp)
	}
	n.drop = lost
	n.run(timeout)
	require.True(t, leader.Recent(4))
	require.Less(t, leader.Behind(4), uint64(nearly))
	require.False(t, leader.NearlyCaughtUp(4), "it holds nothing")
	n.drop = nil
	n.settle()
	n.until("it is heard of", func() bool { return leader.NearlyCaughtUp(4) })
	n.drop = lost
	for leader.Behind(4) < nearly {
		leader.propose("more;")
		n.until("it is committed", func() bool { return leader.Applied() == leader.LastIndex() })
	}
	require.True(t, leader.NearlyCaughtUp(4))
	leader.propose("one more;")
	n.run(tick)
	require.True(t, leader.Recent(4))
	require.EqualValues(t, nearly+1, leader.Behind(4))
	require.False(t, leader.NearlyCaughtUp(4))
}

// TestWhoHasSaidNothingIsNotRecent, though the leader's clock may have begun just now.
func TestWhoHasSaidNothingIsNotRecent(t *testing.T) {
	n := newNetwork(t, 3, 3)
	leader := n.leader()
	leader.cfg.Clock = young{leader}
	require.Less(t, leader.cfg.Clock.Now(), timeout)
	require.False(t, leader.Recent(9))
	leader.lease.acked[9] = ack{stamp: 100}
	require.True(t, leader.SpokenSince(9, 100))
	require.False(t, leader.SpokenSince(9, 101))
}

// young is a clock that has begun a moment ago.
type young struct{ *peer }

func (young) Now() time.Duration { return tick }
