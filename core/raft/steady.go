package raft

import (
	etcdraft "go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"torc/core/invariant"
	"torc/core/wire"
)

// To ask raft for its term, its role and its leader costs four allocations, and every message of every write wants to know. But
// most of what is done to raft changes none of them: a leader's append to its follower, a follower's answer to its leader, a
// proposal. While nothing else has been done since the last Flush, they are what Flush has noted.

// stance is raft's term, its role and its leader.
type stance struct {
	term uint64
	role etcdraft.StateType
	lead wire.ReplicaID
}

// stance is what they are now.
func (m *Member) stance() stance {
	noted := stance{m.term, m.role, m.lead}
	if !m.node.steady {
		return m.askStance()
	}
	if invariant.Expensive {
		asked := m.askStance()
		invariant.Check(asked == noted, "shard %d replica %d: raft is at %v, and was noted to be at %v", m.cfg.Shard, m.cfg.Replica, asked, noted)
	}
	return noted
}

func (m *Member) askStance() stance {
	st := m.node.BasicStatus()
	return stance{st.GetTerm(), st.RaftState, wire.ReplicaID(st.Lead)}
}

// ordinary reports whether a message changes nothing of the stance: it is of this term, and from the leader to its follower or
// from a follower to its leader.
func (m *Member) ordinary(msg *wire.RaftMessage) bool {
	if msg.Term != m.term {
		return false
	}
	switch pb.MessageType(msg.Type) {
	case pb.MsgApp, pb.MsgHeartbeat:
		return m.role == etcdraft.StateFollower && m.lead == msg.From && m.lead != 0
	case pb.MsgAppResp, pb.MsgHeartbeatResp:
		return m.role == etcdraft.StateLeader
	}
	return false
}
