package sim

import (
	"time"

	"torc/core/session"
)

// What core/session promises of a client's retries: a first burst, ten a second, and a tenth of the
// load; one that settles the matter costs nothing. Whoever retries more makes an outage worse.
const (
	retryBurst = 100
	retryDrip  = 100 * time.Millisecond
)

// And of its breakers: each opens for longer from time to time, up to tripEvery, unless the node has
// answered for long. A breaker that opens more often flaps.
const (
	tripsAtOnce = 4
	tripEvery   = 2 * time.Second
)

// A fault, a restart among them, may cost a shard a replica: a new one, the roles that follow, and
// the way back. Each is a map and may be a copy. What comes on top of that is the cluster's own doing.
const (
	changesAtOnce   = 4
	changesPerFault = 4 // per shard
)

// copiesEach is how many snapshots of each group a fault or a map may cost. (An honest cluster took at most .11 in the 109 of 200 swarm
// runs where the log is long enough to ask.)
const copiesEach = 1

// logLong is how much log a leader must keep to have no excuse for copies: a shorter one may be cut
// before an honest follower has seen it.
const logLong = 64 << 10

// judgeQuality holds the run to these bounds.
func (w *World) judgeQuality() {
	for _, c := range w.clients {
		if c.brain != nil {
			w.judgeRetries(c.index, c.asks, c.brain.Stats())
		}
	}
	faults, epochs := w.faults.count(), w.watch.ring.newest()
	if bound := w.changesAllowed(faults); epochs > bound {
		w.violate(OracleRing, "the map was changed %d times for %d faults (%d allowed): replicas are moved for nothing", epochs, faults, bound)
	}
	if bound := changesAtOnce + (faults+epochs)*copiesEach*uint64(w.settings.Shards+1); w.watch.copies > bound && w.settings.LogBytes >= logLong {
		w.violate(OracleQuality, "shards were copied %d times for %d faults and %d maps (%d allowed)", w.watch.copies, faults, epochs, bound)
	}
}

func (w *World) judgeRetries(client int, operations uint64, s session.Stats) {
	if bound := retriesAllowed(operations, time.Duration(w.now)); s.Retries > bound {
		w.violate(OracleQuality, "client %d retried %d times for %d operations in %v (%d allowed)",
			client, s.Retries, operations, time.Duration(w.now), bound)
	}
	if s.HedgesWon > 0 {
		w.reached(branchHedgeWon)
	}
	if bound := hedgesAllowed(operations); s.Hedges > bound {
		w.violate(OracleQuality, "client %d hedged %d times for %d operations (%d allowed)", client, s.Hedges, operations, bound)
	}
	if bound := tripsAllowed(len(w.nodes), time.Duration(w.now)); s.Trips > bound {
		w.violate(OracleQuality, "the breakers of client %d opened %d times in %v (%d allowed)", client, s.Trips, time.Duration(w.now), bound)
	}
}

func retriesAllowed(operations uint64, d time.Duration) uint64 {
	return retryBurst + uint64(d/retryDrip) + operations + operations/10
}

// hedgesAllowed is a tenth of the reads. Those that a new cluster made the client ask again count anew, so there are a few more.
func hedgesAllowed(operations uint64) uint64 { return 10 + operations/10 }

func tripsAllowed(nodes int, d time.Duration) uint64 {
	return uint64(nodes) * (tripsAtOnce + uint64(d/tripEvery))
}

func (w *World) changesAllowed(faults uint64) uint64 {
	return changesAtOnce + faults*changesPerFault*uint64(w.settings.Shards+1)
}

// count is how many faults there were: a rack's crash is one for each of its nodes, and so is what
// besets a node outside of the core.
func (f *nemesis) count() (n uint64) {
	for _, s := range f.made {
		if rack, ok := s.Fault.(Rack); ok {
			n += uint64(len(rack.Targets))
			continue
		}
		n++
	}
	return n + f.beset
}
