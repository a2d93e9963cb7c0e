package wire

import "encoding/binary"

// Recall asks a client or a node that keeps a key (FlagCache) to drop it: somebody is about to change it. It drops the key, takes no
// answer for it that was asked for before, and then says so to the node that asked: a client by OpDropped with the same ID, a node by Dropped.
// Until then, or until the promise has run out, the change waits. A recall may be lost, doubled or late.
type Recall struct {
	Shard ShardID
	ID    uint64 // never used twice by any leader, and never 0
	Key   []byte
}

// Dropped is a node's answer to a Recall. It may be lost, doubled or late as well. It goes to none but a node that has sent a recall, so one
// of a version that knows no such message is never sent it. From a life that ends it comes unasked; a version that does not know that
// takes it for the answer to a recall which it has not sent.
type Dropped struct {
	Shard ShardID
	ID    uint64 // of the Recall; 0: the life that says so holds no key of the shard any more, and never will
}

// Holder is a Sink of a client, or of a node, that can be asked to drop what it keeps. Equal holders are one client; a Holder must be comparable.
type Holder interface {
	Sink
	// Recall passes the question on, or loses it. Like Deliver it is called on the loop that owns the shard, and must not block.
	Recall(m *Recall)
}

// HolderOf is the holder behind a sink, if there is one: a sink that stands before another may say so by Unwrap.
func HolderOf(s Sink) (Holder, bool) {
	for {
		if h, ok := s.(Holder); ok {
			return h, true
		}
		before, ok := s.(interface{ Unwrap() Sink })
		if !ok {
			return nil, false
		}
		s = before.Unwrap()
	}
}

// Group says which lane handles the message: of a node; a client has none.
func (m *Recall) Group() ShardID { return m.Shard }

func (*Recall) kind() messageKind { return kindRecall }

// Group says which lane handles the message.
func (m *Dropped) Group() ShardID { return m.Shard }

func (*Dropped) kind() messageKind { return kindDropped }

// AppendRecall appends a recall's binary form.
func AppendRecall(b []byte, m *Recall) []byte {
	b = binary.AppendUvarint(b, uint64(m.Shard))
	b = appendID(b, m.ID)
	return appendBytes(b, m.Key)
}

// DecodeRecall reads a recall. Its key aliases b.
func DecodeRecall(b []byte) (*Recall, error) {
	d := decoder{data: b}
	m := d.recall()
	if err := d.end(); err != nil {
		return nil, err
	}
	return m, nil
}

func (d *decoder) recall() *Recall {
	return &Recall{Shard: ShardID(d.uint32("recall shard")), ID: d.id("recall ID"), Key: d.bytes("recall key")}
}

func appendDropped(b []byte, m *Dropped) []byte {
	b = binary.AppendUvarint(b, uint64(m.Shard))
	return appendID(b, m.ID)
}

func (d *decoder) dropped() *Dropped {
	return &Dropped{Shard: ShardID(d.uint32("dropped shard")), ID: d.id("dropped ID")}
}
