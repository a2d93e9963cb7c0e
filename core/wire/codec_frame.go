package wire

import (
	"encoding/binary"
	"fmt"
)

// messageMin is the least that a message takes: its kind and an empty Gossip's length.
const messageMin = 2

// AppendFrame appends a frame's binary form.
func AppendFrame(b []byte, f *Frame) []byte { return appendFrame(b, f, nil) }

func appendFrame(b []byte, f *Frame, apart *Apart) []byte {
	b = append(b, frameVersion)
	b = appendID(b, uint64(f.From))
	b = binary.AppendUvarint(b, uint64(f.FromIncarnation))
	b = appendID(b, uint64(f.To))
	b = binary.AppendUvarint(b, uint64(f.ToIncarnation))
	b = appendID(b, f.Cluster)
	b = binary.AppendUvarint(b, uint64(len(f.Messages)))
	for _, m := range f.Messages {
		b = appendMessage(b, m, apart)
	}
	return b
}

// DecodeFrame reads a frame. Byte slices in it alias b: who keeps a part of a frame keeps all
// of b, and nobody may write to b again.
func DecodeFrame(b []byte) (*Frame, error) {
	d, f := decoder{data: b}, new(Frame)
	if v := d.byte("frame version"); v != frameVersion {
		d.fail(0, "frame version", fmt.Sprintf("%d is not %d", v, frameVersion))
	}
	f.From = NodeID(d.id("frame from"))
	f.FromIncarnation = Incarnation(d.uvarint("frame from incarnation"))
	f.To = NodeID(d.id("frame to"))
	f.ToIncarnation = Incarnation(d.uvarint("frame to incarnation"))
	f.Cluster = d.id("frame cluster")
	f.Messages = list[Message](&d, "frame messages", messageMin)
	d.messages(f.Messages)
	if err := d.end(); err != nil {
		return nil, err
	}
	return f, nil
}

// raftsAtOnce is how many raft messages are allocated together. A frame of heartbeats holds
// dozens; what a frame's receiver keeps of one are its entries' data, which lie elsewhere.
const raftsAtOnce = 8

func (d *decoder) messages(messages []Message) {
	var rafts []Raft
	for i := range messages {
		at := d.pos
		kind := messageKind(d.byte("message kind"))
		if kind == kindRaft {
			if len(rafts) == 0 {
				rafts = make([]Raft, min(len(messages)-i, raftsAtOnce))
			}
			d.raft(&rafts[0])
			messages[i], rafts = &rafts[0], rafts[1:]
		} else {
			messages[i] = d.message(at, kind)
		}
		if d.err != nil {
			return
		}
	}
}

func appendMessage(b []byte, m Message, apart *Apart) []byte {
	b = append(b, byte(m.kind()))
	switch m := m.(type) {
	case *Raft:
		return appendRaft(b, m, apart)
	case *Forward:
		b = binary.AppendUvarint(b, m.ID)
		b = appendVarint(b, m.TimeoutMillis)
		return appendRequest(b, &m.Request, apart)
	case *Reply:
		b = binary.AppendUvarint(b, m.ID)
		b = binary.AppendUvarint(b, uint64(m.Shard))
		return appendResponse(b, &m.Response, apart)
	case *SnapshotChunk:
		return appendSnapshotChunk(b, m, apart)
	case *SnapshotAck:
		return appendSnapshotAck(b, m)
	case *Hello:
		return appendHello(b, m)
	case *Pledge:
		b = binary.AppendUvarint(b, m.Proposal)
		return appendMembers(b, m.Members)
	case *Pledged:
		b = binary.AppendUvarint(b, m.Proposal)
		b = appendBool(b, m.Accept)
		return binary.AppendUvarint(b, m.Other)
	case *MapUpdate:
		return appendMapUpdate(b, m)
	case *Report:
		return appendReport(b, m)
	case *Gossip:
		return appendBytes(b, m.Data)
	case *Ask:
		return appendAsk(b, m)
	case *Told:
		return appendTold(b, m)
	case *Inspect:
		b = binary.AppendUvarint(b, m.ID)
		b = binary.AppendUvarint(b, uint64(m.Shard))
		return appendVarint(b, m.WaitMillis)
	case *Inspected:
		return appendInspected(b, m)
	case *Used:
		return appendUsed(b, m)
	case *Room:
		return appendRoom(b, m)
	case *Recall:
		return AppendRecall(b, m)
	case *Sealed:
		return appendSealed(b, m)
	case *Ping:
		return appendPing(b, m)
	case *Pong:
		return appendPong(b, m)
	case *Dropped:
		return appendDropped(b, m)
	}
	panic(fmt.Sprintf("wire: message %T has no binary form", m))
}

