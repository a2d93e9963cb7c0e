package raft

import (
	etcdraft "go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"torc/core/invariant"
)

// entryOverhead is what an entry costs beside its data, for the log's byte bound.
const entryOverhead = 64

// memoryLog is the group's log: a suffix of entries in memory, behind raft's Storage port.
// slots[0] has index first; the entry before it is remembered as (first-1, prevTerm). The older entries are packed, and the newer
// ones as raft made them:
//
//	slots    first                                  last
//	         | pack (applied)      | entries            |
type memoryLog struct {
	hard     *pb.HardState // as the member begins: raft asks once,
	conf     *pb.ConfState // and so the configuration
	first    uint64
	prevTerm uint64
	slots    []slot
	pack     pack
	entries  []*pb.Entry
	bytes    int64
	snapshot func() (*pb.Snapshot, error)
}

func newMemoryLog() *memoryLog {
	return &memoryLog{conf: &pb.ConfState{}, first: 1}
}

func (l *memoryLog) last() uint64 { return l.first + uint64(len(l.slots)) - 1 }

// packed is how many entries are.
func (l *memoryLog) packed() int { return len(l.slots) - len(l.entries) }

// size is what an entry counts for, in the log's byte bound.
func (s *slot) counts() int64 { return int64(s.size) + entryOverhead }

// InitialState is part of raft's Storage.
func (l *memoryLog) InitialState() (*pb.HardState, *pb.ConfState, error) {
	return l.hard, l.conf, nil
}

// Entries is part of raft's Storage.
func (l *memoryLog) Entries(lo, hi, maxSize uint64) ([]*pb.Entry, error) {
	if lo < l.first {
		return nil, etcdraft.ErrCompacted
	}
	if hi > l.last()+1 {
		return nil, etcdraft.ErrUnavailable
	}
	var size uint64
	end := lo
	for ; end < hi; end++ {
		size += uint64(l.slots[end-l.first].counts())
		if size > maxSize && end > lo {
			break
		}
	}
	from, to, packed := int(lo-l.first), int(end-l.first), l.packed()
	if from >= packed {
		return l.entries[from-packed : to-packed : to-packed], nil
	}
	made := l.pack.entries(lo, l.slots[from:min(to, packed)])
	if to > packed {
		made = append(made, l.entries[:to-packed]...)
	}
	return made, nil
}

// Term is part of raft's Storage.
func (l *memoryLog) Term(i uint64) (uint64, error) {
	switch {
	case i == l.first-1:
		return l.prevTerm, nil
	case i < l.first:
		return 0, etcdraft.ErrCompacted
	case i > l.last():
		return 0, etcdraft.ErrUnavailable
	}
	return l.slots[i-l.first].term, nil
}

// LastIndex is part of raft's Storage.
func (l *memoryLog) LastIndex() (uint64, error) { return l.last(), nil }

// FirstIndex is part of raft's Storage.
func (l *memoryLog) FirstIndex() (uint64, error) { return l.first, nil }

// Snapshot is part of raft's Storage. The data travels apart from raft (snapshot.go).
func (l *memoryLog) Snapshot() (*pb.Snapshot, error) { return l.snapshot() }

// append adds entries, replacing a conflicting suffix. The old backing array is never written
// over: raft and frames in flight may still hold parts of it.
func (l *memoryLog) append(entries []*pb.Entry) {
	if len(entries) == 0 {
		return
	}
	at := entries[0].GetIndex()
	if at < l.first || at > l.last()+1 { // asked here, so that it costs nothing while it holds
		invariant.Check(false, "log append at %d outside [%d, %d]", at, l.first, l.last()+1)
	}
	if at <= l.last() {
		l.cut(int(at - l.first))
	}
	for _, e := range entries {
		s := slot{term: e.GetTerm(), size: uint32(len(e.Data)), kind: e.GetType()}
		l.slots, l.bytes = append(l.slots, s), l.bytes+s.counts()
	}
	l.entries = append(l.entries, entries...)
}

// cut gives up the entries from a slot on. They are not packed, for what is applied stays.
func (l *memoryLog) cut(from int) {
	kept := from - l.packed()
	invariant.Check(kept >= 0, "the log gives up what was applied")
	for i := range l.slots[from:] {
		l.bytes -= l.slots[from+i].counts()
	}
	l.slots = l.slots[:from]
	l.entries = append([]*pb.Entry(nil), l.entries[:kept]...)
}

// Entries are packed when there are packAt that may be; the newest packLeft of those stay as they are.
const (
	packAt   = 64
	packLeft = 16
)

// packUpTo packs entries up to an index, if there are enough for it to be worth it.
func (l *memoryLog) packUpTo(index uint64) {
	from := l.packed()
	n := int(index+1-l.first) - from
	if index < l.first || n < packAt {
		return
	}
	n -= packLeft
	for i, e := range l.entries[:n] {
		s := &l.slots[from+i]
		s.chunk, s.off = l.pack.put(e.Data)
	}
	l.entries = append(make([]*pb.Entry, 0, len(l.entries)-n+packAt), l.entries[n:]...)
}

// compact drops the entries up to and including index.
func (l *memoryLog) compact(index uint64) {
	if index < l.first {
		return
	}
	term, err := l.Term(index)
	invariant.Check(err == nil, "compact to %d: %v", index, err)
	n, packed := int(index-l.first+1), l.packed()
	for i := range l.slots[:n] {
		l.bytes -= l.slots[i].counts()
	}
	l.slots = append([]slot(nil), l.slots[n:]...)
	if n < packed {
		l.pack.drop(l.slots[0].chunk)
	} else {
		l.pack = pack{}
		l.entries = append([]*pb.Entry(nil), l.entries[n-packed:]...)
	}
	l.first, l.prevTerm = index+1, term
}

// restart makes the log continue after a snapshot.
func (l *memoryLog) restart(index, term uint64) {
	l.slots, l.pack, l.entries, l.bytes = nil, pack{}, nil, 0
	l.first, l.prevTerm = index+1, term
}
