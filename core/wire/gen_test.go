package wire

import (
	"time"

	"pgregory.net/rapid"
)

// Generators of every type. Numbers and names come in all sizes, small ones more often; empty
// lists and byte strings are nil, as a decoder gives them.

func drawBytes(t *rapid.T, label string) []byte {
	b := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, label)
	if len(b) == 0 {
		return nil
	}
	return b
}

func drawList[T any](t *rapid.T, label string, item func(*rapid.T) T) []T {
	n := rapid.IntRange(0, 5).Draw(t, label)
	var list []T
	for range n {
		list = append(list, item(t))
	}
	return list
}

func drawNumber[T ~uint64](t *rapid.T, label string) T { return T(rapid.Uint64().Draw(t, label)) }

func drawInt(t *rapid.T, label string) int64 { return rapid.Int64().Draw(t, label) }

// maybe draws a value that is zero half of the time.
func maybe[T any](t *rapid.T, label string, draw func(*rapid.T, string) T) (v T) {
	if rapid.Bool().Draw(t, label+"?") {
		v = draw(t, label)
	}
	return v
}

func drawEnum[T ~uint8](t *rapid.T, label string, end T) T {
	return T(rapid.IntRange(0, int(end)-1).Draw(t, label))
}

func drawCommand(t *rapid.T) Command {
	return Command{
		Op:      drawEnum(t, "op", opEnd),
		Flags:   Flags(rapid.Uint16Range(0, uint16(flagEnd)-1).Draw(t, "flags")),
		TTLKind: drawEnum(t, "ttl kind", ttlEnd),
		Key:     drawBytes(t, "key"),
		Value:   drawBytes(t, "value"),
		TTL:     maybe(t, "ttl", drawInt),
		Delta:   maybe(t, "delta", drawInt),
		Start:   maybe(t, "start", drawInt),
		End:     maybe(t, "end", drawInt),
		Version: maybe(t, "version", drawNumber[uint64]),
	}
}

func drawResult(t *rapid.T) Result {
	return Result{
		Kind:    drawEnum(t, "kind", resultEnd),
		Code:    drawEnum(t, "code", codeEnd),
		Int:     maybe(t, "int", drawInt),
		Version: maybe(t, "version", drawNumber[uint64]),
		Value:   drawBytes(t, "value"),
		List:    drawList(t, "list", func(t *rapid.T) []byte { return drawBytes(t, "item") }),
	}
}

func drawSession(t *rapid.T, _ string) Session {
	return Session{
		Client: drawNumber[uint64](t, "client"),
		Seq:    drawNumber[uint64](t, "seq"),
		Floor:  drawNumber[uint64](t, "floor"),
		Retry:  rapid.Bool().Draw(t, "retry"),
	}
}

// drawWork draws what of a request belongs into the log.
func drawWork(t *rapid.T) Request {
	return Request{Session: maybe(t, "session", drawSession), Commands: drawList(t, "commands", drawCommand)}
}

func drawShard(t *rapid.T, label string) ShardID { return ShardID(rapid.Uint32().Draw(t, label)) }

func drawRequest(t *rapid.T) Request {
	r := drawWork(t)
	r.Shard, r.Epoch, r.Cluster = drawShard(t, "shard"), drawNumber[Epoch](t, "epoch"), maybe(t, "cluster", drawNumber[uint64])
	return r
}

func drawResponse(t *rapid.T) Response {
	return Response{
		Outcome: drawEnum(t, "outcome", outcomeEnd),
		Reason:  drawEnum(t, "reason", reasonEnd),
		Leader:  maybe(t, "leader", drawNumber[NodeID]),
		Epoch:   maybe(t, "epoch", drawNumber[Epoch]),
		Results: drawList(t, "results", drawResult),
	}
}

func drawBatch(t *rapid.T) Batch {
	return Batch{
		Time:     drawInt(t, "time"),
		Proposer: drawNumber[ReplicaID](t, "proposer"),
		Number:   drawNumber[uint64](t, "number"),
		Victims: drawList(t, "victims", func(t *rapid.T) Victim {
			return Victim{Hash: drawNumber[uint64](t, "hash"), Version: drawNumber[uint64](t, "version")}
		}),
		Requests: drawList(t, "requests", drawWork),
	}
}

