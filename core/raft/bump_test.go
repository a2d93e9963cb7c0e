package raft

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/raft/v3/raftpb"

	"torc/core/wire"
)

// quietly lets the network settle and returns the leader and what counts messages of a kind from then on.
func quietly(t *testing.T, prompt bool) (n *network, leader *peer, sent map[pb.MessageType]int) {
	n = newNetwork(t, 11, 3)
	for _, p := range n.peers {
		p.cfg.PromptCommit = prompt
	}
	leader = n.leader()
	n.settle()
	sent = map[pb.MessageType]int{}
	n.drop = func(_, _ *peer, m wire.Message) bool { sent[kind(m)]++; return false }
	return n, leader, sent
}

// betweenHeartbeats waits until a heartbeat and its answers are over.
func betweenHeartbeats(n *network, sent map[pb.MessageType]int) {
	clear(sent)
	n.until("a heartbeat", func() bool { return sent[pb.MsgHeartbeatResp] >= 2 })
	n.run(10 * time.Millisecond)
	clear(sent)
}

// A write costs an append and an answer for each follower. That it is committed is told by the next
// heartbeat, or at once where somebody waits for it.
func TestAWriteIsTwoMessagesAFollower(t *testing.T) {
	for _, prompt := range []bool{false, true} {
		n, leader, sent := quietly(t, prompt)
		betweenHeartbeats(n, sent)
		leader.propose("a write")
		n.run(20 * time.Millisecond)
		require.Zero(t, sent[pb.MsgHeartbeat], "this ends before the next heartbeat")
		require.Equal(t, leader.LastIndex(), leader.Applied())
		for _, p := range n.others(leader) {
			require.Equal(t, leader.LastIndex(), p.LastIndex())
			require.Equal(t, prompt, p.Applied() == leader.Applied(), "replica %d knows that it is committed", p.id)
		}
		if !prompt {
			require.Equal(t, map[pb.MessageType]int{pb.MsgApp: 2, pb.MsgAppResp: 2}, sent)
		}
		n.run(3 * tick)
		for _, p := range n.others(leader) {
			require.Equal(t, leader.Applied(), p.Applied(), "replica %d has had a heartbeat", p.id)
		}
	}
}

// The next write tells that the one before is committed.
func TestTheNextWriteTellsOfTheOneBefore(t *testing.T) {
	n, leader, sent := quietly(t, false)
	betweenHeartbeats(n, sent)
	leader.propose("one")
	n.run(20 * time.Millisecond)
	one := leader.Applied()
	leader.propose("two")
	n.run(20 * time.Millisecond)
	require.Zero(t, sent[pb.MsgHeartbeat])
	for _, p := range n.others(leader) {
		require.Equal(t, one, p.Applied())
	}
}

// An append that is lost, the last one for a while, is found missing at the next heartbeat: by an append
// without entries that is no mere bump.
func TestALostAppendIsFoundByAHeartbeat(t *testing.T) {
	n, leader, sent := quietly(t, false)
	betweenHeartbeats(n, sent)
	n.drop = func(_, _ *peer, m wire.Message) bool { return kind(m) == pb.MsgApp }
	leader.propose("lost to both")
	n.run(time.Millisecond * 10)
	n.drop = nil
	n.run(8 * tick)
	for _, p := range n.peers {
		require.Equal(t, leader.LastIndex(), p.Applied())
	}
}
