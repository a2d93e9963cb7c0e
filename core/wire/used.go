package wire

import "encoding/binary"

// Used tells a follower which keys the leader's readers have used, by their hashes, in order. It is a
// hint for the day when the follower leads and must choose what to give up (core/evict): it may
// be lost, doubled or late, and only a part of all uses is told when there are many.
type Used struct {
	Shard  ShardID
	Each   uint32 // each stands for so many uses
	Hashes []uint64
}

// Group says which lane handles the message.
func (m *Used) Group() ShardID { return m.Shard }

func (*Used) kind() messageKind { return kindUsed }

func appendUsed(b []byte, m *Used) []byte {
	b = binary.AppendUvarint(b, uint64(m.Shard))
	b = binary.AppendUvarint(b, uint64(m.Each))
	b = binary.AppendUvarint(b, uint64(len(m.Hashes)))
	for _, hash := range m.Hashes {
		b = appendID(b, hash)
	}
	return b
}

func (d *decoder) used() *Used {
	m := &Used{Shard: ShardID(d.uint32("used shard")), Each: d.uint32("used each"), Hashes: list[uint64](d, "used hashes", 8)}
	for i := range m.Hashes {
		m.Hashes[i] = d.id("used hash")
	}
	return m
}
