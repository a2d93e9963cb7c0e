package raft

import (
	pb "go.etcd.io/raft/v3/raftpb"

	"torc/core/wire"
)

func toWire(m *pb.Message) wire.RaftMessage {
	w := wire.RaftMessage{
		Type: uint8(m.GetType()), To: wire.ReplicaID(m.GetTo()), From: wire.ReplicaID(m.GetFrom()),
		Term: m.GetTerm(), LogTerm: m.GetLogTerm(), Index: m.GetIndex(), Commit: m.GetCommit(),
		Reject: m.GetReject(), RejectHint: m.GetRejectHint(), Context: m.Context,
	}
	if len(m.Entries) > 0 {
		w.Entries = make([]wire.Entry, len(m.Entries))
		for i, e := range m.Entries {
			w.Entries[i] = wire.Entry{Term: e.GetTerm(), Index: e.GetIndex(), Kind: wire.EntryKind(e.GetType()), Data: e.Data}
		}
	}
	if meta := m.GetSnapshot().GetMetadata(); meta != nil {
		w.Snapshot = &wire.SnapshotMeta{Index: meta.GetIndex(), Term: meta.GetTerm(), Conf: confToWire(meta.GetConfState())}
	}
	return w
}

// message is a message of raft's own. There every field is a pointer: what they point to is one piece with
// the message, so that it is one allocation, not ten.
type message struct {
	pb.Message
	kind                                             pb.MessageType
	to, from, term, logTerm, index, commit, rejected uint64
	reject                                           bool
}

// fromWire makes a message for raft. An answer to an append, of which every write brings as many as there are followers, is made
// in the same place each time: raft looks at its numbers and keeps nothing of it.
func (m *Member) fromWire(w *wire.RaftMessage) *pb.Message {
	if pb.MessageType(w.Type) == pb.MsgAppResp {
		return m.answer.fill(w)
	}
	return fromWire(w)
}

func fromWire(w *wire.RaftMessage) *pb.Message { return new(message).fill(w) }

func (in *message) fill(w *wire.RaftMessage) *pb.Message {
	in.kind, in.to, in.from, in.term = pb.MessageType(w.Type), uint64(w.To), uint64(w.From), w.Term
	in.logTerm, in.index, in.commit, in.rejected, in.reject = w.LogTerm, w.Index, w.Commit, w.RejectHint, w.Reject
	m := &in.Message
	m.Type, m.To, m.From, m.Term = &in.kind, &in.to, &in.from, &in.term
	m.LogTerm, m.Index, m.Commit = &in.logTerm, &in.index, &in.commit
	m.Reject, m.RejectHint, m.Context = &in.reject, &in.rejected, w.Context
	m.Entries = entriesFromWire(w.Entries)
	if s := w.Snapshot; s != nil {
		m.Snapshot = &pb.Snapshot{Metadata: &pb.SnapshotMetadata{Index: new(s.Index), Term: new(s.Term), ConfState: confFromWire(s.Conf)}}
	}
	return m
}

// entry is an entry of raft's own and what its fields point to. Each is a piece by itself: the log keeps entries,
// and gives them up one by one.
type entry struct {
	pb.Entry
	kind        pb.EntryType
	term, index uint64
}

func entriesFromWire(entries []wire.Entry) []*pb.Entry {
	if len(entries) == 0 {
		return nil
	}
	list := make([]*pb.Entry, len(entries))
	for i := range entries {
		w := &entries[i]
		e := &entry{kind: pb.EntryType(w.Kind), term: w.Term, index: w.Index}
		e.Type, e.Term, e.Index, e.Data = &e.kind, &e.term, &e.index, w.Data
		list[i] = &e.Entry
	}
	return list
}

func confToWire(c *pb.ConfState) wire.ConfState {
	return wire.ConfState{
		Voters: c.GetVoters(), Learners: c.GetLearners(), VotersOutgoing: c.GetVotersOutgoing(),
		LearnersNext: c.GetLearnersNext(), AutoLeave: c.GetAutoLeave(),
	}
}

func confFromWire(c wire.ConfState) *pb.ConfState {
	return &pb.ConfState{Voters: c.Voters, Learners: c.Learners, VotersOutgoing: c.VotersOutgoing,
		LearnersNext: c.LearnersNext, AutoLeave: new(c.AutoLeave)}
}
