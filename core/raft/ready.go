package raft

import (
	"fmt"

	etcdraft "go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"torc/core/invariant"
	"torc/core/mutant"
	"torc/core/trace"
	"torc/core/wire"
)

// Flush does what raft has made ready: messages out (before anything newer is applied, so that a
// snapshot is exact), entries into the log, committed ones into the machine.
func (m *Member) Flush() {
	for m.node.ready() {
		rd := m.node.Ready()
		m.softState(rd.SoftState)
		m.hardState(rd.HardState)
		if !etcdraft.IsEmptySnap(rd.Snapshot) {
			if m.closed {
				return // the state that it stands for was given up
			}
			m.install(rd.Snapshot)
		}
		m.append(rd.Entries)
		committed := rd.CommittedEntries
		if mutant.On(mutant.SnapshotHalf) {
			m.apply(committed)
			committed = nil
		}
		m.send(rd.Messages)
		m.onReadStates(rd.ReadStates)
		m.apply(committed)
		m.node.Advance(rd)
		m.settle()
	}
	m.beatAnswered = false
	m.dropRefused()
	m.releaseReads()
	m.log.packUpTo(m.applied)
	m.truncate()
}

// append adds entries to the log; of what another leader's entries replace the trace is told.
func (m *Member) append(entries []*pb.Entry) {
	if len(entries) > 0 && entries[0].GetIndex() <= m.log.last() {
		m.emit(trace.Event{Kind: trace.Log, Term: m.term, Index: entries[0].GetIndex(), A: 1})
	}
	m.log.append(entries)
	m.settling.logged(m.log.last())
}

func (m *Member) hardState(hard *pb.HardState) {
	if etcdraft.IsEmptyHardState(hard) {
		return
	}
	if hard.GetTerm() != m.term {
		m.term = hard.GetTerm()
		m.lease.reset()
		m.settling = settling{}
	}
}

func (m *Member) softState(soft *etcdraft.SoftState) {
	if soft == nil {
		return
	}
	was, led := m.role, m.lead
	m.role, m.lead = soft.RaftState, wire.ReplicaID(soft.Lead)
	if m.role != was {
		m.settling = settling{}
	}
	st := m.node.BasicStatus()
	if st.GetTerm() != m.term {
		m.term = st.GetTerm()
		m.lease.reset()
	}
	m.emit(trace.Event{Kind: trace.Role, Term: m.term, A: uint64(m.role), B: uint64(m.lead)})
	if was == etcdraft.StateLeader && m.role != etcdraft.StateLeader {
		m.dropShips()
	}
	if led != m.lead {
		m.dropReads()
	}
	m.cfg.Output.RoleChanged()
}

func (m *Member) send(messages []*pb.Message) {
	now := int64(m.cfg.Clock.Now())
	for _, p := range messages {
		if m.isBump(p) {
			continue
		}
		w := toWire(p)
		switch p.GetType() {
		case pb.MsgApp, pb.MsgHeartbeat:
			w.Stamp = now
			if mutant.On(mutant.CheckQuorumBridge) && w.Type == uint8(pb.MsgHeartbeat) { // what could be sent counts as answered
				_ = m.node.Step(fromWire(&wire.RaftMessage{Type: uint8(pb.MsgHeartbeatResp), From: w.To, To: w.From, Term: w.Term}), false)
			}
		case pb.MsgAppResp, pb.MsgHeartbeatResp:
			if m.stampIn == w.Term {
				w.Stamp, w.Promise = m.stamp, m.promise
			}
		case pb.MsgTimeoutNow:
			m.lease.void = true
		case pb.MsgSnap:
			m.ship(&w)
			continue
		}
		m.cfg.Output.Send(w.To, &wire.Raft{Shard: m.cfg.Shard, RaftMessage: w})
	}
}

