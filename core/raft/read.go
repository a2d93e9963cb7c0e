package raft

import (
	"encoding/binary"

	etcdraft "go.etcd.io/raft/v3"

	"torc/core/mutant"
)

// reads are the reads that wait for a quorum's word (ReadIndex). Each batch has a context of its
// own, never used twice: a retry under an old context could be answered by old echoes
// (etcd issue 20418).
type reads struct {
	next    uint64
	asked   map[uint64]func(ok bool)
	waiting []waitingRead
}

type waitingRead struct {
	index   uint64
	release func(ok bool)
}

// ReadIndex calls release(true) once everything that was committed before this call is applied
// here, or release(false) when the member ceases to lead before.
func (m *Member) ReadIndex(release func(ok bool)) {
	if !m.Leads() {
		release(false)
		return
	}
	m.reads.next++
	if m.reads.asked == nil {
		m.reads.asked = map[uint64]func(bool){}
	}
	m.reads.asked[m.reads.next] = release
	m.node.ReadIndex(binary.BigEndian.AppendUint64(nil, m.reads.next))
}

func (m *Member) onReadStates(states []etcdraft.ReadState) {
	for _, s := range states {
		if len(s.RequestCtx) != 8 {
			continue
		}
		number := binary.BigEndian.Uint64(s.RequestCtx)
		if release, ok := m.reads.asked[number]; ok {
			delete(m.reads.asked, number)
			m.reads.waiting = append(m.reads.waiting, waitingRead{s.Index, release})
		}
	}
}

func (m *Member) releaseReads() {
	kept := m.reads.waiting[:0]
	for _, w := range m.reads.waiting {
		if w.index <= m.applied || mutant.On(mutant.ReadIndexNoWait) {
			w.release(true)
		} else {
			kept = append(kept, w)
		}
	}
	m.reads.waiting = kept
}

// dropReads refuses what waits, oldest first.
func (m *Member) dropReads() {
	waiting, asked, last := m.reads.waiting, m.reads.asked, m.reads.next
	m.reads.waiting, m.reads.asked = nil, nil
	for _, w := range waiting {
		w.release(false)
	}
	for n := last - uint64(min(uint64(len(asked))*4+1024, last)) + 1; n <= last && len(asked) > 0; n++ {
		if release, ok := asked[n]; ok {
			delete(asked, n)
			release(false)
		}
	}
}
