package raft

import (
	"slices"
	"time"

	etcdraft "go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"torc/core/mutant"
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
//  3. With the stamp comes how long that promise is. Nodes may be set differently, at the latest while an
//     operator changes the timeout on one after the other: a leader that takes its own for everybody's
//     reads from memory while a follower with a shorter one has elected another leader.
//  4. Every election needs a majority, which shares a member with any majority behind the lease. The
//     lease is over when as many promises are that those who still keep theirs are no majority with
//     the leader: until then nobody else is elected.
//  5. A follower does not leave its leader for an answer from a later term (unasked).
//
// A promise is told in time that passes at least, by a clock that is right (promise); the leader shortens it by
// what its own clock may be slow (lease.lasts).
//
// A leader that has ever offered its leadership (TimeoutNow overrides 2, and may be delivered
// late) has no lease for the rest of its term; its reads ask a quorum. Ticks missed in a pause
// are never made up for: each would count against 2.
type lease struct {
	drift int           // thousandths that a clock may be wrong by
	most  time.Duration // as long as this member's own promise, or Config.LeaseMost: no promise counts for more
	void  bool          // a transfer was begun in this term
	told  bool          // what the trace believes: held, or not
	acked map[wire.ReplicaID]ack
}

// ack is what a follower has answered last.
type ack struct {
	stamp int64         // the newest of this leader's that it has taken
	until time.Duration // the leader's clock: it elects nobody else before
}

func newLease(cfg *Config) lease {
	l := lease{drift: cfg.ClockDrift, acked: map[wire.ReplicaID]ack{}}
	own := promise(cfg)
	if most := uint64(cfg.LeaseMost.Microseconds()); most > 0 {
		own = min(own, most)
	}
	l.most = l.lasts(own)
	return l
}

// promise is how many microseconds a follower elects nobody else after it has heard from its leader: at
// least, for its clock may be fast.
func promise(cfg *Config) uint64 {
	ticks := cfg.Tick * time.Duration(cfg.ElectionTicks-1)
	return uint64((ticks * 1000 / time.Duration(1000+cfg.ClockDrift)).Microseconds())
}

// longestPromise keeps what anybody may tell from running over.
const longestPromise = uint64(24 * time.Hour / time.Microsecond)

// lasts is how much of a promise a leader may count on by a clock that may be slow.
func (l *lease) lasts(promise uint64) time.Duration {
	return time.Duration(min(promise, longestPromise)) * time.Microsecond * time.Duration(1000-l.drift) / 1000
}

func (l *lease) reset() {
	l.void = false
	clear(l.acked)
}

// ack notes a follower's answer: the newest stamp that it has taken, and what it has promised with that.
func (l *lease) ack(from wire.ReplicaID, stamp int64, promise uint64) {
	if stamp <= l.acked[from].stamp {
		return
	}
	lasts := min(l.most, l.lasts(promise))
	if mutant.On(mutant.LeaseOwnTimeout) {
		lasts = l.most
	}
	l.acked[from] = ack{stamp: stamp, until: time.Duration(stamp) + lasts}
}

// keep forgets who has no part in the group any more: a leader may lead for months, while replicas come and go.
func (l *lease) keep(conf wire.ConfState) {
	for id := range l.acked { // map order: each goes or stays by itself
		if !slices.ContainsFunc([][]uint64{conf.Voters, conf.VotersOutgoing, conf.Learners, conf.LearnersNext}, func(ids []uint64) bool { return slices.Contains(ids, uint64(id)) }) {
			delete(l.acked, id)
		}
	}
}

// unasked reports whether a message is an answer from a later term to a follower, who waits for none. Raft would go to that term and
// forget its leader, and with it the promise:
//
//  1. Two followers lose their leader and ask for votes. The first one's question is on its way for long.
//  2. The first says yes to the second, who stands in the next term, and whose request is lost.
//  3. The first hears the leader again, follows it, and promises.
//  4. The second is asked at last, and says no, in its term. The first goes there, knows no leader, and votes for the second
//     as soon as that one stands again; the leader reads from memory meanwhile.
//
// An answer may also be to what a follower sent when it led itself. Whoever leads a later term says so in other messages; and should the
// leader be gone, the follower asks for votes in due course, knows no leader then, and minds the answers.
func (m *Member) unasked(msg *wire.RaftMessage) bool {
	if mutant.On(mutant.LeaseLateAnswer) {
		return false
	}
	switch pb.MessageType(msg.Type) {
	case pb.MsgAppResp, pb.MsgHeartbeatResp, pb.MsgVoteResp, pb.MsgPreVoteResp:
	default:
		return false
	}
	if msg.Term <= m.term {
		return false
	}
	st := m.stance()
	return msg.Term > st.term && st.role == etcdraft.StateFollower && st.lead != 0
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
	until := l.quorumUntil(self, now, conf.Voters)
	if len(conf.VotersOutgoing) > 0 {
		until = min(until, l.quorumUntil(self, now, conf.VotersOutgoing))
	}
	return until
}

// quorumUntil is the time up to which a majority of voters keeps what it has promised; 0: a majority has
// promised nothing. The leader itself votes for nobody while it leads.
func (l *lease) quorumUntil(self wire.ReplicaID, now time.Duration, voters []uint64) time.Duration {
	var buf [16]time.Duration
	ends := buf[:0]
	for _, id := range voters {
		if wire.ReplicaID(id) == self {
			ends = append(ends, now+l.most)
		} else {
			ends = append(ends, l.acked[wire.ReplicaID(id)].until)
		}
	}
	if len(ends) == 0 {
		return 0
	}
	slices.Sort(ends)
	return ends[(len(ends)-1)/2]
}
