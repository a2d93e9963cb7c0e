package wire

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew; then read the diff: a changed form breaks running clusters")

// golden is a value with its type's codec.
type golden struct {
	name  string
	form  func() []byte
	value any
	back  func([]byte) (any, error)
}

func of[T any](name string, c codec[T], v T) golden {
	return golden{
		name:  name,
		form:  func() []byte { return c.append(nil, &v) },
		value: v,
		back: func(b []byte) (any, error) {
			got, err := c.decode(b)
			if err != nil {
				return nil, err
			}
			return *got, nil
		},
	}
}

var sampleSet = Command{Op: OpSet, Key: bytes.Repeat([]byte("k"), 16), Value: bytes.Repeat([]byte("v"), 100)}

// sampleHeartbeat is of a group that has been up for a day.
func sampleHeartbeat() *Raft {
	return &Raft{Shard: 17, RaftMessage: RaftMessage{Type: 8, To: 130, From: 131, Term: 9, Commit: 70_000, Stamp: 86_400_000_000_000}}
}

// sampleAnswer is what a follower answers to it, which stands for election after half a second of silence at the soonest.
func sampleAnswer() *Raft {
	return &Raft{Shard: 17, RaftMessage: RaftMessage{Type: 9, To: 131, From: 130, Term: 9, Stamp: 86_400_000_000_000, Promise: 428_571}}
}

func sampleAppend() *Raft {
	m := sampleHeartbeat()
	m.Type, m.LogTerm, m.Index = 3, 9, 70_000
	for i := range 16 {
		m.Entries = append(m.Entries, Entry{Term: 9, Index: uint64(70_001 + i), Data: bytes.Repeat([]byte{byte(i)}, 150)})
	}
	return m
}

