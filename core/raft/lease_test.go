package raft

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/raft/v3/raftpb"
	"pgregory.net/rapid"

	"torc/core/trace"
	"torc/core/wire"
)

// TestLeaseLength: members that are set alike hold a lease for what the promise is worth between two clocks of which one is fast and one slow; but
// for no longer than the cluster says, by a clock that is slow (LeaseMost).
func TestLeaseLength(t *testing.T) {
	for _, c := range []struct {
		tick         time.Duration
		ticks, drift int
		most, length time.Duration
	}{
		{50 * time.Millisecond, 10, 0, 0, 450 * time.Millisecond},
		{50 * time.Millisecond, 10, 50, 0, 407142450}, // 450 ms * 950/1050, in whole microseconds of the promise
		{100 * time.Millisecond, 2, 0, 0, 100 * time.Millisecond},
		{100 * time.Millisecond, 2, 1000, 0, 0}, // clocks that differ without bound: no lease
		{50 * time.Millisecond, 10, 50, 200 * time.Millisecond, 190 * time.Millisecond},
		{50 * time.Millisecond, 10, 50, time.Second, 407142450},
	} {
		l := newLease(&Config{Tick: c.tick, ElectionTicks: c.ticks, ClockDrift: c.drift, LeaseMost: c.most})
		require.Equal(t, c.length, l.most)
	}
}

// TestQuorumUntil: from the newest stamp on that a majority has answered. Replica 1 leads, at 100.
func TestQuorumUntil(t *testing.T) {
	ids := func(ids ...uint64) []uint64 { return ids }
	for _, c := range []struct {
		name             string
		voters, outgoing []uint64
		acked            map[wire.ReplicaID]int64
		stamp            int64 // zero: no lease
	}{
		{"alone", ids(1), nil, nil, 100},
		{"one of two", ids(1, 2), nil, map[wire.ReplicaID]int64{2: 30}, 30},
		{"nobody has answered", ids(1, 2, 3), nil, nil, 0},
		{"one of three others is enough", ids(1, 2, 3), nil, map[wire.ReplicaID]int64{2: 30}, 30},
		{"the newer one counts", ids(1, 2, 3), nil, map[wire.ReplicaID]int64{2: 30, 3: 50}, 50},
		{"three of four", ids(1, 2, 3, 4), nil, map[wire.ReplicaID]int64{2: 30, 3: 50, 4: 40}, 40},
		{"three of five", ids(1, 2, 3, 4, 5), nil, map[wire.ReplicaID]int64{2: 30, 3: 50}, 30},
		{"two of five are too few", ids(1, 2, 3, 4, 5), nil, map[wire.ReplicaID]int64{2: 30}, 0},
		{"a learner does not count", ids(1, 2, 3), nil, map[wire.ReplicaID]int64{9: 90}, 0},
		{"a leader that is no voter does not count itself", ids(2, 3), nil, map[wire.ReplicaID]int64{2: 30, 3: 50}, 30},
		{"both halves of a joint change", ids(1, 2, 3), ids(1, 4, 5), map[wire.ReplicaID]int64{2: 50, 4: 20}, 20},
		{"the other half is the one that counts", ids(1, 4, 5), ids(1, 2, 3), map[wire.ReplicaID]int64{2: 50, 4: 20}, 20},
		{"one half alone is too few", ids(1, 2, 3), ids(1, 4, 5), map[wire.ReplicaID]int64{2: 50}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := lease{most: 7 * time.Microsecond, acked: map[wire.ReplicaID]ack{}}
			for id, stamp := range c.acked {
				l.ack(id, stamp, 9)
				l.ack(id, stamp-1, 9) // an older answer that was overtaken
			}
			want := time.Duration(c.stamp) + l.most
			if c.stamp == 0 {
				want = 0
			}
			require.Equal(t, want, l.until(1, 100, wire.ConfState{Voters: c.voters, VotersOutgoing: c.outgoing}))
			l.void = true
			require.Zero(t, l.until(1, 100, wire.ConfState{Voters: c.voters, VotersOutgoing: c.outgoing}))
		})
	}
}

