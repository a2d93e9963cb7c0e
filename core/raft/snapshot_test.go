package raft

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/raft/v3/raftpb"
	"pgregory.net/rapid"

	"torc/core/wire"
)

// behind makes a group with a state of several chunks and a log too short to hold it, and a
// learner that is about to get it as a snapshot.
func behind(t failer, seed uint64, entries int) (n *network, leader, learner *peer) {
	n = newNetwork(t, seed, 0)
	voters := []wire.ReplicaID{1, 2, 3}
	for _, id := range voters {
		n.add(id, voters, 100<<10)
	}
	leader = n.leader()
	for i := range entries {
		leader.propose(string(bytes.Repeat([]byte{byte(i)}, 64<<10)))
		n.run(5 * time.Millisecond)
	}
	n.settle()
	learner = n.add(4, nil, 100<<10)
	if err := leader.AddLearner(4); err != nil {
		t.Fatalf("add the learner: %v", err)
	}
	leader.Flush()
	return n, leader, learner
}

func TestASnapshotTravelsInChunks(t *testing.T) {
	n, leader, learner := behind(t, 1, 40)
	window, newest, most := 0, map[uint64]bool{}, 0
	n.drop = func(_, _ *peer, m wire.Message) bool {
		switch m := m.(type) {
		case *wire.SnapshotChunk:
			require.LessOrEqual(t, len(m.Data), chunkBytes)
			newest[m.Seq] = true
			require.NotEmpty(t, leader.ships.out)
			window = len(leader.ships.out[0].window)
			most = max(most, window)
		}
		return false
	}
	n.settle()
	require.Equal(t, windowChunks, most, "no more are in flight")
	require.Len(t, newest, 11, "40 entries of 64 KiB, and a little")
	require.Len(t, learner.installed, 1)
	require.Equal(t, leader.taken, learner.installed)
	require.Equal(t, leader.state.state, learner.state.state)
	n.run(timeout)
	require.Empty(t, leader.ships.out, "nothing is kept")
	require.Nil(t, learner.ships.in)
	require.Equal(t, leader.Conf(), learner.Conf())
}

// TestASnapshotIsExact: chunks are lost, doubled and overtaken while writes go on. What is put in
// place is the state at the snapshot's index (restorer.Install checks it), and the log goes on
// from there.
func TestASnapshotIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, leader, learner := behind(t, rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 12).Draw(t, "entries"))
		n.loss, n.double = rapid.IntRange(0, 300).Draw(t, "loss"), rapid.IntRange(0, 300).Draw(t, "doubles")
		n.delayMin = 0
		n.delayMax = time.Duration(rapid.IntRange(1, 150).Draw(t, "delay ms")) * time.Millisecond
		for i := range rapid.IntRange(0, 30).Draw(t, "writes") {
			if leader.IsLeader() {
				_ = leader.Propose(fmt.Appendf(nil, "write %d;", i))
				leader.Flush()
			}
			if rapid.IntRange(0, 9).Draw(t, "pause") == 0 {
				learner.paused = !learner.paused
			}
			n.run(time.Duration(rapid.IntRange(1, 200).Draw(t, "ms")) * time.Millisecond)
		}
		n.loss, n.double, n.delayMax = 0, 0, time.Millisecond
		learner.resume()
		n.settle()
		require.NotEmpty(t, learner.installed)
		require.Equal(t, n.leader().state.state, learner.state.state)
		n.run(((stallsMax+2)*stallTicks + parkTicks) * tick) // the last answer may have been lost
		for _, p := range n.peers {
			require.Empty(t, p.ships.out, "nothing is kept")
			p.Close()
			require.Zero(t, p.open, "nor anything of it open")
		}
	})
}

