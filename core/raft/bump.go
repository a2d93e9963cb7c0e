package raft

import (
	etcdraft "go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"

	"torc/core/wire"
)

// When an entry is committed raft tells every follower so at once, by an append without entries, and each
// of them answers. Of eight messages that one write costs among three replicas, four are these; and they
// are not needed: the next append says how far the log is committed, and so does the next heartbeat. A
// follower that applies a little later makes nobody wait, unless it answers reads itself: then PromptCommit
// has them sent.
//
// Not every append without entries is of that kind. Those that raft sends when a heartbeat is answered find
// out whether entries were lost on the way, and one to a follower that is probed finds out where its log
// ends. Both are sent.

// isBump reports whether a message says nothing but how far the log is committed.
func (m *Member) isBump(p *pb.Message) bool {
	return p.GetType() == pb.MsgApp && len(p.Entries) == 0 && !m.cfg.PromptCommit && !m.beatAnswered && m.replicates(wire.ReplicaID(p.GetTo()))
}

// replicates reports whether a follower is sent entries as they come.
func (m *Member) replicates(id wire.ReplicaID) (yes bool) {
	m.node.WithProgress(func(at uint64, _ etcdraft.ProgressType, pr tracker.Progress) {
		if wire.ReplicaID(at) == id {
			yes = pr.State == tracker.StateReplicate
		}
	})
	return yes
}