// TestNoLeaseBeforeTheFirstEntry: a leader's state may lack what its predecessor acknowledged
// until it has applied an entry of its own term.
func TestNoLeaseBeforeTheFirstEntry(t *testing.T) {
	n := newNetwork(t, 1, 3)
	n.drop = func(_, _ *peer, m wire.Message) bool { return kind(m) == pb.MsgAppResp }
	var leader *peer
	n.until("one is elected", func() bool {
		for _, p := range n.peers {
			if p.IsLeader() {
				leader = p
			}
		}
		return leader != nil
	})
	n.run(timeout)
	require.True(t, leader.IsLeader(), "its heartbeats are answered")
	require.False(t, leader.Leads())
	require.False(t, leader.LeaseValid())
	n.drop = nil
	n.until("its first entry", leader.Leads)
	n.run(4 * tick)
	require.True(t, leader.LeaseValid())
}

// TestALeaderHasAppliedAllBeforeItLeads: more is committed with a leader's first entry than raft hands out at a time, and the first part of that is
// no entry of its own term (RoleChanged of the tests' peer looks).
func TestALeaderHasAppliedAllBeforeItLeads(t *testing.T) {
	n := newNetwork(t, 1, 3)
	old := n.leader()
	n.settle()
	for range 4 {
		old.propose(strings.Repeat("x", 3<<20))
	}
	others := n.others(old)
	n.until("an acknowledgement of all", func() bool { return old.Applied() == old.LastIndex() })
	require.Less(t, others[0].Applied(), old.Applied(), "nobody else knows that they are committed")
	require.Less(t, others[1].Applied(), old.Applied())
	old.cut = true
	require.Equal(t, n.acked, n.leader().state.index)
}

// TestTheLeaseRunsFromTheSending: answers are under way for long here, and the lease is counted
// from when what they answer was sent.
func TestTheLeaseRunsFromTheSending(t *testing.T) {
	n := newNetwork(t, 2, 3)
	leader := n.leader()
	n.delayMin, n.delayMax = 100*time.Millisecond, 110*time.Millisecond
	n.run(timeout)   // what travelled faster has arrived
	var newest int64 // of the stamps that were answered
	n.drop = func(_, to *peer, m wire.Message) bool {
		if r, ok := m.(*wire.Raft); ok && to == leader && r.Term == leader.Term() && (kind(m) == pb.MsgAppResp || kind(m) == pb.MsgHeartbeatResp) {
			require.LessOrEqual(t, r.Stamp, int64(leader.Now()-200*time.Millisecond), "there and back")
			newest = max(newest, r.Stamp)
		}
		return false
	}
	n.run(2 * timeout)
	require.NotZero(t, newest)
	length := leader.lease.most
	valid := 0
	for range 2000 {
		want := leader.Now() < time.Duration(newest)+length
		require.Equal(t, want, leader.LeaseValid(), "%v after the sending", leader.Now()-time.Duration(newest))
		if want {
			valid++
		}
		leader.cut = n.now > 3*time.Second
		n.run(time.Millisecond)
	}
	require.Greater(t, valid, 500)
	require.False(t, leader.LeaseValid())
}

// TestNoLeaseAfterAnOffer: TimeoutNow may be delivered at any time later in the term.
func TestNoLeaseAfterAnOffer(t *testing.T) {
	n := newNetwork(t, 3, 3)
	leader := n.leader()
	n.run(timeout)
	require.True(t, leader.LeaseValid())
	to := n.others(leader)[0]
	n.drop = func(_, _ *peer, m wire.Message) bool { return kind(m) == pb.MsgTimeoutNow }
	leader.Transfer(to.id)
	require.False(t, leader.LeaseValid(), "not even before the offer is sent")
	leader.Flush()
	term := leader.Term()
	n.run(4 * timeout)
	require.True(t, leader.Leads(), "it was not taken")
	require.Equal(t, term, leader.Term())
	require.True(t, leader.Accepting())
	require.False(t, leader.LeaseValid())
	answers := 0
	leader.ReadIndex(func(ok bool) {
		require.True(t, ok)
		answers++
	})
	leader.Flush()
	n.run(tick)
	require.Equal(t, 1, answers, "its reads ask a quorum")

	n.drop = nil
	leader.Transfer(to.id)
	leader.Flush()
	n.until("the other one leads", to.Leads)
	n.run(timeout)
	require.True(t, to.LeaseValid(), "a new term, a new lease")
}