func drawMember(t *rapid.T) Member {
	text := func(label string) string { return string(drawBytes(t, label)) }
	return Member{
		ID:          drawNumber[NodeID](t, "id"),
		Incarnation: drawNumber[Incarnation](t, "incarnation"),
		Name:        text("name"),
		PeerAddr:    text("peer"),
		RESPAddr:    text("resp"),
		GRPCAddr:    text("grpc"),
		Weight:      rapid.Uint32().Draw(t, "weight"),
		State:       drawEnum(t, "state", memberEnd),
		Override:    rapid.Uint32().Draw(t, "override"),
		Draining:    rapid.Bool().Draw(t, "draining"),
	}
}

func drawReplica(t *rapid.T) Replica {
	return Replica{
		ID:          drawNumber[ReplicaID](t, "replica"),
		Node:        drawNumber[NodeID](t, "node"),
		Incarnation: drawNumber[Incarnation](t, "incarnation"),
		Role:        drawEnum(t, "role", roleEnd),
	}
}

func drawPlacement(t *rapid.T) Placement {
	return Placement{
		Shard:     drawShard(t, "shard"),
		Replicas:  drawList(t, "replicas", drawReplica),
		Preferred: drawNumber[NodeID](t, "preferred"),
		ConfIndex: drawNumber[uint64](t, "conf index"),
		Seal:      maybe(t, "seal", drawNumber[Epoch]),
		Losses:    maybe(t, "losses", drawNumber[uint64]),
		LostAt:    maybe(t, "lost at", drawInt),
		Founders:  drawReplicaIDs(t, "founders"),
	}
}

func drawClusterMap(t *rapid.T) ClusterMap {
	return ClusterMap{
		ClusterID:   drawNumber[uint64](t, "cluster"),
		Epoch:       drawNumber[Epoch](t, "epoch"),
		Shards:      rapid.Uint32().Draw(t, "shards"),
		Replication: rapid.Uint32().Draw(t, "replication"), Fewest: rapid.Uint32().Draw(t, "fewest"),
		NextReplica: drawNumber[ReplicaID](t, "next"),
		Policy:      rapid.Uint32().Draw(t, "policy"),
		Seed:        [2]uint64{rapid.Uint64().Draw(t, "seed"), rapid.Uint64().Draw(t, "seed")},
		Limits: Limits{MaxValue: drawNumber[uint64](t, "longest value"), SessionTTL: drawNumber[uint64](t, "session time"),
			SessionsMax: rapid.Uint32().Draw(t, "sessions"), SessionBytes: drawNumber[uint64](t, "session bytes"),
			ResetGrace: drawNumber[uint64](t, "reset grace")},
		Members:    drawList(t, "members", drawMember),
		Placements: drawList(t, "placements", drawPlacement),
	}
}

func maybePointer[T any](t *rapid.T, label string, draw func(*rapid.T) T) *T {
	if !rapid.Bool().Draw(t, label+"?") {
		return nil
	}
	v := draw(t)
	return &v
}

func drawMetaCommand(t *rapid.T) MetaCommand {
	return MetaCommand{
		Kind:        drawEnum(t, "kind", metaEnd),
		Shard:       maybe(t, "shard", drawShard),
		Node:        maybe(t, "node", drawNumber[NodeID]),
		Incarnation: maybe(t, "incarnation", drawNumber[Incarnation]),
		Replica:     maybe(t, "replica", drawNumber[ReplicaID]),
		State:       drawEnum(t, "state", memberEnd),
		Weight:      maybe(t, "weight", func(t *rapid.T, l string) uint32 { return rapid.Uint32().Draw(t, l) }),
		Index:       maybe(t, "index", func(t *rapid.T, l string) uint64 { return rapid.Uint64().Draw(t, l) }),
		Force:       rapid.Bool().Draw(t, "force"),
		IfEpoch:     maybe(t, "epoch", drawNumber[Epoch]),
		Voters:      drawReplicaIDs(t, "voters"),
		Learners:    drawReplicaIDs(t, "learners"),
		Member:      maybePointer(t, "member", drawMember),
		Map:         maybePointer(t, "map", drawClusterMap),
		Seal:        maybe(t, "seal", drawNumber[Epoch]),
		At:          maybe(t, "at", drawInt),
		Founders:    drawList(t, "founders", drawReplica),
	}
}

