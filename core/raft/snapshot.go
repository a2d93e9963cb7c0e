package raft

import (
	"slices"

	etcdraft "go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"torc/core/invariant"
	"torc/core/mutant"
	"torc/core/trace"
	"torc/core/wire"
)

const (
	chunkBytes   = 256 << 10
	firstBytes   = 16 << 10 // the first part: it may be refused for a while, and is repeated until it is not (Config.Admit)
	windowChunks = 4        // parts in flight to one receiver
	// WindowBytes is how much of a snapshot may be on its way to one receiver.
	WindowBytes = windowChunks * chunkBytes

	stallTicks = 10   // ticks without an answer before the window is sent again
	stallsMax  = 6    // repeats before the transfer is parked
	parkTicks  = 1200 // for which a parked one may be gone on with
)

// ships are the snapshots on their way: outgoing by receiver (ordered by ID), and the one
// coming in.
type ships struct {
	out       []*shipment
	in        *arrival
	newcomers []newcomer // that have just been sent one (keep.go)
}

// shipment is a snapshot on its way to a replica. When nothing is heard of that one for some time raft is told that it
// has failed, and somebody else may be served; but the shipment is parked. When raft asks again, and the log still
// reaches back to the snapshot, it goes on after the last chunk that was acknowledged.
type shipment struct {
	to     wire.ReplicaID
	term   uint64
	meta   wire.SnapshotMeta
	source Source
	window []*wire.SnapshotChunk // sent, not yet answered
	next   uint64
	sent   int64 // bytes, repeats not counted
	ended  bool
	waited int // ticks; since it was parked, if it is
	stalls int
	parked bool
	tried  uint64 // one more than the chunk that lacked an answer when it was parked last
}

type arrival struct {
	from wire.ReplicaID
	term uint64
	meta wire.SnapshotMeta
	next uint64
	into Restorer
	full bool

	silent int // ticks without a part of it
}

// snapshotNow tells raft which state a snapshot would be: the present one.
func (m *Member) snapshotNow() (*pb.Snapshot, error) {
	term, err := m.log.Term(m.applied)
	if err != nil {
		return nil, etcdraft.ErrSnapshotTemporarilyUnavailable
	}
	return &pb.Snapshot{Metadata: &pb.SnapshotMetadata{Index: new(m.applied), Term: new(term), ConfState: confFromWire(m.conf)}}, nil
}

// ship begins to send a snapshot in place of raft's one big message.
func (m *Member) ship(w *wire.RaftMessage) {
	if s := m.parkedFor(w); s != nil {
		if m.cfg.Pace.Begin() {
			m.unpark(s)
		} else {
			m.node.ReportSnapshot(uint64(w.To), etcdraft.SnapshotFailure) // too many at a time; it stays parked, and raft asks again
		}
		return
	}
	m.drop(w.To)
	if m.closed || w.Snapshot.Index != m.applied && !mutant.On(mutant.SnapshotHalf) || !m.cfg.Pace.Begin() {
		m.node.ReportSnapshot(uint64(w.To), etcdraft.SnapshotFailure) // older than the state, or too many at a time: raft asks again
		return
	}
	w.Snapshot.Conf.Newest = m.conf.Newest // raft knows nothing of it
	s := &shipment{to: w.To, term: w.Term, meta: *w.Snapshot, source: m.cfg.Machine.Snapshot()}
	m.ships.out = append(m.ships.out, s)
	m.emit(trace.Event{Kind: trace.Snapshot, Term: s.term, Index: s.meta.Index, A: 0, B: uint64(s.to)})
	m.fill(s)
}

// parkedFor is the parked shipment to a replica, if it is still of use, or nil.
func (m *Member) parkedFor(w *wire.RaftMessage) *shipment {
	i := slices.IndexFunc(m.ships.out, func(s *shipment) bool { return s.to == w.To && s.parked })
	if i < 0 || m.closed {
		return nil
	}
	if s := m.ships.out[i]; s.term == w.Term && s.meta.Index+1 >= m.log.first {
		return s
	}
	return nil
}

// unpark goes on with a parked shipment.
func (m *Member) unpark(s *shipment) {
	s.parked, s.waited, s.stalls = false, 0, 0
	m.emit(trace.Event{Kind: trace.Snapshot, Term: s.term, Index: s.meta.Index, A: 0, B: uint64(s.to)})
	m.repeat(s)
	m.fill(s)
}

