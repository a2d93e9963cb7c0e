package raft

import (
	etcdraft "go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"torc/core/invariant"
)

// entryOverhead is what an entry costs beside its data, for the log's byte bound.
const entryOverhead = 64

// memoryLog is the group's log: a suffix of entries in memory, behind raft's Storage port.
// entries[0] has index first; the entry before it is remembered as (first-1, prevTerm).
type memoryLog struct {
	hard     *pb.HardState
	conf     *pb.ConfState // of the first configuration
	first    uint64
	prevTerm uint64
	entries  []*pb.Entry
	bytes    int64
	snapshot func() (*pb.Snapshot, error)
}

func newMemoryLog() *memoryLog {
	return &memoryLog{conf: &pb.ConfState{}, first: 1}
}

func (l *memoryLog) last() uint64 { return l.first + uint64(len(l.entries)) - 1 }

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
		size += uint64(len(l.entries[end-l.first].Data)) + entryOverhead
		if size > maxSize && end > lo {
			break
		}
	}
	from, to := lo-l.first, end-l.first
	return l.entries[from:to:to], nil
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
	return l.entries[i-l.first].GetTerm(), nil
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
		for _, e := range l.entries[at-l.first:] {
			l.bytes -= int64(len(e.Data)) + entryOverhead
		}
		l.entries = append([]*pb.Entry(nil), l.entries[:at-l.first]...)
	}
	for _, e := range entries {
		l.bytes += int64(len(e.Data)) + entryOverhead
	}
	l.entries = append(l.entries, entries...)
}

// compact drops the entries up to and including index.
func (l *memoryLog) compact(index uint64) {
	if index < l.first {
		return
	}
	term, err := l.Term(index)
	invariant.Check(err == nil, "compact to %d: %v", index, err)
	for _, e := range l.entries[:index-l.first+1] {
		l.bytes -= int64(len(e.Data)) + entryOverhead
	}
	l.entries = append([]*pb.Entry(nil), l.entries[index-l.first+1:]...)
	l.first, l.prevTerm = index+1, term
}

// restart makes the log continue after a snapshot.
func (l *memoryLog) restart(index, term uint64) {
	l.entries, l.bytes = nil, 0
	l.first, l.prevTerm = index+1, term
}
