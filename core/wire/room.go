package wire

import "encoding/binary"

// Room tells a shard's leader how many bytes the shard may hold at one of its replicas, as the memory of that
// replica's node has it: who leads gives up keys, or refuses, before any of them is full. It is unlogged, and may be
// lost, doubled or late.
type Room struct {
	Shard ShardID
	From  ReplicaID
	Bytes int64
}

// Group says which lane handles the message.
func (m *Room) Group() ShardID { return m.Shard }

func (*Room) kind() messageKind { return kindRoom }

func appendRoom(b []byte, m *Room) []byte {
	b = binary.AppendUvarint(b, uint64(m.Shard))
	b = binary.AppendUvarint(b, uint64(m.From))
	return appendVarint(b, m.Bytes)
}

func (d *decoder) room() *Room {
	return &Room{Shard: ShardID(d.uint32("room shard")), From: ReplicaID(d.uvarint("room from")), Bytes: d.varint("room bytes")}
}
