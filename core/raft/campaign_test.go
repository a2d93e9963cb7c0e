package raft

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/raft/v3/raftpb"

	"torc/core/trace"
	"torc/core/wire"
)

// A leader that vanishes is replaced when one election timeout is over, by whoever's turn it is: not
// after a drawn time between one timeout and two. In a few cases the drawn times come first, and split
// the votes.
func TestOneTimeoutIsEnough(t *testing.T) {
	var pauses []time.Duration
	for seed := range uint64(300) {
		n := newNetwork(t, seed, 3)
		old := n.leader()
		n.run(2*timeout + time.Duration(n.rand.intN(int(2*tick))))
		since := n.now
		old.cut = true
		n.leader()
		pauses = append(pauses, n.now-since)
	}
	slices.Sort(pauses)
	t.Logf("p50 %v, p99 %v, max %v (timeout %v)", pauses[len(pauses)/2], pauses[len(pauses)*99/100], pauses[len(pauses)-1], timeout)
	require.Less(t, pauses[len(pauses)/2], timeout+tick)
	require.Less(t, pauses[len(pauses)*97/100], timeout+4*tick)
}

// Turns are taken in the circle of voters after the leader; nobody else has one.
func TestTurns(t *testing.T) {
	n := newNetwork(t, 1, 3)
	n.leader()
	for leader := wire.ReplicaID(1); leader <= 3; leader++ {
		seen := map[int]bool{}
		for _, p := range n.peers {
			p.lead = leader
			turn := p.turn()
			seen[turn] = true
			if p.id == leader {
				require.Equal(t, -1, turn)
			}
		}
		require.Equal(t, map[int]bool{-1: true, 0: true, 1: true}, seen)
	}
	learner := n.add(9, nil, 1<<20)
	learner.conf.Voters = ids(1, 2, 3)
	for lead := range wire.ReplicaID(4) {
		learner.lead = lead
		require.Equal(t, -1, learner.turn(), "it has no vote")
	}
	n.peers[0].lead = 9
	require.Equal(t, -1, n.peers[0].turn(), "who leads has no vote any more")

	large := newNetwork(t, 1, 5)
	large.leader()
	for _, p := range large.peers {
		require.Equal(t, -1, p.turn(), "of five, luck finds one soon")
	}
}

// TestATurnBeginsATickAfterTheTimeout: most elections are begun so; the others by whom luck has drawn a shorter time.
func TestATurnBeginsATickAfterTheTimeout(t *testing.T) {
	const tried = 40
	for turn := range 2 {
		early, inTurn := 0, 0
		for seed := range uint64(tried) {
			n := newNetwork(t, seed, 3)
			n.settle()
			leader := n.leader()
			i := slices.IndexFunc(n.peers, func(p *peer) bool { return p.turn() == turn })
			p := n.peers[i]
			n.hand(p, wire.RaftMessage{Type: uint8(pb.MsgHeartbeat), From: leader.id, Term: leader.Term()})
			ticks := 0
			for ; p.Leader() != 0; ticks++ {
				p.Tick(ticks)
				p.Flush()
			}
			switch due := electionTicks + 1 + staggerTicks*turn; {
			case ticks == due:
				inTurn++
			case ticks < due:
				early++
			default:
				t.Fatalf("turn %d: only after %d ticks", turn, ticks)
			}
		}
		require.Greater(t, inTurn, early, "turn %d", turn)
	}
}

// Whoever still hears the leader does not stand.
func TestNobodyStandsAgainstALeader(t *testing.T) {
	for seed := range uint64(20) {
		n := newNetwork(t, seed, 3)
		n.leader()
		n.run(timeout)
		from := len(n.trace.of(trace.Role, 1))
		n.run(50 * timeout)
		require.Len(t, n.trace.of(trace.Role, 1), from)
	}
}
