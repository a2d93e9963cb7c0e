package raft

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// underLoad lets a learner take in a snapshot of 2.5 MiB at a chunk every four ticks while one entry
// of this size is written every tick, and reports how many snapshots that took and the longest log.
// The log's bound is 100 KiB.
func underLoad(t *testing.T, size int) (snapshots int, longest int64) {
	n, leader, learner := behind(t, 7, 40)
	s := &stingy{}
	leader.cfg.Pace = s
	for i := 0; i < 400 && (len(learner.installed) == 0 || learner.Applied()+5 < leader.Applied()); i++ {
		s.open = i%4 == 0
		leader.propose(string(bytes.Repeat([]byte{'w'}, size)))
		n.run(tick)
		longest = max(longest, leader.LogBytes())
	}
	n.t.Helper()
	require.Equal(t, s.begun, len(leader.taken))
	n.run(2 * keepTicks * tick)
	leader.propose("a little;")
	n.run(tick)
	require.Empty(t, leader.ships.newcomers)
	return len(leader.taken), longest
}

// A snapshot's way is longer than the log: what is written meanwhile would be cut off from it before
// it has arrived, and the next one would fare no better.
func TestTheLogIsKeptForASnapshotUnderWay(t *testing.T) {
	snapshots, longest := underLoad(t, 6<<10)
	require.Equal(t, 1, snapshots, "one is enough")
	require.Greater(t, longest, int64(200<<10), "what was written while it was under way")
	require.LessOrEqual(t, longest, int64(keepFactor*100<<10)+7<<10)
}

// Memory comes first: with more writes than may be kept the log is cut, and another snapshot is due.
func TestNoMoreIsKeptThanTheBound(t *testing.T) {
	snapshots, longest := underLoad(t, 30<<10)
	require.Greater(t, snapshots, 1)
	require.LessOrEqual(t, longest, int64(keepFactor*100<<10)+31<<10)
}