// TestAnIsolatedLeaderLosesItsLeaseFirst: before anybody else can be elected.
func TestAnIsolatedLeaderLosesItsLeaseFirst(t *testing.T) {
	for seed := range uint64(20) {
		n := newNetwork(t, seed, 3)
		old := n.leader()
		n.run(timeout)
		require.True(t, old.LeaseValid())
		old.cut = true
		since := n.now
		next := n.leader() // the network checks at every event that no two are valid
		require.Greater(t, n.now-since, timeout-2*tick, "they keep their promise")
		next.propose("new;")
		n.run(tick)
		require.Positive(t, n.acked)
		require.False(t, old.LeaseValid())
		tales := n.trace.of(trace.Lease, wire.NodeID(old.id))
		require.Zero(t, tales[len(tales)-1].A, "the trace says so, too")
	}
}

// TestALeaseLastsForTheShorterPromise: of three members one waits a quarter as long as the others.
func TestALeaseLastsForTheShorterPromise(t *testing.T) {
	for _, c := range []struct {
		name     string
		election []int
		of       int // member whose promise the leader's lease lasts for; 1 leads
	}{
		{"the leader's own is the longest that counts", []int{10, 40, 40}, 1},
		{"one of the others is enough, and this one answers as fast", []int{40, 10, 40}, 3},
		{"both others are quicker to elect", []int{40, 10, 15}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNetworkOf(t, 5, c.election)
			leader := n.leader()
			for leader.id != 1 {
				leader.Transfer(1)
				leader.Flush()
				n.run(4 * timeout)
				leader = n.leader()
			}
			n.run(timeout)
			n.delayMin, n.delayMax = 0, 0
			n.run(timeout)
			leader.cut = true
			since := n.now
			for leader.LeaseValid() {
				n.run(time.Millisecond)
			}
			held := n.now - since
			promised := tick * time.Duration(c.election[c.of-1]-1)
			require.LessOrEqual(t, held, promised)
			require.Greater(t, held, promised*8/10-3*tick, "what clocks may differ by, and since the last heartbeat")
		})
	}
}

// TestAnOldAnswerBreaksNoPromise: a follower had lost its leader and asked for votes, and follows again when the answer comes: somebody has
// gone on to a later term. If it went there, too, it would forget its leader and what it has promised.
//
//  1. The leader is cut off. Both others ask for votes; first's question is on its way for long.
//  2. first says yes to second, who stands in the next term; its votes are lost.
//  3. first hears the leader, and follows it: its answers are a lease.
//  4. second is asked at last, and says no, in the next term.
func TestAnOldAnswerBreaksNoPromise(t *testing.T) {
	tried := 0
	for seed := range uint64(20) {
		n := newNetwork(t, seed, 3)
		n.settle()
		old := n.leader()
		term := old.Term()
		first, second := n.others(old)[0], n.others(old)[1]
		if first.turn() != 0 {
			first, second = second, first
		}
		var question wire.Message
		met, asked := false, false
		n.drop = func(from, to *peer, m wire.Message) bool {
			r, _ := m.(*wire.Raft)
			switch {
			case from == old || to == old:
				return from == second || to == second || !met
			case from == first && kind(m) == pb.MsgPreVote && question == nil:
				question = m
				return true
			case from == second && kind(m) == pb.MsgVote && r.Term == term+1:
				return true
			case from == second && kind(m) == pb.MsgPreVote && r.Term == term+2 && !asked:
				asked, met = true, false // from here on nobody hears the old leader
				second.take(question)
				second.Flush()
				n.after(5*time.Millisecond, func() { n.deliver(from, to, m) })
				return true
			}
			return false
		}
		for i := 0; i < 40 && second.Term() == term; i++ {
			n.run(tick / 2)
		}
		met = question != nil && second.Term() == term+1
		n.run(4 * tick)
		if !old.LeaseValid() || first.Leader() != old.id {
			continue // it has stepped down meanwhile
		}
		tried++
		n.until("second stands again", func() bool { return asked })
		n.run(timeout)
		n.drop = nil
		n.leader()
	}
	require.Positive(t, tried)
}

