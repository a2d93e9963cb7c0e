package raft

import (
	"math"
	"slices"

	etcdraft "go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/tracker"

	"torc/core/mutant"
	"torc/core/wire"
)

// A snapshot is as old as its way is long. If the log no longer reaches back to it when it has
// arrived, it was for nothing, and the next one fares no better: under steady writes a large shard
// at a low rate would be copied for ever. So the log is kept from the oldest snapshot under way on,
// and for who has just put one in place until it has caught up.
//
// Memory is bounded before anything else: past keepFactor times the bound (less where the node has no memory for
// that, see BoundLog) the log is cut as ever, and who needed it gets another snapshot.
const (
	keepFactor = 4
	keepTicks  = 200 // for who has a snapshot in place but does not catch up
)

// newcomer is a replica that has just put a snapshot in place.
type newcomer struct {
	id     wire.ReplicaID
	from   uint64 // the snapshot's index: raft may hear of it later than core does
	target uint64 // the newest index when it was in place
	ticks  int
}

// keepAfter is the index after which the log is needed by more than chance.
func (m *Member) keepAfter() uint64 {
	after := uint64(math.MaxUint64)
	if mutant.On(mutant.SnapshotLoop) || m.log.bytes > m.keepMax {
		return after
	}
	need := func(index uint64) {
		if index+1 >= m.log.first { // else it is too late for that one
			after = min(after, index)
		}
	}
	for _, s := range m.ships.out {
		need(s.meta.Index)
	}
	for _, n := range m.ships.newcomers {
		need(max(m.match(n.id), n.from))
	}
	return after
}

// arrived notes that a snapshot is in place.
func (m *Member) arrived(s *shipment) {
	m.ships.newcomers = slices.DeleteFunc(m.ships.newcomers, func(n newcomer) bool { return n.id == s.to })
	m.ships.newcomers = append(m.ships.newcomers, newcomer{id: s.to, from: s.meta.Index, target: m.log.last()})
}

// tickNewcomers forgets who has caught up, or does not.
func (m *Member) tickNewcomers() {
	m.ships.newcomers = slices.DeleteFunc(m.ships.newcomers, func(n newcomer) bool { return m.match(n.id) >= n.target })
	for i := range m.ships.newcomers {
		m.ships.newcomers[i].ticks++
	}
	m.ships.newcomers = slices.DeleteFunc(m.ships.newcomers, func(n newcomer) bool { return n.ticks > keepTicks })
}

// match is the newest index that a replica is known to hold.
func (m *Member) match(id wire.ReplicaID) (index uint64) {
	m.node.WithProgress(func(at uint64, _ etcdraft.ProgressType, pr tracker.Progress) {
		if wire.ReplicaID(at) == id {
			index = pr.Match
		}
	})
	return index
}