// park lets a shipment wait for its receiver to come back, unless it has got no further since it was parked before.
func (m *Member) park(s *shipment) {
	if len(s.window) == 0 || s.tried == s.window[0].Seq+1 {
		m.giveUp(s)
		return
	}
	s.parked, s.waited, s.tried = true, 0, s.window[0].Seq+1
	m.cfg.Pace.End()
	m.emit(trace.Event{Kind: trace.Snapshot, Term: s.term, Index: s.meta.Index, A: 2, B: uint64(s.to)})
	m.node.ReportSnapshot(uint64(s.to), etcdraft.SnapshotFailure)
}

// repeat sends again what was not acknowledged.
func (m *Member) repeat(s *shipment) {
	for _, c := range s.window {
		again := *c
		m.cfg.Pace.Spend(len(c.Data))
		m.cfg.Output.Send(s.to, &again)
	}
}

// mayGoOn reports whether the next part may be sent. The first one goes alone, until it is answered: a receiver that has no memory for
// the copy yet would otherwise have a whole window sent to it again and again, at the expense of those that it has let in.
func (s *shipment) mayGoOn() bool {
	answered := s.next == 0 || len(s.window) == 0 || s.window[0].Seq > 0
	return !s.parked && !s.ended && answered && len(s.window) < windowChunks
}

func (m *Member) fill(s *shipment) {
	for s.mayGoOn() && m.cfg.Pace.May() {
		size := chunkBytes
		if s.next == 0 {
			size = firstBytes
		}
		data, done := s.source.Next(size)
		c := &wire.SnapshotChunk{Shard: m.cfg.Shard, From: m.cfg.Replica, To: s.to, Term: s.term, Meta: s.meta, Seq: s.next, Last: done, Data: data}
		s.next++
		s.sent += int64(len(data))
		s.ended = done
		s.window = append(s.window, c)
		m.cfg.Pace.Spend(len(data))
		m.cfg.Output.Send(s.to, c)
	}
}

// OnSnapshotAck goes on with a shipment.
func (m *Member) OnSnapshotAck(a *wire.SnapshotAck) {
	i := slices.IndexFunc(m.ships.out, func(s *shipment) bool { return s.to == a.From && s.meta.Index == a.Index })
	if i < 0 || a.To != m.cfg.Replica {
		return
	}
	s := m.ships.out[i]
	if a.Done || a.Reject {
		m.drop(s.to)
		status := etcdraft.SnapshotFinish
		if a.Reject {
			status = etcdraft.SnapshotFailure
		} else {
			m.arrived(s)
		}
		m.node.ReportSnapshot(uint64(s.to), status)
		return
	}
	for len(s.window) > 0 && s.window[0].Seq < a.Next {
		s.window = s.window[1:]
		if !s.parked {
			s.waited, s.stalls = 0, 0
		}
	}
	m.fill(s)
}

func (m *Member) tickShips() {
	m.tickNewcomers()
	m.tickArrival()
	for _, s := range slices.Clone(m.ships.out) {
		if s.parked {
			if s.waited++; s.waited > parkTicks {
				m.drop(s.to)
			}
			continue
		}
		if m.fill(s); len(s.window) == 0 {
			continue // the pace holds it up, not its receiver
		}
		if s.waited++; s.waited < stallTicks {
			continue
		}
		s.waited = 0
		if s.stalls++; s.stalls > stallsMax {
			m.park(s)
			continue
		}
		m.repeat(s)
	}
}

// GiveUpShips ends the transfers under way, for want of memory: raft asks for them again, later.
func (m *Member) GiveUpShips() {
	for _, s := range slices.Clone(m.ships.out) {
		m.giveUp(s)
	}
}

func (m *Member) giveUp(s *shipment) {
	parked := s.parked
	if m.drop(s.to); parked {
		return // raft knows already
	}
	m.emit(trace.Event{Kind: trace.Snapshot, Term: s.term, Index: s.meta.Index, A: 2, B: uint64(s.to)})
	m.node.ReportSnapshot(uint64(s.to), etcdraft.SnapshotFailure)
}

// InFlight is how many bytes of snapshots have been sent and not yet acknowledged.
func (m *Member) InFlight() (n int64) {
	for _, s := range m.ships.out {
		for _, c := range s.window {
			n += int64(len(c.Data))
		}
	}
	return n
}

func (m *Member) drop(to wire.ReplicaID) { m.dropIf(func(s *shipment) bool { return s.to == to }) }

func (m *Member) dropShips() {
	m.ships.newcomers = nil
	m.dropIf(func(*shipment) bool { return true })
}

