package wire

import (
	"encoding/binary"
	"fmt"
)

// A raft message's head holds its type and two bits.
const (
	raftTypeEnd = 1 << 6

	isReject = 1 << 6
	hasStamp = 1 << 7
)

// Presence bits of a raft message.
const (
	hasLogTerm = 1 << iota
	hasIndex
	hasCommit
	hasRejectHint
	hasContext
	hasEntries
	hasSnapshot
	hasPromise

	raftMask = 1<<8 - 1
)

func appendRaft(b []byte, r *Raft, apart *Apart) []byte {
	if r.Type >= raftTypeEnd {
		panic(fmt.Sprintf("wire: raft message type %d has no binary form", r.Type)) // raft's own end at 23
	}
	m := &r.RaftMessage
	has := bit(m.LogTerm != 0, 0) | bit(m.Index != 0, 1) | bit(m.Commit != 0, 2) | bit(m.RejectHint != 0, 3) |
		bit(len(m.Context) > 0, 4) | bit(len(m.Entries) > 0, 5) | bit(m.Snapshot != nil, 6) | bit(m.Promise != 0, 7)
	b = binary.AppendUvarint(b, uint64(r.Shard))
	b = append(b, m.Type|bit(m.Reject, 6)|bit(m.Stamp != 0, 7), has)
	b = binary.AppendUvarint(b, uint64(m.To))
	b = binary.AppendUvarint(b, uint64(m.From))
	b = binary.AppendUvarint(b, m.Term)
	if has&hasLogTerm != 0 {
		b = binary.AppendUvarint(b, m.LogTerm)
	}
	if has&hasIndex != 0 {
		b = binary.AppendUvarint(b, m.Index)
	}
	if has&hasCommit != 0 {
		b = binary.AppendUvarint(b, m.Commit)
	}
	if has&hasRejectHint != 0 {
		b = binary.AppendUvarint(b, m.RejectHint)
	}
	if has&hasContext != 0 {
		b = appendBytes(b, m.Context)
	}
	if has&hasEntries != 0 {
		b = appendEntries(b, m, apart)
	}
	if has&hasSnapshot != 0 {
		b = appendSnapshotMeta(b, m.Snapshot)
	}
	if m.Stamp != 0 {
		b = appendVarint(b, m.Stamp)
	}
	if has&hasPromise != 0 {
		b = binary.AppendUvarint(b, m.Promise)
	}
	return b
}

func (d *decoder) raft(r *Raft) {
	r.Shard = ShardID(d.uint32("raft shard"))
	m := &r.RaftMessage
	head := d.byte("raft head")
	m.Type, m.Reject = head&(raftTypeEnd-1), head&isReject != 0
	has := d.bits("raft presence", raftMask)
	m.To = ReplicaID(d.uvarint("raft to"))
	m.From = ReplicaID(d.uvarint("raft from"))
	m.Term = d.uvarint("raft term")
	if has&hasLogTerm != 0 {
		m.LogTerm = d.someUvarint("raft log term")
	}
	if has&hasIndex != 0 {
		m.Index = d.someUvarint("raft index")
	}
	if has&hasCommit != 0 {
		m.Commit = d.someUvarint("raft commit")
	}
	if has&hasRejectHint != 0 {
		m.RejectHint = d.someUvarint("raft reject hint")
	}
	if has&hasContext != 0 {
		m.Context = d.someBytes("raft context")
	}
	if has&hasEntries != 0 {
		d.entries(m)
	}
	if has&hasSnapshot != 0 {
		m.Snapshot = new(SnapshotMeta)
		d.snapshotMeta(m.Snapshot)
	}
	if head&hasStamp != 0 {
		m.Stamp = d.someVarint("raft stamp")
	}
	if has&hasPromise != 0 {
		m.Promise = d.someUvarint("raft promise")
	}
}

