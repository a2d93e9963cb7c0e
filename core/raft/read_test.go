package raft

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/raft/v3/raftpb"

	"torc/core/wire"
)

// ask asks for a read, and returns where its answers will be.
func (p *peer) ask() *[]bool {
	told := &[]bool{}
	p.ReadIndex(func(ok bool) { *told = append(*told, ok) })
	p.Flush()
	return told
}

func TestReadIndexAnywhere(t *testing.T) {
	n := newNetwork(t, 1, 3)
	for _, p := range n.peers {
		require.Equal(t, []bool{false}, *p.ask(), "nobody leads yet")
	}
	leader := n.leader()
	leader.propose("written;")
	n.settle()
	for _, p := range n.peers {
		told := p.ask()
		require.Empty(t, *told, "it takes a round")
		n.run(tick)
		require.Equal(t, []bool{true}, *told)
		require.Empty(t, p.reads.asked)
		require.Empty(t, p.reads.waiting)
	}
	alone := newNetwork(t, 1, 1)
	require.Equal(t, []bool{true}, *alone.leader().ask(), "a majority of one")
}

// TestAFollowerWaitsForWhatWasWrittenBefore: the leader's word is an index; the read waits until
// this member has applied it.
func TestAFollowerWaitsForWhatWasWrittenBefore(t *testing.T) {
	n := newNetwork(t, 2, 3)
	leader := n.leader()
	n.settle()
	follower := n.others(leader)[0]
	n.drop = func(_, to *peer, m wire.Message) bool {
		return to == follower && (kind(m) == pb.MsgApp || kind(m) == pb.MsgHeartbeat)
	}
	leader.propose("written;")
	n.run(20 * time.Millisecond)
	require.Positive(t, n.acked)
	told := follower.ask()
	n.run(tick)
	require.Len(t, follower.reads.waiting, 1, "the index is known")
	require.Empty(t, *told)
	require.Empty(t, follower.texts())
	n.drop = nil
	n.until("an answer", func() bool { return len(*told) > 0 })
	require.Equal(t, []bool{true}, *told)
	require.Equal(t, "written;", follower.texts())
}

// TestANewLeaderDropsReads: at a member that learns of another leader, or of none.
func TestANewLeaderDropsReads(t *testing.T) {
	n := newNetwork(t, 3, 3)
	leader := n.leader()
	n.settle()
	follower := n.others(leader)[0]
	n.drop = func(_, _ *peer, m wire.Message) bool {
		return kind(m) == pb.MsgReadIndex || kind(m) == pb.MsgHeartbeatResp
	}
	told, here := follower.ask(), leader.ask()
	leader.Transfer(n.others(leader)[1].id)
	leader.Flush()
	n.run(3 * tick)
	require.Equal(t, []bool{false}, *told)
	require.Equal(t, []bool{false}, *here)
	require.Empty(t, follower.reads.asked)
}

// TestReadsAreGivenUp: a question that nobody answers is answered no within an election timeout.
func TestReadsAreGivenUp(t *testing.T) {
	for _, c := range []struct {
		name   string
		lost   pb.MessageType
		asker  func(n *network, leader *peer) *peer
		isCut  bool
		within int // ticks
	}{
		{"a follower's question is lost", pb.MsgReadIndex, func(n *network, l *peer) *peer { return n.others(l)[0] }, false, electionTicks + 1},
		{"the leader's answer is lost", pb.MsgReadIndexResp, func(n *network, l *peer) *peer { return n.others(l)[0] }, false, electionTicks + 1},
		{"an isolated follower", -2, func(n *network, l *peer) *peer { return n.others(l)[0] }, true, electionTicks + 1},
		{"an isolated leader", -2, func(_ *network, l *peer) *peer { return l }, true, electionTicks + 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNetwork(t, 4, 3)
			leader := n.leader()
			n.settle()
			p := c.asker(n, leader)
			p.cut = c.isCut
			n.drop = func(_, _ *peer, m wire.Message) bool { return kind(m) == c.lost }
			told, ticks := p.ask(), p.ticks
			n.until("an answer", func() bool { return len(*told) > 0 })
			require.Equal(t, []bool{false}, *told)
			require.LessOrEqual(t, p.ticks-ticks, c.within)
			require.Greater(t, p.ticks-ticks, electionTicks/2)

			n.drop, p.cut = nil, false
			n.leader()
			n.settle()
			again := p.ask()
			n.run(tick)
			require.Equal(t, []bool{true}, *again, "the next one is answered")
			require.Len(t, *told, 1, "nobody is told twice")
		})
	}
}

// TestNoReadBeforeTheFirstEntry: a leader whose state may lack something refuses at once.
func TestNoReadBeforeTheFirstEntry(t *testing.T) {
	n := newNetwork(t, 5, 3)
	n.drop = func(_, _ *peer, m wire.Message) bool { return kind(m) == pb.MsgAppResp }
	for range 100 {
		n.run(tick)
		for _, p := range n.peers {
			if p.IsLeader() {
				require.Equal(t, []bool{false}, *p.ask())
				return
			}
		}
	}
	t.Fatal("nobody was elected")
}