func drawReplicaIDs(t *rapid.T, label string) []ReplicaID {
	return drawList(t, label, func(t *rapid.T) ReplicaID { return drawNumber[ReplicaID](t, "replica") })
}

func drawConfState(t *rapid.T) ConfState {
	ids := func(label string) []uint64 {
		return drawList(t, label, func(t *rapid.T) uint64 { return drawNumber[uint64](t, "id") })
	}
	return ConfState{Voters: ids("voters"), Learners: ids("learners"), VotersOutgoing: ids("outgoing"), LearnersNext: ids("next"), AutoLeave: rapid.Bool().Draw(t, "auto leave"),
		Newest: ReplicaID(rapid.Uint64().Draw(t, "newest"))}
}

func drawSnapshotMeta(t *rapid.T) SnapshotMeta {
	return SnapshotMeta{Index: drawNumber[uint64](t, "index"), Term: drawNumber[uint64](t, "term"), Conf: drawConfState(t)}
}

// drawRaft draws entries that follow on one another more often than not, as a log's do.
func drawRaft(t *rapid.T) Raft {
	m := RaftMessage{
		Type:       uint8(rapid.IntRange(0, raftTypeEnd-1).Draw(t, "type")),
		To:         drawNumber[ReplicaID](t, "to"),
		From:       drawNumber[ReplicaID](t, "from"),
		Term:       drawNumber[uint64](t, "term"),
		LogTerm:    maybe(t, "log term", drawNumber[uint64]),
		Index:      maybe(t, "index", drawNumber[uint64]),
		Commit:     maybe(t, "commit", drawNumber[uint64]),
		Reject:     rapid.Bool().Draw(t, "reject"),
		RejectHint: maybe(t, "hint", drawNumber[uint64]),
		Context:    drawBytes(t, "context"),
		Snapshot:   maybePointer(t, "snapshot", drawSnapshotMeta),
		Stamp:      maybe(t, "stamp", drawInt),
		Promise:    maybe(t, "promise", drawNumber[uint64]),
	}
	term, index := m.Term, m.Index
	m.Entries = drawList(t, "entries", func(t *rapid.T) Entry {
		index++
		if rapid.IntRange(0, 3).Draw(t, "gap") == 0 {
			term, index = drawNumber[uint64](t, "term"), drawNumber[uint64](t, "index")
		}
		return Entry{Term: term, Index: index, Kind: drawEnum(t, "kind", entryEnd), Data: drawBytes(t, "data")}
	})
	return Raft{Shard: drawShard(t, "shard"), RaftMessage: m}
}