// Bits of an entry's head, above its kind.
const (
	entryKindMask = 1<<2 - 1

	hasEntryTerm  = 1 << 2
	hasEntryIndex = 1 << 3
	hasData       = 1 << 4

	entryMask = 1<<5 - 1
	entryMin  = 1
)

// appendEntries writes only what differs from a log without gaps.
func appendEntries(b []byte, m *RaftMessage, apart *Apart) []byte {
	b = binary.AppendUvarint(b, uint64(len(m.Entries)))
	term, index := m.Term, m.Index
	for i := range m.Entries {
		e := &m.Entries[i]
		index++
		head := byte(e.Kind) | bit(e.Term != term, 2) | bit(e.Index != index, 3) | bit(len(e.Data) > 0, 4)
		b = append(b, head)
		if head&hasEntryTerm != 0 {
			b = binary.AppendUvarint(b, e.Term)
		}
		if head&hasEntryIndex != 0 {
			b = binary.AppendUvarint(b, e.Index)
		}
		if head&hasData != 0 {
			b = apart.bytes(b, e.Data)
		}
		term, index = e.Term, e.Index
	}
	return b
}

func (d *decoder) entries(m *RaftMessage) {
	m.Entries = someList[Entry](d, "raft entries", entryMin)
	term, index := m.Term, m.Index
	for i := range m.Entries {
		e := &m.Entries[i]
		d.entry(e, term, index+1)
		term, index = e.Term, e.Index
	}
}

// entry reads an entry that is expected to have this term and index.
func (d *decoder) entry(e *Entry, term, index uint64) {
	at := d.pos
	head := d.bits("entry head", entryMask)
	e.Kind, e.Term, e.Index = EntryKind(head&entryKindMask), term, index
	if e.Kind >= entryEnd {
		d.fail(at, "entry kind", "not a known kind")
	}
	if head&hasEntryTerm != 0 {
		if e.Term = d.uvarint("entry term"); e.Term == term {
			d.fail(at, "entry term", "present but as expected")
		}
	}
	if head&hasEntryIndex != 0 {
		if e.Index = d.uvarint("entry index"); e.Index == index {
			d.fail(at, "entry index", "present but as expected")
		}
	}
	if head&hasData != 0 {
		e.Data = d.someBytes("entry data")
	}
}

func appendSnapshotMeta(b []byte, m *SnapshotMeta) []byte {
	b = binary.AppendUvarint(b, m.Index)
	b = binary.AppendUvarint(b, m.Term)
	return appendConfState(b, &m.Conf)
}

func (d *decoder) snapshotMeta(m *SnapshotMeta) {
	m.Index, m.Term = d.uvarint("snapshot index"), d.uvarint("snapshot term")
	d.confState(&m.Conf)
}

// confMask is a ConfState's presence bits: the four lists, AutoLeave and Newest.
const confMask = 1<<6 - 1

func appendConfState(b []byte, c *ConfState) []byte {
	lists := [...][]uint64{c.Voters, c.Learners, c.VotersOutgoing, c.LearnersNext}
	head := bit(c.AutoLeave, 4) | bit(c.Newest != 0, 5)
	for i, l := range lists {
		head |= bit(len(l) > 0, uint(i))
	}
	b = append(b, head)
	for _, l := range lists {
		if len(l) > 0 {
			b = appendUvarints(b, l)
		}
	}
	if c.Newest != 0 {
		b = binary.AppendUvarint(b, uint64(c.Newest))
	}
	return b
}

func (d *decoder) confState(c *ConfState) {
	head := d.bits("configuration head", confMask)
	for i, l := range [...]*[]uint64{&c.Voters, &c.Learners, &c.VotersOutgoing, &c.LearnersNext} {
		if head&(1<<i) != 0 {
			*l = someUvarints[uint64](d, "configuration members")
		}
	}
	c.AutoLeave = head&(1<<4) != 0
	if head&(1<<5) != 0 {
		c.Newest = ReplicaID(d.someUvarint("configuration's newest"))
	}
}
