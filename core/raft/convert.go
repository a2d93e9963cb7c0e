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

func fromWire(w *wire.RaftMessage) *pb.Message {
	m := &pb.Message{
		Type: pb.MessageType(w.Type).Enum(), To: new(uint64(w.To)), From: new(uint64(w.From)), Term: new(w.Term),
		LogTerm: new(w.LogTerm), Index: new(w.Index), Commit: new(w.Commit),
		Reject: new(w.Reject), RejectHint: new(w.RejectHint), Context: w.Context,
	}
	if len(w.Entries) > 0 {
		m.Entries = make([]*pb.Entry, len(w.Entries))
		for i, e := range w.Entries {
			m.Entries[i] = &pb.Entry{Term: new(e.Term), Index: new(e.Index), Type: pb.EntryType(e.Kind).Enum(), Data: e.Data}
		}
	}
	if s := w.Snapshot; s != nil {
		m.Snapshot = &pb.Snapshot{Metadata: &pb.SnapshotMetadata{Index: new(s.Index), Term: new(s.Term), ConfState: confFromWire(s.Conf)}}
	}
	return m
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