func (m *Member) dropIf(gone func(*shipment) bool) {
	m.ships.out = slices.DeleteFunc(m.ships.out, func(s *shipment) bool {
		if gone(s) {
			s.source.Close()
			if !s.parked {
				m.cfg.Pace.End()
			}
			return true
		}
		return false
	})
}

// Close gives back what the member shares with others, and releases the reads that wait for a quorum's word: it is ticked no
// more, so nobody would. It may be flushed once more, for what it has to say still, but begins no snapshot and puts none in place.
func (m *Member) Close() {
	m.closed = true
	m.dropReads()
	m.dropShips()
	m.dropArrival()
}

// dropArrival gives up the snapshot that is coming in.
func (m *Member) dropArrival() {
	if m.ships.in != nil {
		m.ships.in.into.Close()
		m.ships.in = nil
	}
}

// tickArrival gives up the snapshot that is coming in when no more of it will come, or is needed: its sender does not lead any more,
// the log has brought what is in it, or nothing was heard of it for much longer than a sender keeps one parked. It would
// hold memory, and others may wait for that (Config.Admit).
func (m *Member) tickArrival() {
	in := m.ships.in
	if in == nil || in.full {
		return
	}
	if in.silent++; in.term < m.term || in.meta.Index <= m.applied || in.silent > 2*parkTicks {
		m.dropArrival()
	}
}

// OnSnapshotChunk takes a part of a snapshot. Parts may come twice or out of order; only the
// next one counts, and every part is answered with what is wanted next.
func (m *Member) OnSnapshotChunk(c *wire.SnapshotChunk) {
	if c.To != m.cfg.Replica || c.Term < m.term || m.closed {
		return
	}
	answer := &wire.SnapshotAck{Shard: m.cfg.Shard, From: m.cfg.Replica, To: c.From, Index: c.Meta.Index}
	if c.Meta.Index <= m.applied {
		answer.Done = true // installed already, and that answer was lost or this part came twice
		m.cfg.Output.Send(c.From, answer)
		return
	}
	in := m.ships.in
	if in == nil || in.from != c.From || in.term != c.Term || in.meta.Index != c.Meta.Index {
		if in != nil && in.full {
			return // the finished one is put in place first, at the end of this turn; this part will be repeated
		}
		if c.Seq != 0 {
			return // the middle of a transfer this member knows nothing of: it will be repeated or given up
		}
		m.dropArrival()
		if m.cfg.Admit != nil && !m.cfg.Admit() {
			return // it will be repeated, or given up and begun again
		}
		in = &arrival{from: c.From, term: c.Term, meta: c.Meta, into: m.cfg.Machine.Restore()}
		m.ships.in = in
	}
	in.silent = 0
	if c.Seq == in.next && !in.full {
		err := in.into.Add(c.Data)
		if err == nil && c.Last {
			err = in.into.Finish()
			in.full = true
		}
		if err != nil {
			m.dropArrival()
			answer.Reject = true
			m.cfg.Output.Send(c.From, answer)
			return
		}
		in.next++
	}
	answer.Next = in.next
	if in.full {
		answer.Done = true
		m.step(&wire.RaftMessage{Type: uint8(pb.MsgSnap), From: in.from, To: m.cfg.Replica, Term: in.term, Snapshot: &in.meta})
	}
	m.cfg.Output.Send(c.From, answer)
}

// dropRefused forgets a finished snapshot that raft did not want after all.
func (m *Member) dropRefused() {
	if m.ships.in != nil && m.ships.in.full {
		m.dropArrival()
	}
}

// install puts the snapshot that raft accepted in place of the state.
func (m *Member) install(s *pb.Snapshot) {
	in := m.ships.in
	index := s.GetMetadata().GetIndex()
	invariant.Check(in != nil && in.full && in.meta.Index == index, "shard %d: raft accepted snapshot %d that did not arrive", m.cfg.Shard, index)
	in.into.Install()
	newest := in.meta.Conf.Newest
	m.ships.in = nil
	m.log.restart(index, s.GetMetadata().GetTerm())
	m.applied = index
	m.conf = confToWire(s.GetMetadata().GetConfState())
	m.conf.Newest = newest
	m.emit(trace.Event{Kind: trace.Snapshot, Index: index, A: 1})
	m.emit(trace.Event{Kind: trace.Apply, Term: s.GetMetadata().GetTerm(), Index: index, A: m.cfg.Machine.Digest()})
	m.cfg.Output.RoleChanged()
}
