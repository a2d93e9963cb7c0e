package raft

import (
	"encoding/binary"
	"slices"

	etcdraft "go.etcd.io/raft/v3"

	"torc/core/mutant"
	"torc/core/wire"
)

// reads are the reads that wait for a quorum's word (ReadIndex). The leader asks by itself, any
// other member through the leader. Each question has a context of its own, never used twice by
// any replica: a retry under an old context could be answered by old echoes (etcd issue 20418).
type reads struct {
	next    uint64
	asked   []question // oldest first
	waiting []waitingRead
}

type question struct {
	number  uint64
	ticks   int // since it was asked
	release func(ok bool)
}

type waitingRead struct {
	index   uint64
	release func(ok bool)
}

// ReadIndex calls release(true) once everything that was committed before this call is applied
// here; or release(false), possibly at once, when nobody is known to lead, the leader changes,
// or no answer comes within an election timeout.
func (m *Member) ReadIndex(release func(ok bool)) {
	if m.lead == 0 || m.IsLeader() && !m.Leads() {
		release(false)
		return
	}
	m.reads.next++
	if mutant.On(mutant.ReadIndexCtxReuse) {
		m.reads.next = 1
	}
	m.reads.asked = append(m.reads.asked, question{number: m.reads.next, release: release})
	m.node.ReadIndex(m.readContext(m.reads.next))
}

func (m *Member) readContext(number uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(m.cfg.Replica)), number)
}

func (m *Member) onReadStates(states []etcdraft.ReadState) {
	for _, s := range states {
		if len(s.RequestCtx) != 16 || wire.ReplicaID(binary.BigEndian.Uint64(s.RequestCtx)) != m.cfg.Replica {
			continue
		}
		number := binary.BigEndian.Uint64(s.RequestCtx[8:])
		i := slices.IndexFunc(m.reads.asked, func(q question) bool { return q.number == number })
		if i < 0 {
			continue // given up meanwhile, or answered twice
		}
		m.reads.waiting = append(m.reads.waiting, waitingRead{s.Index, m.reads.asked[i].release})
		m.reads.asked = slices.Delete(m.reads.asked, i, i+1)
	}
}

func (m *Member) releaseReads() {
	waiting := m.reads.waiting
	m.reads.waiting = nil
	for _, w := range waiting {
		if w.index <= m.applied || mutant.On(mutant.ReadIndexNoWait) {
			w.release(true)
		} else {
			m.reads.waiting = append(m.reads.waiting, w)
		}
	}
}

// tickReads gives up questions that were asked long ago: they, or their answers, are lost.
func (m *Member) tickReads() {
	old := 0
	for i := range m.reads.asked {
		if m.reads.asked[i].ticks++; m.reads.asked[i].ticks > m.cfg.ElectionTicks {
			old = i + 1
		}
	}
	lost := m.reads.asked[:old]
	m.reads.asked = m.reads.asked[old:]
	for _, q := range lost {
		q.release(false)
	}
}

// dropReads gives up all that waits, oldest first.
func (m *Member) dropReads() {
	waiting, asked := m.reads.waiting, m.reads.asked
	m.reads.waiting, m.reads.asked = nil, nil
	for _, w := range waiting {
		w.release(false)
	}
	for _, q := range asked {
		q.release(false)
	}
}