func goldens() []golden {
	member := Member{ID: 0xa1, Incarnation: 5, Name: "n1", PeerAddr: "h:1", RESPAddr: "h:2", GRPCAddr: "h:3", Weight: 100}
	clusterMap := ClusterMap{ClusterID: 0xc1, Epoch: 3, Shards: 1, Replication: 3, NextReplica: 4, Policy: 2, Members: []Member{member},
		Placements: []Placement{{Replicas: []Replica{{ID: 1, Node: 0xa1, Incarnation: 5, Role: RoleVoter}}, Preferred: 0xa1},
			{Shard: 1, Losses: 1, LostAt: 1000, Founders: []ReplicaID{3}}, {Shard: 2, Seal: 3}}}
	conf := ConfState{Voters: []uint64{1, 2, 3}, LearnersNext: []uint64{4}, AutoLeave: true, Newest: 9}
	short := Command{Op: OpSet, Flags: FlagNX, TTLKind: TTLRelative, TTL: 1000, Key: []byte("k"), Value: []byte("v")}
	session := Session{Client: 0xfeed, Seq: 300, Floor: 299, Retry: true}
	frame := func(messages ...Message) Frame {
		return Frame{From: 0xa1, FromIncarnation: 5, To: 0xa2, ToIncarnation: 6, Cluster: 0xc1, Messages: messages}
	}
	return []golden{
		of("batch of SET k v NX PX 1000 by a session, and INCR c -2", batchCodec, Batch{Time: 1_700_000_000_000, Proposer: 2, Number: 7, Victims: []Victim{{Hash: 0xabc, Version: 300}}, Requests: []Request{
			{Session: session, Commands: []Command{short}}, {Commands: []Command{{Op: OpIncr, Key: []byte("c"), Delta: -2}}}}}),
		of("request SCAN 0 COUNT 10", requestCodec, Request{Shard: 6, Epoch: 3, Commands: []Command{{Op: OpScan, End: 10}}}),
		of("request of a cluster's client", requestCodec, Request{Shard: 6, Epoch: 3, Cluster: 0xc1, Commands: []Command{{Op: OpGet, Key: []byte("k")}}}),
		of("response of every kind of result", responseCodec, Response{Epoch: 3, Results: []Result{{Kind: KindNil}, {Kind: KindOK, Version: 1}, {Kind: KindInt, Int: -1},
			{Kind: KindBytes, Value: []byte("old"), Version: 2}, {Kind: KindList, Int: 9, List: [][]byte{[]byte("a"), nil, []byte("b")}}, {Kind: KindError, Code: CodeNotInteger}}}),
		of("response refused, with a hint", responseCodec, Response{Outcome: OutcomeRefused, Reason: ReasonNotLeader, Leader: 0xa2, Epoch: 3}),
		of("cluster map", mapCodec, clusterMap),
		of("meta command: join", metaCodec, MetaCommand{Kind: MetaJoin, Member: &member, IfEpoch: 3}),
		of("meta command: reset", metaCodec, MetaCommand{Kind: MetaReset, Shard: 1, Seal: 8, At: 1000, Voters: []ReplicaID{1, 2}, Founders: []Replica{{Node: 0xa1, Incarnation: 6}}}),
		of("meta command: set roles", metaCodec, MetaCommand{Kind: MetaSetRoles, Shard: 1, Voters: []ReplicaID{1, 2}, Learners: []ReplicaID{3}}),
		of("frame: empty", frameCodec, Frame{}),
		of("frame: heartbeat", frameCodec, frame(sampleHeartbeat())),
		of("frame: answer to a heartbeat", frameCodec, frame(sampleAnswer())),
		of("frame: append of two entries and one of a new term after a gap", frameCodec, frame(&Raft{Shard: 1, RaftMessage: RaftMessage{Type: 3, To: 2, From: 1, Term: 9, LogTerm: 9, Index: 70, Commit: 69,
			Entries: []Entry{{Term: 9, Index: 71, Data: []byte("one")}, {Term: 9, Index: 72, Kind: EntryConfChangeV2}, {Term: 10, Index: 80, Data: []byte("two")}}}})),
		of("frame: reject", frameCodec, frame(&Raft{Shard: 1, RaftMessage: RaftMessage{Type: 4, To: 1, From: 2, Term: 9, Index: 70, Reject: true, RejectHint: 65, LogTerm: 8}})),
		of("frame: forward and reply", frameCodec, frame(
			&Forward{ID: 1, TimeoutMillis: 5000, Request: Request{Shard: 6, Epoch: 3, Session: session, Commands: []Command{short}}},
			&Reply{ID: 1, Shard: 6, Response: Response{Results: []Result{{Kind: KindOK}}}})),
		of("frame: snapshot", frameCodec, frame(
			&Raft{Shard: 1, RaftMessage: RaftMessage{Type: 7, To: 2, From: 1, Term: 9, Snapshot: &SnapshotMeta{Index: 70, Term: 9, Conf: conf}}},
			&SnapshotChunk{Shard: 1, From: 1, To: 2, Term: 9, Meta: SnapshotMeta{Index: 70, Term: 9, Conf: conf}, Seq: 1, Last: true, Data: []byte("data")},
			&SnapshotAck{Shard: 1, From: 2, To: 1, Index: 70, Next: 2, Done: true})),
		of("frame: bootstrap", frameCodec, frame(
			&Hello{Member: member, Expect: 3, Shards: 64, Replicas: 3, Pledged: 8, Answer: true, Known: []Member{member}},
			&Pledge{Proposal: 8, Members: []Member{member}}, &Pledged{Proposal: 8, Accept: true}, &MapUpdate{Proposal: 8, Initial: true, Map: &clusterMap}, &MapUpdate{})),
		of("frame: report and gossip", frameCodec, frame(
			&Report{Shard: 1, Replica: 1, Term: 9, Applied: 70, Conf: conf, CaughtUp: []ReplicaID{1, 2}}, &Gossip{Data: []byte("swim")})),
		of("meta command: drain by force", metaCodec, MetaCommand{Kind: MetaDrain, Node: 0xa1, Force: true}),
		of("frame: an operator's request and its answer, a shard is asked how it is", frameCodec, frame(
			&Ask{ID: 1, TimeoutMillis: 5000, Op: AdminSetWeight, Node: 0xa1, Weight: 150, Confirm: 7}, &Told{ID: 1, Refusal: RefusalAlready, Lines: []string{"so it is"}, Confirm: 7},
			&Inspect{ID: 2, Shard: 1, WaitMillis: 500}, &Inspected{ID: 2, Shard: 1, Term: 9, Conf: conf, Well: []ReplicaID{1, 2}, Bytes: 300, Sent: 5})),
		of("frame: room for a shard", frameCodec, frame(&Room{Shard: 1, From: 3, Bytes: -2})),
		of("frame: a cached key is recalled", frameCodec, frame(&Recall{Shard: 1, ID: 9, Key: []byte("key")})),
		of("frame: a recalled key is dropped", frameCodec, frame(&Dropped{Shard: 1, ID: 9})),
		of("frame: keys were used", frameCodec, frame(&Used{Shard: 1, Each: 2, Hashes: []uint64{0xabc, 1}})),
		of("frame: who answers late", frameCodec, frame(&Ping{Lane: 1, Stamp: 300, Floor: 12500 * time.Microsecond, Says: []Lateness{{Node: 0xa3, After: 2 * time.Millisecond}}}, &Pong{Lane: 1, Stamp: 300})),
		of("frame: a replica has sealed itself", frameCodec, frame(&Sealed{Shard: 1, Seal: 8, Replica: 3, Applied: 70, Last: 71, Conf: conf})),
	}
}

// TestGolden holds the forms still. No node keeps any on disk, but nodes of one cluster may be
// of two builds while it is upgraded, and logs travel between them.
func TestGolden(t *testing.T) {
	path := filepath.Join("testdata", "forms.txt")
	var text bytes.Buffer
	for _, g := range goldens() {
		form := g.form()
		fmt.Fprintf(&text, "%s\n----\n%s\n", g.name, hexLines(form))
		got, err := g.back(form)
		require.NoError(t, err, g.name)
		require.Equal(t, g.value, got, g.name)
	}
	if *rewrite {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, text.Bytes(), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), text.String(), "a binary form changed; if that is meant: go test ./core/wire -run TestGolden -rewrite")
}

func hexLines(b []byte) string {
	var s bytes.Buffer
	for len(b) > 0 {
		n := min(len(b), 32)
		s.WriteString(hex.EncodeToString(b[:n]) + "\n")
		b = b[n:]
	}
	return s.String()
}
