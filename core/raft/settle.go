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

// settling is what a leader keeps of the changes that are not settled.
type settling struct {
	owed    bool // an entry is to be proposed
	pending int  // empty entries of this term in the log, beyond its first
}

// Settled reports whether this member leads and a quorum of the members knows who the members are.
func (m *Member) Settled() bool { return m.Leads() && !m.settling.owed && m.settling.pending == 0 }

// settle proposes the entry that is owed. While the leadership is on offer raft takes none: then
// the next flush asks again, if this member still leads.
func (m *Member) settle() {
	if m.settling.owed && m.node.Propose(nil) == nil {
		m.settling.owed = false
		m.settling.pending++
	}
}

// changed notes a change of the members that this member has applied.
func (m *Member) changed(before, after wire.ConfState) {
	if m.role == etcdraft.StateLeader && someoneLeft(before, after) {
		m.settling.owed = true
	}
}

// passed notes that an empty entry of this leader's term is applied.
func (m *Member) passed() {
	if m.ownTerm == m.term && m.settling.pending > 0 {
		m.settling.pending--
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
