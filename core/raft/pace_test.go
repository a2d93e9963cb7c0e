package raft

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// stingy lets one part pass at a time, when the test says so, and refuses a few beginnings.
type stingy struct {
	refuse, begun, ended, parts int
	open                        bool
	generous                    bool // it stays open
}

func (s *stingy) Begin() bool {
	if s.refuse > 0 {
		s.refuse--
		return false
	}
	s.begun++
	return true
}
func (s *stingy) End()      { s.ended++ }
func (s *stingy) May() bool { return s.open }
func (s *stingy) Spend(bytes int) {
	s.open = s.generous
	s.parts++
}

// A snapshot that is held up by the pace is not given up as if its receiver were silent, one that finds
// no place is asked for again, and every place is given back.
func TestThePaceHoldsSnapshotsUp(t *testing.T) {
	n, leader, learner := behind(t, 5, 20)
	s := &stingy{refuse: 3}
	leader.cfg.Pace = s
	n.until("it begins", func() bool { return s.begun == 1 })
	require.Zero(t, s.refuse)
	n.run(10 * stallTicks * stallsMax * tick)
	require.Zero(t, s.parts, "not a part without leave")
	require.Len(t, leader.ships.out, 1, "it waits")
	for part := 1; part <= 6; part++ {
		require.Empty(t, learner.installed)
		s.open = true
		n.run(3 * tick)
		require.Equal(t, part, s.parts)
	}
	n.settle()
	require.Len(t, learner.installed, 1, "20 entries of 64 KiB in parts of 256")
	require.Equal(t, leader.state.state, learner.state.state)
	require.Equal(t, s.begun, s.ended)
}

// Who ceases to lead, or to be, gives its places back.
func TestPlacesAreGivenBack(t *testing.T) {
	for _, end := range []func(n *network, leader *peer){
		func(_ *network, leader *peer) { leader.Close() },
		func(n *network, leader *peer) { leader.cut = true; n.run(4 * timeout) },
	} {
		n, leader, _ := behind(t, 6, 20)
		s := &stingy{}
		leader.cfg.Pace = s
		n.until("it begins", func() bool { return s.begun == 1 })
		end(n, leader)
		require.Equal(t, 1, s.ended)
		require.Empty(t, leader.ships.out)
	}
}
