package raft

import (
	etcdraft "go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"torc/core/invariant"
)

// engine is raft's node, with a note of whether anything was done to it since it was last asked for what is
// ready. Asking makes raft compare all of its state with what it was, at some allocations each time; and of a
// group's turns most are reads, which do nothing to it.
type engine struct {
	*etcdraft.RawNode
	stirred bool
	steady  bool // its term, role and leader are as they were when it was last asked for what is ready (steady.go)
}

// ready reports whether there is a Ready to be taken.
func (e *engine) ready() bool {
	if !e.stirred {
		if invariant.Expensive {
			invariant.Check(!e.HasReady(), "raft has something ready although nothing was done to it")
		}
		return false
	}
	e.stirred = e.HasReady()
	e.steady = !e.stirred
	return e.stirred
}

func (e *engine) Tick() {
	e.stirred, e.steady = true, false
	e.RawNode.Tick()
}

// Step takes a message; ordinary says that it changes neither term, role nor leader.
func (e *engine) Step(m *pb.Message, ordinary bool) error {
	e.stirred, e.steady = true, e.steady && ordinary
	return e.RawNode.Step(m)
}

func (e *engine) Propose(data []byte) error {
	e.stirred = true
	return e.RawNode.Propose(data)
}

func (e *engine) ProposeConfChange(cc pb.ConfChangeI) error {
	e.stirred = true
	return e.RawNode.ProposeConfChange(cc)
}

func (e *engine) ApplyConfChange(cc pb.ConfChangeI) *pb.ConfState {
	e.stirred, e.steady = true, false
	return e.RawNode.ApplyConfChange(cc)
}

func (e *engine) Campaign() error {
	e.stirred, e.steady = true, false
	return e.RawNode.Campaign()
}

func (e *engine) TransferLeader(to uint64) {
	e.stirred, e.steady = true, false
	e.RawNode.TransferLeader(to)
}

func (e *engine) ReadIndex(context []byte) {
	e.stirred = true
	e.RawNode.ReadIndex(context)
}

func (e *engine) ReportSnapshot(id uint64, status etcdraft.SnapshotStatus) {
	e.stirred = true
	e.RawNode.ReportSnapshot(id, status)
}

func (e *engine) Advance(rd etcdraft.Ready) {
	e.stirred, e.steady = true, false // it may have held back a part of what is committed
	e.RawNode.Advance(rd)
}