// message reads the body of a message of any kind but Raft. The kind stood at byte at.
func (d *decoder) message(at int, kind messageKind) Message {
	switch kind {
	case kindForward:
		m := &Forward{ID: d.uvarint("forward ID"), TimeoutMillis: d.varint("forward timeout")}
		d.request(&m.Request, anyNumber)
		return m
	case kindReply:
		m := &Reply{ID: d.uvarint("reply ID"), Shard: ShardID(d.uint32("reply shard"))}
		d.response(&m.Response)
		return m
	case kindSnapshotChunk:
		return d.snapshotChunk()
	case kindSnapshotAck:
		return d.snapshotAck()
	case kindHello:
		return d.hello()
	case kindPledge:
		return &Pledge{Proposal: d.uvarint("pledge proposal"), Members: d.members("pledge members")}
	case kindPledged:
		return &Pledged{Proposal: d.uvarint("pledged proposal"), Accept: d.bool("pledged accept"), Other: d.uvarint("pledged other")}
	case kindMapUpdate:
		return d.mapUpdate()
	case kindReport:
		return d.report()
	case kindGossip:
		return &Gossip{Data: d.bytes("gossip data")}
	case kindAsk:
		return d.ask()
	case kindTold:
		return d.told()
	case kindInspect:
		return &Inspect{ID: d.uvarint("inspect ID"), Shard: ShardID(d.uint32("inspect shard")), WaitMillis: d.varint("inspect wait")}
	case kindInspected:
		return d.inspected()
	case kindUsed:
		return d.used()
	case kindRoom:
		return d.room()
	case kindRecall:
		return d.recall()
	case kindSealed:
		return d.sealed()
	case kindPing:
		return d.ping()
	case kindPong:
		return d.pong()
	case kindDropped:
		return d.dropped()
	}
	d.fail(at, "message kind", fmt.Sprintf("%d is not known", kind))
	return nil
}

func appendSnapshotChunk(b []byte, m *SnapshotChunk, apart *Apart) []byte {
	b = binary.AppendUvarint(b, uint64(m.Shard))
	b = binary.AppendUvarint(b, uint64(m.From))
	b = binary.AppendUvarint(b, uint64(m.To))
	b = binary.AppendUvarint(b, m.Term)
	b = appendSnapshotMeta(b, &m.Meta)
	b = binary.AppendUvarint(b, m.Seq)
	b = appendBool(b, m.Last)
	return apart.bytes(b, m.Data)
}

func (d *decoder) snapshotChunk() *SnapshotChunk {
	m := &SnapshotChunk{Shard: ShardID(d.uint32("chunk shard")), From: ReplicaID(d.uvarint("chunk from")),
		To: ReplicaID(d.uvarint("chunk to")), Term: d.uvarint("chunk term")}
	d.snapshotMeta(&m.Meta)
	m.Seq, m.Last, m.Data = d.uvarint("chunk seq"), d.bool("chunk last"), d.bytes("chunk data")
	return m
}

func appendSnapshotAck(b []byte, m *SnapshotAck) []byte {
	b = binary.AppendUvarint(b, uint64(m.Shard))
	b = binary.AppendUvarint(b, uint64(m.From))
	b = binary.AppendUvarint(b, uint64(m.To))
	b = binary.AppendUvarint(b, m.Index)
	b = binary.AppendUvarint(b, m.Next)
	b = appendBool(b, m.Done)
	return appendBool(b, m.Reject)
}

func (d *decoder) snapshotAck() *SnapshotAck {
	return &SnapshotAck{Shard: ShardID(d.uint32("ack shard")), From: ReplicaID(d.uvarint("ack from")), To: ReplicaID(d.uvarint("ack to")),
		Index: d.uvarint("ack index"), Next: d.uvarint("ack next"), Done: d.bool("ack done"), Reject: d.bool("ack reject")}
}

func appendHello(b []byte, m *Hello) []byte {
	b = appendMember(b, &m.Member)
	b = binary.AppendUvarint(b, uint64(m.Expect))
	b = binary.AppendUvarint(b, uint64(m.Shards))
	b = binary.AppendUvarint(b, uint64(m.Replicas))
	b = appendID(b, m.ClusterID)
	b = binary.AppendUvarint(b, uint64(m.Epoch))
	b = binary.AppendUvarint(b, m.Pledged)
	b = appendBool(b, m.Answer)
	return appendMembers(b, m.Known)
}

func (d *decoder) hello() *Hello {
	m := new(Hello)
	d.member(&m.Member)
	m.Expect, m.Shards, m.Replicas = d.uint32("hello expect"), d.uint32("hello shards"), d.uint32("hello replicas")
	m.ClusterID = d.id("hello cluster ID")
	m.Epoch = Epoch(d.uvarint("hello epoch"))
	m.Pledged = d.uvarint("hello pledged")
	m.Answer = d.bool("hello answer")
	m.Known = d.members("hello known")
	return m
}

// Bits of a map update's head.
const (
	isInitial = 1 << iota
	hasMap
)

func appendMapUpdate(b []byte, m *MapUpdate) []byte {
	b = binary.AppendUvarint(b, m.Proposal)
	b = append(b, bit(m.Initial, 0)|bit(m.Map != nil, 1))
	if m.Map != nil {
		b = AppendClusterMap(b, m.Map)
	}
	return b
}

func (d *decoder) mapUpdate() *MapUpdate {
	m := &MapUpdate{Proposal: d.uvarint("map update proposal")}
	head := d.bits("map update head", isInitial|hasMap)
	m.Initial = head&isInitial != 0
	if head&hasMap != 0 {
		m.Map = new(ClusterMap)
		d.clusterMap(m.Map)
	}
	return m
}

func appendReport(b []byte, m *Report) []byte {
	b = binary.AppendUvarint(b, uint64(m.Shard))
	b = binary.AppendUvarint(b, uint64(m.Replica))
	b = binary.AppendUvarint(b, m.Term)
	b = binary.AppendUvarint(b, m.Applied)
	b = appendConfState(b, &m.Conf)
	return appendUvarints(b, m.CaughtUp)
}

func (d *decoder) report() *Report {
	m := &Report{Shard: ShardID(d.uint32("report shard")), Replica: ReplicaID(d.uvarint("report replica")),
		Term: d.uvarint("report term"), Applied: d.uvarint("report applied")}
	d.confState(&m.Conf)
	m.CaughtUp = uvarints[ReplicaID](d, "report caught up")
	return m
}
