package envtest

import "torc/core/wire"

// between makes a frame from one node to another.
func between(from, to *node, messages ...wire.Message) *wire.Frame {
	a, b := from.Self(), to.Self()
	return &wire.Frame{From: a.ID, FromIncarnation: a.Incarnation, To: b.ID, ToIncarnation: b.Incarnation, Messages: messages}
}

// samples returns a new message of every kind, with its fields filled: what a node sends
// belongs to the network from then on, so no two frames share one.
func samples() []wire.Message {
	conf := wire.ConfState{Voters: []uint64{1, 2, 3}, Learners: []uint64{4}, VotersOutgoing: []uint64{1, 2, 5}, LearnersNext: []uint64{5}, AutoLeave: true}
	member := wire.Member{ID: 7, Incarnation: 1 << 40, Name: "node-7", PeerAddr: "10.0.0.7:7000", RESPAddr: "10.0.0.7:6379", GRPCAddr: "10.0.0.7:8000", Weight: 250, State: wire.MemberDown, Override: 150, Draining: true}
	return []wire.Message{
		&wire.Raft{Shard: 5, RaftMessage: wire.RaftMessage{Type: 3, To: 2, From: 1, Term: 9, LogTerm: 8, Index: 1 << 33, Commit: 99,
			Reject: true, RejectHint: 7, Context: []byte("context"), Stamp: -12345,
			Entries:  []wire.Entry{{Term: 8, Index: 100, Data: []byte("one")}, {Term: 9, Index: 101, Kind: wire.EntryConfChangeV2, Data: []byte{0}}},
			Snapshot: &wire.SnapshotMeta{Index: 50, Term: 4, Conf: conf}}},
		&wire.Forward{ID: 77, TimeoutMillis: 5000, Request: wire.Request{Shard: 6, Epoch: 12, Session: wire.Session{Client: 1 << 60, Seq: 4, Floor: 2, Retry: true},
			Commands: []wire.Command{{Op: wire.OpSet, Flags: wire.FlagNX | wire.FlagGet, TTLKind: wire.TTLRelative, TTL: 60000, Key: []byte("key"), Value: []byte("value\x00\xff")},
				{Op: wire.OpIncr, Key: []byte("counter"), Delta: -1}}}},
		&wire.Reply{ID: 77, Shard: 6, Response: wire.Response{Outcome: wire.OutcomeUnknown, Reason: wire.ReasonDeadline, Leader: 7, Epoch: 13,
			Results: []wire.Result{{Kind: wire.KindBytes, Version: 3, Value: []byte("old")}, {Kind: wire.KindList, Int: 17, List: [][]byte{[]byte("k1"), []byte("k2")}},
				{Kind: wire.KindError, Code: wire.CodeNotInteger}, {Kind: wire.KindInt, Int: -9}}}},
		&wire.SnapshotChunk{Shard: 5, From: 1, To: 2, Term: 9, Meta: wire.SnapshotMeta{Index: 50, Term: 4, Conf: conf}, Seq: 3, Last: true, Data: []byte("data")},
		&wire.SnapshotAck{Shard: 5, From: 2, To: 1, Index: 50, Next: 4, Done: true, Reject: true},
		&wire.Hello{Member: member, Expect: 3, Shards: 64, Replicas: 3, ClusterID: 42, Epoch: 2, Pledged: 8, Answer: true, Known: []wire.Member{member}},
		&wire.Pledge{Proposal: 8, Members: []wire.Member{member}},
		&wire.Pledged{Proposal: 8, Accept: true, Other: 9},
		&wire.MapUpdate{Proposal: 8, Initial: true, Map: &wire.ClusterMap{ClusterID: 42, Epoch: 3, Shards: 1, Replication: 3, NextReplica: 9, Members: []wire.Member{member},
			Placements: []wire.Placement{{Shard: 0, Preferred: 7, Replicas: []wire.Replica{{ID: 1, Node: 7, Incarnation: 1 << 40, Role: wire.RoleVoter}}}, {Shard: 1}}}},
		&wire.Report{Shard: 5, Replica: 1, Term: 9, Applied: 101, Conf: conf, CaughtUp: []wire.ReplicaID{1, 2}},
		&wire.Gossip{Data: []byte("swim")},
		&wire.Ask{ID: 3, TimeoutMillis: 5000, Op: wire.AdminDrain, Shard: 2, Node: 7, Weight: 150, Force: true, Confirm: 9},
		&wire.Told{ID: 3, Refusal: wire.RefusalTooFew, Lines: []string{"one", "two"}, Progress: wire.Progress{Draining: 1, Open: 2, Replicas: 3, Bytes: 4, Sent: 5, Shards: 6, NoAnswers: 7}, Confirm: 9},
		&wire.Inspect{ID: 4, Shard: 5, WaitMillis: 500},
		&wire.Inspected{ID: 4, Shard: 5, Term: 9, Conf: conf, Well: []wire.ReplicaID{1, 2}, Bytes: 1 << 33, Sent: 17},
	}
}
