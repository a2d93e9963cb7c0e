package raft

import pb "go.etcd.io/raft/v3/raftpb"

// When an entry is committed raft tells every follower so at once, by an append without entries, and each
// of them answers. Of eight messages that one write costs among three replicas, four are these; and they
// are not needed: the next append says how far the log is committed, and so does the next heartbeat. A
// follower that applies a little later makes nobody wait, unless it answers reads itself: then PromptCommit
// has them sent.
//
// Not every append without entries is of that kind. Those that raft sends when a heartbeat is answered find
// out whether entries were lost on the way, and whether a follower that is probed is in step again. They are sent;
// and should another one matter, the next heartbeat has raft send it once more.

// isBump reports whether a message says nothing but how far the log is committed: it goes to a follower that has
// been sent the whole log.
func (m *Member) isBump(p *pb.Message) bool {
	return p.GetType() == pb.MsgApp && len(p.Entries) == 0 && p.GetIndex() == m.log.last() && !m.cfg.PromptCommit && !m.beatAnswered
}
