package raft

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/raft/v3/raftpb"

	"torc/core/trace"
	"torc/core/wire"
)

// TestASlowReceiverIsNotGivenUp: one part arrives each time that the window is sent again, so all of it takes longer than a receiver may
// be silent.
func TestASlowReceiverIsNotGivenUp(t *testing.T) {
	n, leader, learner := behind(t, 3, 40)
	last := n.now
	n.drop = func(_, to *peer, m wire.Message) bool {
		c, ok := m.(*wire.SnapshotChunk)
		if !ok {
			return false
		}
		if c.Seq > 0 && (c.Seq != to.ships.in.next || n.now-last < (stallTicks-1)*tick) {
			return true
		}
		last = n.now
		return false
	}
	begun := n.now
	n.until("it is all there", func() bool { return len(learner.installed) == 1 })
	require.Greater(t, n.now-begun, (stallsMax+2)*stallTicks*tick)
	for _, e := range n.trace.of(trace.Snapshot, wire.NodeID(leader.id)) {
		require.Zero(t, e.A, "it was parked")
	}
}

// TestWhatGetsNoFurtherIsBegunAnew: a part never arrives, though its receiver does. After the second time the copy is given up.
func TestWhatGetsNoFurtherIsBegunAnew(t *testing.T) {
	n, leader, learner := behind(t, 2, 40)
	n.drop = func(_, _ *peer, m wire.Message) bool {
		c, ok := m.(*wire.SnapshotChunk)
		return ok && c.Seq > 1
	}
	n.until("it is begun", func() bool { return len(leader.taken) == 1 })
	n.run((stallsMax + 3) * stallTicks * tick)
	require.Len(t, leader.taken, 1, "once it is gone on with")
	n.run((stallsMax + 3) * stallTicks * tick)
	require.Len(t, leader.taken, 2)
	require.Equal(t, 1, leader.open)
	n.drop = nil
	n.until("it has it all", func() bool { return learner.Applied() == leader.Applied() })
}

// TestAnAnswerIsItsSendersOwn: two are sent the same state, and one of them hears nothing.
func TestAnAnswerIsItsSendersOwn(t *testing.T) {
	n, leader, learner := behind(t, 3, 10)
	learner.cut = true
	n.add(5, nil, 1<<20).cut = true
	n.until("the first is a learner", func() bool { return len(leader.Conf().Learners) == 1 })
	require.NoError(t, leader.AddLearner(5))
	leader.Flush()
	n.until("both are", func() bool { return len(leader.Conf().Learners) == 2 })
	deaf := wire.ReplicaID(0)
	n.drop = func(_, to *peer, m wire.Message) bool {
		_, ok := m.(*wire.SnapshotChunk)
		return ok && (deaf == 0 || to.id == deaf)
	}
	learner.cut, n.peer(5).cut = false, false
	n.until("both are sent it", func() bool { return len(leader.ships.out) == 2 })
	first := leader.ships.out[0]
	require.Equal(t, first.meta.Index, leader.ships.out[1].meta.Index)
	deaf = first.to
	other := n.peer(leader.ships.out[1].to)
	n.until("the other one has it", func() bool { return len(other.installed) == 1 })
	n.run(tick)
	require.Equal(t, []*shipment{first}, leader.ships.out)
	require.Zero(t, first.window[0].Seq, "nothing is acknowledged")
}

// begun is a learner to whom a copy has begun to come, and the copy's first part; no other one comes.
func begun(t *testing.T) (n *network, learner *peer, part *wire.SnapshotChunk) {
	n, _, learner = behind(t, 3, 40)
	n.drop = func(_, _ *peer, m wire.Message) bool {
		c, ok := m.(*wire.SnapshotChunk)
		if ok && c.Seq == 0 {
			part = c
		}
		return ok && c.Seq > 0
	}
	n.until("it begins to come", func() bool { return learner.ships.in != nil })
	return n, learner, part
}

// TestACopyThatComesSlowlyIsKept: it takes longer in all than a sender that says nothing is waited for.
func TestACopyThatComesSlowlyIsKept(t *testing.T) {
	n, learner, part := begun(t)
	learner.cut = true
	in := learner.ships.in
	for range 4 {
		n.run(parkTicks * tick)
		learner.take(part)
	}
	require.Same(t, in, learner.ships.in)
}

// TestACopyReplacesTheOneBefore: the sender has begun another one, of a newer state. Of the first nothing is kept.
func TestACopyReplacesTheOneBefore(t *testing.T) {
	_, learner, part := begun(t)
	newer := *part
	newer.Meta.Index++
	learner.take(&newer)
	require.Equal(t, newer.Meta.Index, learner.ships.in.meta.Index)
	require.Equal(t, 1, learner.open)
}

// TestACopyOfWhatIsInTheLog: raft had the entry at which the copy is exact, and takes no more from that than that it is committed. The copy
// must not stay in the way of the next one.
func TestACopyOfWhatIsInTheLog(t *testing.T) {
	n := newNetwork(t, 6, 3)
	leader := n.leader()
	n.settle()
	p := n.others(leader)[0]
	last := p.LastIndex()
	p.Step(&wire.RaftMessage{Type: uint8(pb.MsgApp), To: p.id, From: leader.id, Term: p.Term(), LogTerm: p.Term(), Index: last, Commit: last,
		Entries: []wire.Entry{{Term: p.Term(), Index: last + 1, Data: []byte("write;")}}})
	p.Flush()
	require.Equal(t, last, p.Applied())
	p.take(&wire.SnapshotChunk{Shard: 1, From: leader.id, To: p.id, Term: p.Term(), Last: true, Data: make([]byte, 16),
		Meta: wire.SnapshotMeta{Index: last + 1, Term: p.Term(), Conf: p.Conf()}})
	p.Flush()
	require.Equal(t, last+1, p.Applied())
	require.Empty(t, p.installed)
	require.Nil(t, p.ships.in)
	require.Zero(t, p.open)
}

// TestWhoIsClosedReleasesItsReads: nobody would tick them any more.
func TestWhoIsClosedReleasesItsReads(t *testing.T) {
	n := newNetwork(t, 6, 3)
	leader := n.leader()
	leader.cut = true
	var told []bool
	leader.ReadIndex(func(ok bool) { told = append(told, ok) })
	leader.Flush()
	require.Empty(t, told)
	leader.Close()
	require.Equal(t, []bool{false}, told)
}

// TestWhoIsClosedReleasesReadsThatKnowTheirIndex, too: it applies nothing more.
func TestWhoIsClosedReleasesReadsThatKnowTheirIndex(t *testing.T) {
	n := newNetwork(t, 2, 3)
	leader := n.leader()
	n.settle()
	follower := n.others(leader)[0]
	n.drop = func(_, to *peer, m wire.Message) bool {
		return to == follower && (kind(m) == pb.MsgApp || kind(m) == pb.MsgHeartbeat)
	}
	leader.propose("written;")
	n.run(20 * time.Millisecond)
	told := follower.ask()
	n.run(tick)
	require.Len(t, follower.reads.waiting, 1, "the index is known")
	require.Empty(t, *told)
	follower.Close()
	require.Equal(t, []bool{false}, *told)
}
