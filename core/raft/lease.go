package raft

import (
	"slices"
	"time"

	etcdraft "go.etcd.io/raft/v3"

	"torc/core/trace"
	"torc/core/wire"
)

// The lease is the leader's right to answer reads from memory.
//
// The naive way is to count from the moment a quorum's answers arrive. It fails: an answer may
// have been under way for long, while its sender's promise was running out. So:
//
//  1. The leader stamps every append and heartbeat with its clock when it SENDS it.
//  2. A follower that takes such a message starts its election timer anew: with CheckQuorum and
//     PreVote it neither stands nor votes for another for ElectionTicks ticks (at least
//     ElectionTicks-1 whole tick lengths, as the first tick may come at once). With every
//     answer it sends back the newest stamp it has taken from this leader in this term.
//  3. Every election needs a majority, which shares a member with the majority behind the lease.
//     So from the quorum's stamp on nobody else is elected for (ElectionTicks-1) ticks by the
//     followers' clocks, which is at least length by the leader's own.
//
// A leader that has ever offered its leadership (TimeoutNow overrides 2, and may be delivered
// late) has no lease for the rest of its term; its reads ask a quorum. Ticks missed in a pause
// are never made up for: each would count against 2.
type lease struct {
	length time.Duration
	void   bool // a transfer was begun in this term
	told   bool // what the trace believes: held, or not
	acked  map[wire.ReplicaID]int64
}

// leaseLength is the promise of followers, measured on a leader's clock that may run slower
// than theirs by driftPerMille.
func leaseLength(tick time.Duration, electionTicks, driftPerMille int) time.Duration {
	promise := tick * time.Duration(electionTicks-1)
	return promise * time.Duration(1000-driftPerMille) / time.Duration(1000+driftPerMille)
}

func (l *lease) reset() {
	l.void = false
	clear(l.acked)
}

func (l *lease) ack(from wire.ReplicaID, stamp int64) {
	if stamp > l.acked[from] {
		l.acked[from] = stamp
	}
}

// tellLease tells the trace of a lease gained or lost since the last tick. A lease ends by itself, at
// no event, so the trace is right to a tick; reads ask LeaseValid.
func (m *Member) tellLease() {
	if m.cfg.Trace == nil {
		return
	}
	if held := m.role == etcdraft.StateLeader && m.LeaseValid(); held != m.lease.told {
		m.lease.told = held
		e := trace.Event{Kind: trace.Lease, Term: m.term}
		if held {
			e.A = 1
		}
		m.emit(e)
	}
}

// until returns the end of the lease on the leader's clock.
func (l *lease) until(self wire.ReplicaID, now time.Duration, conf wire.ConfState) time.Duration {
	if l.void {
		return 0
	}
	stamp := l.quorumStamp(self, now, conf.Voters)
	if len(conf.VotersOutgoing) > 0 {
		stamp = min(stamp, l.quorumStamp(self, now, conf.VotersOutgoing))
	}
	if stamp == 0 {
		return 0
	}
	return time.Duration(stamp) + l.length
}

// quorumStamp is the newest stamp that a majority of voters has answered.
func (l *lease) quorumStamp(self wire.ReplicaID, now time.Duration, voters []uint64) int64 {
	var buf [16]int64
	stamps := buf[:0]
	for _, id := range voters {
		if wire.ReplicaID(id) == self {
			stamps = append(stamps, int64(now))
		} else {
			stamps = append(stamps, l.acked[wire.ReplicaID(id)])
		}
	}
	if len(stamps) == 0 {
		return 0
	}
	slices.Sort(stamps)
	return stamps[(len(stamps)-1)/2]
}
