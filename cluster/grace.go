package cluster

import (
	"time"

	"torc/core/wire"
)

// A shard that is lost is begun anew after a grace. What the lost group's leader may still do then, if it lives somewhere, cut off, must be over:
// to read from memory under its lease, and to have a client go by what it was promised.
//
//	quorum lost | lease: 1/4 |  promise to a client: 1/2   |        | begun anew
//	            |<------------------- the grace ------------------->|
//
// The naive way is that each node sees to it by its own settings. It fails: who waits is the meta group's leader, and who holds a lease is another
// node, and nodes are set differently, at the latest while an operator changes a setting on one after the other. So the measure is in the
// cluster map, as the cluster was founded: no leader of the meta group waits for less, and no node's lease or promise is for more, however its
// own election timeout or grace is set. The rest is for what clocks may differ by.

const (
	leaseParts = 4 // a lease is for such a part of the grace at most,
	cacheParts = 2 // and what is promised to a client, or to a node that holds a copy, under it for such a part

	graceMost = uint64(365 * 24 * time.Hour / time.Millisecond) // keeps what a map may say from running over
)

// GraceOf is the grace of a cluster, on a node that was started with one of its own.
func GraceOf(m *wire.ClusterMap, own time.Duration) time.Duration { return max(own, measureOf(m, own)) }

// measureOf is what the cluster was founded with; if the map does not say, each node's own counts.
func measureOf(m *wire.ClusterMap, own time.Duration) time.Duration {
	if m == nil || m.Limits.ResetGrace == 0 {
		return own
	}
	return time.Duration(min(m.Limits.ResetGrace, graceMost)) * time.Millisecond
}

func (l *Lane) resetGrace() time.Duration { return GraceOf(l.m, l.cfg.ResetGrace) }

func (l *Lane) leaseMost() time.Duration { return measureOf(l.m, l.cfg.ResetGrace) / leaseParts }

func (l *Lane) promiseMost() time.Duration { return measureOf(l.m, l.cfg.ResetGrace) / cacheParts }

// cacheLease is for how long a client is promised something, and hotLease for how long another node is.
func (l *Lane) cacheLease() time.Duration { return min(l.cfg.CacheLease, l.promiseMost()) }
func (l *Lane) hotLease() time.Duration   { return min(l.cfg.HotLease, l.promiseMost()) }