// TestASilentReceiverIsGivenUp: its snapshot is not kept for ever, and it gets another one when it
// is back.
func TestASilentReceiverIsGivenUp(t *testing.T) {
	n, leader, learner := behind(t, 2, 40)
	chunks := 0
	n.drop = func(_, _ *peer, m wire.Message) bool {
		if c, ok := m.(*wire.SnapshotChunk); ok {
			chunks++
			return c.Seq > 1
		}
		return false
	}
	n.until("it begins", func() bool { return chunks > 0 })
	learner.cut = true
	n.run((stallsMax + 3) * stallTicks * tick)
	require.Len(t, leader.ships.out, 1)
	require.True(t, leader.ships.out[0].parked, "it may be back soon")
	n.run(parkTicks * tick)
	require.Empty(t, leader.ships.out)
	require.Empty(t, learner.installed)
	leader.propose("meanwhile;")
	learner.cut, n.drop = false, nil
	n.settle()
	require.Equal(t, leader.state.state, learner.state.state)
}

// TestASnapshotGoesOn: a receiver that is back after long goes on where it was, with the same snapshot, though there
// were writes; but not when the log does not reach back to it any more.
func TestASnapshotGoesOn(t *testing.T) {
	for _, writes := range []int{3, 12} {
		n, leader, learner := behind(t, 4, 40)
		firsts := 0
		n.drop = func(_, _ *peer, m wire.Message) bool {
			if c, ok := m.(*wire.SnapshotChunk); ok {
				if c.Seq == 0 {
					firsts++
				}
			}
			return false
		}
		n.until("half of it has come", func() bool { return learner.ships.in != nil && learner.ships.in.next >= 5 })
		learner.cut = true
		n.run((stallsMax + 3) * stallTicks * tick)
		require.True(t, leader.ships.out[0].parked)
		for range writes {
			leader.propose(string(bytes.Repeat([]byte{'w'}, 60<<10)))
			n.run(tick)
		}
		firsts = 0
		learner.cut = false
		n.settle()
		n.until("it has it all", func() bool { return learner.Applied() == leader.Applied() })
		require.Equal(t, leader.state.state, learner.state.state)
		if writes == 3 {
			require.Zero(t, firsts, "it was begun anew")
			require.Len(t, leader.taken, 1)
			require.Len(t, learner.installed, 1)
		} else {
			require.Positive(t, firsts, "of no use any more, and gone on with")
		}
		n.run(((stallsMax+2)*stallTicks + parkTicks) * tick)
		require.Empty(t, leader.ships.out)
	}
}

// TestAParkedSnapshotWaitsForAPlace: when its receiver is back while the places are taken by others, it stays as it is, and goes on when one is
// free.
func TestAParkedSnapshotWaitsForAPlace(t *testing.T) {
	n, leader, learner := behind(t, 4, 40)
	s := &stingy{open: true, generous: true}
	leader.cfg.Pace = s
	n.until("half of it has come", func() bool { return learner.ships.in != nil && learner.ships.in.next >= 5 })
	learner.cut = true
	n.run((stallsMax + 3) * stallTicks * tick)
	require.True(t, leader.ships.out[0].parked)
	s.refuse = 5
	learner.cut = false
	firsts := 0
	n.drop = func(_, _ *peer, m wire.Message) bool {
		if c, ok := m.(*wire.SnapshotChunk); ok && c.Seq == 0 {
			firsts++
		}
		return false
	}
	n.until("all places were taken", func() bool { return s.refuse == 0 })
	n.until("it has it all", func() bool { return learner.Applied() == leader.Applied() })
	require.Zero(t, firsts, "it was begun anew")
	require.Len(t, leader.taken, 1)
	n.run(((stallsMax+2)*stallTicks + parkTicks) * tick)
	require.Empty(t, leader.ships.out)
	require.Equal(t, s.begun, s.ended)
}

// TestAnotherLeaderBeginsAnew: half a snapshot of a leader that is gone is no use.
func TestAnotherLeaderBeginsAnew(t *testing.T) {
	n, leader, learner := behind(t, 3, 40)
	n.drop = func(_, _ *peer, m wire.Message) bool {
		c, ok := m.(*wire.SnapshotChunk)
		return ok && c.From == leader.id && c.Seq >= 3
	}
	n.until("half of it has come", func() bool { return learner.ships.in != nil && learner.ships.in.next == 3 })
	n.settled("all but the learner", learner)
	leader.cut = true
	next := n.leader()
	n.until("the old one gives up", func() bool { return !leader.IsLeader() })
	require.Empty(t, leader.ships.out, "who no longer leads ships nothing")
	next.propose("by another one;")
	n.until("it has it all", func() bool { return learner.Applied() == next.Applied() })
	require.Equal(t, next.state.state, learner.state.state)
	leader.cut = false
	n.settle()
}

