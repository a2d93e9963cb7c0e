package raft

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	pb "go.etcd.io/raft/v3/raftpb"

	"torc/core/mutant"
	"torc/core/wire"
)

func unmarshal(data []byte, into proto.Message) error { return proto.Unmarshal(data, into) }

// ErrUsed says that a replica ID has been a member of the group before (or a later one has). An ID
// is used once: who comes in again comes under a new one.
var ErrUsed = errors.New("raft: replica ID was used before")

// AddLearner asks the group to send a replica the log without counting it in any quorum. The answer
// is exact where it matters: raft accepts a change of the members only when its leader has applied
// every one before it, and IDs are given out in ascending order. ErrUsed and ErrDropped are definite.
func (m *Member) AddLearner(id wire.ReplicaID) error {
	if id <= m.conf.Newest && !mutant.On(mutant.ZombieMember) {
		return fmt.Errorf("add replica %d to shard %d: %w: the newest is %d", id, m.cfg.Shard, ErrUsed, m.conf.Newest)
	}
	return m.change(pb.ConfChangeTransitionAuto, single(pb.ConfChangeAddLearnerNode, id))
}

// Replace makes learners voters and removes others in one joint change: at no moment does a
// majority exist that does not share a member with the one before.
func (m *Member) Replace(promote, remove []wire.ReplicaID) error {
	var changes []*pb.ConfChangeSingle
	for _, id := range promote {
		changes = append(changes, single(pb.ConfChangeAddNode, id))
	}
	for _, id := range remove {
		changes = append(changes, single(pb.ConfChangeRemoveNode, id))
	}
	return m.change(pb.ConfChangeTransitionAuto, changes...)
}

func single(kind pb.ConfChangeType, id wire.ReplicaID) *pb.ConfChangeSingle {
	return &pb.ConfChangeSingle{Type: kind.Enum(), NodeId: new(uint64(id))}
}

func (m *Member) change(how pb.ConfChangeTransition, changes ...*pb.ConfChangeSingle) error {
	if err := m.node.ProposeConfChange(&pb.ConfChangeV2{Transition: how.Enum(), Changes: changes}); err != nil {
		return fmt.Errorf("change the members of shard %d: %w: %w", m.cfg.Shard, ErrDropped, err)
	}
	return nil
}