// drawMessage draws a message of a kind. There must be a case for every kind.
func drawMessage(t *rapid.T) Message {
	number := func(label string) uint64 { return drawNumber[uint64](t, label) }
	replica := func(label string) ReplicaID { return drawNumber[ReplicaID](t, label) }
	yes := func(label string) bool { return rapid.Bool().Draw(t, label) }
	switch kind := kindNone + 1 + drawEnum(t, "message", kindEnd-1); kind {
	case kindRaft:
		m := drawRaft(t)
		return &m
	case kindForward:
		return &Forward{ID: number("id"), TimeoutMillis: drawInt(t, "timeout"), Request: drawRequest(t)}
	case kindReply:
		return &Reply{ID: number("id"), Shard: drawShard(t, "shard"), Response: drawResponse(t)}
	case kindSnapshotChunk:
		return &SnapshotChunk{Shard: drawShard(t, "shard"), From: replica("from"), To: replica("to"), Term: number("term"),
			Meta: drawSnapshotMeta(t), Seq: number("seq"), Last: yes("last"), Data: drawBytes(t, "data")}
	case kindSnapshotAck:
		return &SnapshotAck{Shard: drawShard(t, "shard"), From: replica("from"), To: replica("to"), Index: number("index"), Next: number("next"), Done: yes("done"), Reject: yes("reject")}
	case kindHello:
		small := func(label string) uint32 { return rapid.Uint32().Draw(t, label) }
		return &Hello{Member: drawMember(t), Expect: small("expect"), Shards: small("shards"), Replicas: small("replicas"), ClusterID: number("cluster"),
			Epoch: drawNumber[Epoch](t, "epoch"), Pledged: number("pledged"), Answer: yes("answer"), Known: drawList(t, "known", drawMember)}
	case kindPledge:
		return &Pledge{Proposal: number("proposal"), Members: drawList(t, "members", drawMember)}
	case kindPledged:
		return &Pledged{Proposal: number("proposal"), Accept: yes("accept"), Other: number("other")}
	case kindMapUpdate:
		return &MapUpdate{Proposal: number("proposal"), Initial: yes("initial"), Map: maybePointer(t, "map", drawClusterMap)}
	case kindReport:
		return &Report{Shard: drawShard(t, "shard"), Replica: replica("replica"), Term: number("term"), Applied: number("applied"), Conf: drawConfState(t), CaughtUp: drawReplicaIDs(t, "caught up")}
	case kindGossip:
		return &Gossip{Data: drawBytes(t, "data")}
	case kindAsk:
		return &Ask{ID: number("id"), TimeoutMillis: drawInt(t, "timeout"), Op: drawEnum(t, "op", adminEnd), Shard: drawShard(t, "shard"),
			Node: drawNumber[NodeID](t, "node"), Weight: rapid.Uint32().Draw(t, "weight"), Force: yes("force"), Confirm: number("confirm")}
	case kindTold:
		m := &Told{ID: number("id"), Confirm: number("confirm"), Refusal: drawEnum(t, "refusal", refusalEnd),
			Lines: drawList(t, "lines", func(t *rapid.T) string { return string(drawBytes(t, "line")) })}
		for _, n := range m.Progress.numbers() {
			*n = number("progress")
		}
		return m
	case kindInspect:
		return &Inspect{ID: number("id"), Shard: drawShard(t, "shard"), WaitMillis: drawInt(t, "wait")}
	case kindInspected:
		return &Inspected{ID: number("id"), Shard: drawShard(t, "shard"), Term: number("term"), Conf: drawConfState(t),
			Well: drawReplicaIDs(t, "well"), Bytes: number("bytes"), Sent: number("sent")}
	case kindRoom:
		return &Room{Shard: drawShard(t, "shard"), From: ReplicaID(rapid.Uint64().Draw(t, "from")), Bytes: rapid.Int64().Draw(t, "bytes")}
	case kindRecall:
		return &Recall{Shard: drawShard(t, "shard"), ID: number("id"), Key: drawBytes(t, "key")}
	case kindUsed:
		return &Used{Shard: drawShard(t, "shard"), Each: rapid.Uint32().Draw(t, "each"), Hashes: drawList(t, "hashes", func(t *rapid.T) uint64 { return rapid.Uint64().Draw(t, "hash") })}
	case kindPing:
		after := func(t *rapid.T, label string) time.Duration {
			return time.Duration(rapid.Int64Range(0, int64(latenessMax/time.Microsecond)).Draw(t, label)) * time.Microsecond
		}
		return &Ping{Lane: drawShard(t, "lane"), Stamp: drawInt(t, "stamp"), Floor: after(t, "floor"), Says: drawList(t, "says", func(t *rapid.T) Lateness {
			return Lateness{Node: drawNumber[NodeID](t, "node"), After: after(t, "after")}
		})}
	case kindPong:
		return &Pong{Lane: drawShard(t, "lane"), Stamp: drawInt(t, "stamp")}
	case kindDropped:
		return &Dropped{Shard: drawShard(t, "shard"), ID: number("id")}
	case kindSealed:
		return &Sealed{Shard: drawShard(t, "shard"), Seal: drawNumber[Epoch](t, "seal"), Replica: replica("replica"), Applied: number("applied"), Last: number("last"), Conf: drawConfState(t)}
	default:
		panic("no generator for this kind of message")
	}
}

func drawFrame(t *rapid.T) Frame {
	return Frame{
		From:            drawNumber[NodeID](t, "from"),
		FromIncarnation: drawNumber[Incarnation](t, "from incarnation"),
		To:              drawNumber[NodeID](t, "to"),
		ToIncarnation:   drawNumber[Incarnation](t, "to incarnation"),
		Cluster:         drawNumber[uint64](t, "cluster"),
		Messages:        drawList(t, "messages", drawMessage),
	}
}