// settled waits until all but one hold the same.
func (n *network) settled(what string, but *peer) {
	n.t.Helper()
	n.until(what, func() bool {
		for _, p := range n.others(but) {
			if p.Applied() != n.leader().LastIndex() {
				return false
			}
		}
		return true
	})
}

// TestABrokenSnapshotIsRefused: the receiver says so, and the sender stops.
func TestABrokenSnapshotIsRefused(t *testing.T) {
	n, leader, learner := behind(t, 4, 2)
	broken, refused := 0, 0
	n.drop = func(_, to *peer, m wire.Message) bool {
		if a, ok := m.(*wire.SnapshotAck); ok && a.Reject {
			refused++
		}
		c, ok := m.(*wire.SnapshotChunk)
		if !ok || broken > 0 {
			return false
		}
		broken++
		short := *c
		short.Data, short.Last = nil, true
		to.take(&short)
		require.Nil(t, to.ships.in)
		return true
	}
	n.until("the refusal", func() bool { return broken > 0 && len(leader.ships.out) == 0 })
	require.Equal(t, 1, refused)
	n.settle()
	require.Equal(t, leader.state.state, learner.state.state)
}

// TestTwoSnapshotsInOneTurn: the end of one snapshot and the beginning of the next arrive
// together (the sender had given the first up). The finished one is put in place.
func TestTwoSnapshotsInOneTurn(t *testing.T) {
	n, leader, learner := behind(t, 5, 2)
	var first, second *wire.SnapshotChunk
	n.drop = func(_, _ *peer, m wire.Message) bool {
		switch c, ok := m.(*wire.SnapshotChunk); {
		case !ok:
			return false
		case first != nil && c.Meta.Index > first.Meta.Index:
			second = c
			return true
		case c.Last:
			first = c
			return true
		}
		return false
	}
	n.until("all but the end of a snapshot has come", func() bool { return first != nil })
	leader.propose("in between;")
	n.until("another one", func() bool { return second != nil })
	require.Zero(t, second.Seq)

	learner.take(first)
	learner.take(second)
	learner.Flush()
	require.Equal(t, []uint64{first.Meta.Index}, learner.installed)
	n.drop = nil
	n.settle()
	require.Equal(t, leader.state.state, learner.state.state)
}

// TestClosedInTheSameTurn: a member is given up in the turn in which its snapshot was complete, and another in
// the one in which it was asked for a snapshot. Both are flushed once more, and keep nothing.
func TestClosedInTheSameTurn(t *testing.T) {
	n, leader, learner := behind(t, 8, 2)
	var last *wire.SnapshotChunk
	n.drop = func(_, _ *peer, m wire.Message) bool {
		c, ok := m.(*wire.SnapshotChunk)
		if ok && c.Last {
			last = c
		}
		return last != nil && ok
	}
	n.until("all but the end of a snapshot has come", func() bool { return last != nil })
	learner.take(last)
	learner.Close()
	learner.take(last)
	learner.Flush()
	require.Empty(t, learner.installed)
	require.Zero(t, learner.open)

	leader.Close()
	require.Zero(t, leader.open)
	leader.ship(&wire.RaftMessage{To: learner.id, Snapshot: &wire.SnapshotMeta{Index: leader.Applied()}})
	require.Empty(t, leader.ships.out)
	require.Zero(t, leader.open)
}

// TestARepeatedChunkIsAnswered: the answer to the last part was lost, so it comes again.
func TestARepeatedChunkIsAnswered(t *testing.T) {
	n, leader, learner := behind(t, 7, 2)
	lost := 0
	n.drop = func(_, _ *peer, m wire.Message) bool {
		if a, ok := m.(*wire.SnapshotAck); ok && a.Done && lost == 0 {
			lost++
			return true
		}
		return false
	}
	n.until("its answer is lost", func() bool { return lost > 0 })
	require.Len(t, learner.installed, 1)
	require.Len(t, leader.ships.out, 1)
	n.run((stallTicks + 2) * tick)
	require.Empty(t, leader.ships.out, "answered when it came again")
	require.Nil(t, learner.ships.in, "and not begun anew")
}

