package raft

import (
	"slices"

	etcdraft "go.etcd.io/raft/v3"
)

// staggerTicks is between the turns of two followers that have lost the same leader: room for an
// election, so that they do not split the votes.
const staggerTicks = 2

// tickSilence lets a follower stand for election when its turn has come.
//
// Raft's followers each wait for a time drawn between one election timeout and two. The first draw
// wins, so a failover takes a timeout and a third on average, and nearly two in the tail; and when two
// draws are equal the votes may be split, which costs as much again. But once a timeout is over every
// follower's promise behind the lease is, too (lease.go), and any of them may be elected: which one is
// no matter of luck. So they take turns, in the circle of voters after the leader, beginning a tick
// after the timeout, because ticks of different nodes are up to one apart and whoever still keeps its
// promise does not answer. The drawn times stay, for when the one whose turn it is is gone as well.
//
// The promise itself is kept: the count begins anew with every message of the leader, so with every
// stamp that is taken (Member.step), and whoever is asked for its vote holds to a count of its own.
//
// Groups of more than three do without: of four followers' draws the first comes soon anyway, and a
// turn beside them only makes it likelier that the votes are split (measured with five voters, 200
// elections each: p50 480 ms instead of 528 ms, but p99 1006 ms instead of 806 ms).
func (m *Member) tickSilence() {
	if m.role != etcdraft.StateFollower || m.lead == 0 {
		m.silentTicks = 0
		return
	}
	m.silentTicks++
	turn := m.turn()
	if turn >= 0 && m.silentTicks == m.cfg.ElectionTicks+1+staggerTicks*turn {
		_ = m.node.Campaign() // refused when a change of members is under way: the drawn time will do
	}
}

// turnsMost is the largest group whose members take turns.
const turnsMost = 3

// turn is this member's place in the circle of voters after the leader; -1: it has none.
func (m *Member) turn() int {
	if len(m.conf.Voters) > turnsMost {
		return -1
	}
	own, leader := slices.Index(m.conf.Voters, uint64(m.cfg.Replica)), slices.Index(m.conf.Voters, uint64(m.lead))
	if own < 0 || leader < 0 || own == leader {
		return -1
	}
	n := len(m.conf.Voters)
	return (own-leader+n)%n - 1
}
