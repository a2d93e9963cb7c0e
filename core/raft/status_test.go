package raft

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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