// TestOldChunksAreIgnored: of a term that is over, of a transfer that is unknown, for another one.
func TestOldChunksAreIgnored(t *testing.T) {
	n := newNetwork(t, 6, 3)
	leader := n.leader()
	n.settle()
	p := n.others(leader)[0]
	later := wire.SnapshotMeta{Index: 99}
	for _, c := range []wire.SnapshotChunk{
		{To: p.id, From: leader.id, Term: p.Term() - 1, Meta: later},
		{To: p.id, From: leader.id, Term: p.Term(), Meta: later, Seq: 1},
		{To: leader.id, From: leader.id, Term: p.Term(), Meta: later},
	} {
		sent := p.sent
		p.OnSnapshotChunk(&c)
		require.Nil(t, p.ships.in)
		require.Equal(t, sent, p.sent, "nor answered")
	}
	leader.OnSnapshotAck(&wire.SnapshotAck{To: leader.id, From: p.id, Done: true})
	p.Step(&wire.RaftMessage{Type: uint8(pb.MsgSnap), To: p.id, From: leader.id, Term: p.Term(), Snapshot: &wire.SnapshotMeta{Index: 99, Term: 9}})
	p.Flush()
	require.Less(t, p.Applied(), uint64(99), "raft's own snapshot message carries no data")
}

// TestARefusedSnapshotCostsLittle: while there is no memory for it at the receiver only its first part is offered, now and then,
// and as soon as there is it comes.
func TestARefusedSnapshotCostsLittle(t *testing.T) {
	n, leader, learner := behind(t, 9, 40)
	room, offers, bytes := false, 0, 0
	learner.cfg.Admit = func() bool { offers++; return room }
	n.drop = func(_, _ *peer, m wire.Message) bool {
		if c, ok := m.(*wire.SnapshotChunk); ok && !room {
			require.Zero(t, c.Seq, "nothing was let in")
			bytes += len(c.Data)
		}
		return false
	}
	const ticks = 600
	n.run(ticks * tick)
	require.Greater(t, offers, ticks/stallTicks/2)
	require.LessOrEqual(t, bytes, 2*ticks/stallTicks*(firstBytes+100))
	room = true
	n.run(2 * stallTicks * tick)
	require.NotNil(t, learner.ships.in)
	n.until("it is all there", func() bool { return len(learner.installed) == 1 })
	require.Equal(t, leader.state.state, learner.state.state)
}

// TestNobodyGoesOnWithIt: a snapshot of which no more will come does not hold memory at its receiver for ever. Its sender leads no more, or
// is gone and nobody leads.
func TestNobodyGoesOnWithIt(t *testing.T) {
	half := func() (*network, *peer, *peer) {
		n, leader, learner := behind(t, 3, 40)
		n.drop = func(_, _ *peer, m wire.Message) bool {
			c, ok := m.(*wire.SnapshotChunk)
			return ok && (c.From != leader.id || c.Seq >= 3)
		}
		n.until("half of it has come", func() bool { return learner.ships.in != nil && learner.ships.in.next == 3 })
		n.settled("all but the learner", learner)
		return n, leader, learner
	}
	t.Run("another leads", func(t *testing.T) {
		n, leader, learner := half()
		leader.cut = true
		n.leader().propose("by another one;")
		n.until("it has heard of the new term", func() bool { return learner.Term() == n.leader().Term() })
		n.run(2 * tick)
		require.Nil(t, learner.ships.in)
		require.Zero(t, learner.open)
	})
	t.Run("nobody leads", func(t *testing.T) {
		n, _, learner := half()
		learner.cut = true
		n.run(parkTicks * tick)
		require.NotNil(t, learner.ships.in, "its sender may go on yet")
		n.run(2 * parkTicks * tick)
		require.Nil(t, learner.ships.in)
		require.Zero(t, learner.open)
	})
}
