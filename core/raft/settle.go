package raft

import (
	"slices"

	etcdraft "go.etcd.io/raft/v3"

	"torc/core/wire"
)

// A change of the members counts for a replica from when it has applied it, so a quorum may have
// committed a change that only the leader knows of. If a voter that the change lets go were
// stopped then, and the leader died, the others would need that voter to elect another one: a group
// of which a majority lives would be lost. (raft's own README tells of it for groups of two; with joint
// changes it can happen to any.)
//
// So whoever lets a replica go waits until the change is settled: until an entry that the leader
// proposed after it had applied the change is applied, too. Every append with that entry tells
// that the change is committed, and a quorum of the new members has taken it. Of any majority of
// them one then knows that it needs nobody else, and has all that was acknowledged.

// That entry is empty, but an empty one need not be it: raft puts one in the place of a change that is asked for while another
// one is under way, so before that is applied. It is known by its index.

// settling is what a leader keeps of the changes that are not settled.
type settling struct {
	owed     bool   // an entry is to be proposed
	proposed bool   // it is, and not in the log yet
	at       uint64 // the index by which the log has all that was owed
}

// Settled reports whether this member leads and a quorum of the members knows who the members are.
func (m *Member) Settled() bool {
	return m.Leads() && !m.settling.owed && !m.settling.proposed && m.applied >= m.settling.at
}

// settle proposes the entry that is owed. While the leadership is on offer raft takes none: then
// the next flush asks again, if this member still leads.
func (m *Member) settle() {
	if m.settling.owed && m.node.Propose(nil) == nil {
		m.settling.owed, m.settling.proposed = false, true
	}
}

// logged notes that the log holds all that was proposed.
func (s *settling) logged(last uint64) {
	if s.proposed {
		s.proposed, s.at = false, last
	}
}

// changed notes a change of the members that this member has applied.
func (m *Member) changed(before, after wire.ConfState) {
	if m.role == etcdraft.StateLeader && someoneLeft(before, after) {
		m.settling.owed = true
	}
}

// someoneLeft reports whether a voter of one configuration has no vote in the next.
func someoneLeft(before, after wire.ConfState) bool {
	stays := func(id uint64) bool {
		return slices.Contains(after.Voters, id) || slices.Contains(after.VotersOutgoing, id)
	}
	return slices.ContainsFunc(before.Voters, func(id uint64) bool { return !stays(id) }) ||
		slices.ContainsFunc(before.VotersOutgoing, func(id uint64) bool { return !stays(id) })
}