// TestALeaseIsNeverStale: whatever the delays, the clocks within their drift, the cuts, pauses
// and transfers, and the members' election timeouts, no member has a lease that does not hold all that is acknowledged, or while
// another one leads in a later term (network.check); and every ReadIndex that is answered yes
// sees all that was acknowledged before it was asked.
func TestALeaseIsNeverStale(t *testing.T) {
	leases, reads := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		election := rapid.SliceOfN(rapid.SampledFrom([]int{electionTicks, electionTicks, 2 * electionTicks, 5 * electionTicks}), 2, 5).Draw(t, "election ticks")
		n := newNetworkOf(t, rapid.Uint64().Draw(t, "seed"), election)
		for _, p := range n.peers {
			p.rate = rapid.IntRange(1000-drift, 1000+drift).Draw(t, "clock rate")
		}
		n.leader()
		w := &weather{n: n, t: t}
		for range rapid.IntRange(10, 40).Draw(t, "events") {
			w.event()
			w.read(n.peers[rapid.IntRange(0, len(n.peers)-1).Draw(t, "reader")])
			for range rapid.IntRange(1, 15).Draw(t, "how long") {
				n.run(60 * time.Millisecond)
				for _, p := range n.peers {
					if p.LeaseValid() {
						leases++
					}
				}
			}
		}
		reads += w.yes
	})
	require.Positive(t, leases)
	require.Positive(t, reads)
}

// weather is what befalls a network.
type weather struct {
	n   *network
	t   *rapid.T
	yes int // reads that were released
}

func (w *weather) event() {
	n, t := w.n, w.t
	p := n.peers[rapid.IntRange(0, len(n.peers)-1).Draw(t, "member")]
	leading := func() { p = w.leader(p) }
	switch rapid.SampledFrom([]string{"cut", "cut the leader", "heal", "pause", "pause the leader", "delays", "loss", "write", "write", "transfer"}).Draw(t, "event") {
	case "cut the leader":
		leading()
		p.cut = true
	case "cut":
		p.cut = true
	case "heal":
		for _, q := range n.peers {
			q.cut = false
			q.resume()
		}
	case "pause the leader":
		leading()
		p.paused = true
	case "pause":
		p.paused = true
	case "delays":
		n.delayMin = time.Duration(rapid.IntRange(0, 100).Draw(t, "from ms")) * time.Millisecond
		n.delayMax = n.delayMin + time.Duration(rapid.IntRange(0, 400).Draw(t, "more ms"))*time.Millisecond
	case "loss":
		n.loss, n.double = rapid.IntRange(0, 300).Draw(t, "loss"), rapid.IntRange(0, 300).Draw(t, "doubles")
	case "write":
		leading()
		_ = p.Propose([]byte("w"))
		p.flush()
	case "transfer":
		leading()
		p.Transfer(n.peers[rapid.IntRange(0, len(n.peers)-1).Draw(t, "to")].id)
		p.flush()
	}
}

// leader is who leads in the newest term, if anybody does.
func (w *weather) leader(p *peer) *peer {
	for _, q := range w.n.peers {
		if q.Leads() && (!p.Leads() || q.Term() > p.Term()) {
			p = q
		}
	}
	return p
}

func (w *weather) read(p *peer) {
	acked, answers := w.n.acked, 0
	p.ReadIndex(func(ok bool) {
		if answers++; answers > 1 {
			w.t.Fatalf("a read is answered twice")
		}
		if ok && p.state.index < acked {
			w.t.Fatalf("a read at replica %d sees %d; %d was acknowledged before it was asked", p.id, p.state.index, acked)
		}
		if ok {
			w.yes++
		}
	})
	p.flush()
}

// flush ends the peer's turn, unless it is paused.
func (p *peer) flush() {
	if !p.paused {
		p.Flush()
	}
}