func (m *Member) apply(entries []*pb.Entry) {
	for _, e := range entries {
		if e.GetIndex() != m.applied+1 { // asked here, so that it costs nothing while it holds
			invariant.Check(false, "shard %d replica %d applies %d after %d", m.cfg.Shard, m.cfg.Replica, e.GetIndex(), m.applied)
		}
		m.applied = e.GetIndex()
		switch e.GetType() {
		case pb.EntryNormal:
			if len(e.Data) > 0 {
				m.cfg.Machine.Apply(e.GetIndex(), e.Data)
			}
		default:
			m.applyChange(e)
		}
		if m.role == etcdraft.StateLeader && e.GetTerm() == m.term && m.ownTerm != m.term {
			m.ownTerm = m.term
			m.cfg.Output.RoleChanged()
		}
		if m.cfg.Trace != nil {
			m.emit(trace.Event{Kind: trace.Apply, Term: e.GetTerm(), Index: m.applied, A: m.cfg.Machine.Digest()})
		}
	}
}

func (m *Member) applyChange(e *pb.Entry) {
	var change pb.ConfChangeV2
	before, newest := m.conf, m.conf.Newest
	if e.GetType() == pb.EntryConfChange {
		var one pb.ConfChange
		invariant.Check(unmarshal(e.Data, &one) == nil, "shard %d: unreadable membership change at %d", m.cfg.Shard, e.GetIndex())
		newest = max(newest, wire.ReplicaID(one.GetNodeId()))
		m.conf = confToWire(m.node.ApplyConfChange(&one))
	} else {
		invariant.Check(unmarshal(e.Data, &change) == nil, "shard %d: unreadable membership change at %d", m.cfg.Shard, e.GetIndex())
		for mutant.On(mutant.TwoConfChanges) && len(change.Changes) > 1 { // one after the other, with no joint step between
			m.node.ApplyConfChange(&pb.ConfChangeV2{Changes: change.Changes[:1]})
			change.Changes = change.Changes[1:]
		}
		for _, c := range change.Changes {
			newest = max(newest, wire.ReplicaID(c.GetNodeId()))
		}
		m.conf = confToWire(m.node.ApplyConfChange(&change))
	}
	m.conf.Newest = newest
	m.changed(before, m.conf)
	m.lease.keep(m.conf)
	m.emit(trace.Event{Kind: trace.Conf, Index: e.GetIndex(), A: uint64(len(m.conf.Voters)), B: uint64(len(m.conf.Learners)),
		Note: describe(m.conf)})
	m.cfg.Output.RoleChanged()
}

// truncate keeps the log within its bytes: down to half the bound, never past what is applied. What
// snapshots under way need is kept longer (keep.go); then it is not worth a cut to drop but a little.
func (m *Member) truncate() {
	if m.log.bytes <= m.logMax && !mutant.On(mutant.SnapshotLoop) {
		return
	}
	left, index, keep := m.log.bytes, m.log.first-1, m.keepAfter()
	for i := range m.log.slots {
		at := m.log.first + uint64(i)
		if left <= m.logMax/2 && !mutant.On(mutant.SnapshotLoop) || at > m.applied || at > keep {
			break
		}
		left -= m.log.slots[i].counts()
		index = at
	}
	if index == keep && m.log.bytes-left < m.logMax/2 {
		return
	}
	if index >= m.log.first {
		m.log.compact(index)
		m.emit(trace.Event{Kind: trace.Log, Term: m.term, Index: index, A: 0})
	}
}

func (m *Member) emit(e trace.Event) {
	if m.cfg.Trace == nil {
		return
	}
	e.Node, e.Shard, e.Replica = m.cfg.Node, m.cfg.Shard, m.cfg.Replica
	m.cfg.Trace.Emit(e)
}

// describe prints a configuration: voters, the outgoing ones of a joint change behind "&&", learners.
func describe(c wire.ConfState) string {
	if len(c.VotersOutgoing) > 0 {
		return fmt.Sprint(c.Voters, "&&", c.VotersOutgoing, " learners ", c.Learners)
	}
	return fmt.Sprint(c.Voters, " learners ", c.Learners)
}
