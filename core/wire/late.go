package wire

import (
	"encoding/binary"
	"time"
)

// Ping asks a node's lane for a Pong, and says how late the sender has found others to answer. Who answers late
// to all had better not lead (core/late). It is unlogged, and may be lost, doubled or late: that is what it measures.
type Ping struct {
	Lane  ShardID       // of the sender: the Pong goes there
	Stamp int64         // the sender's monotonic clock
	Floor time.Duration // who answers sooner is not late to the sender, whose election timeout says so; in whole microseconds
	Says  []Lateness
}

// Lateness is how long a node takes to answer.
type Lateness struct {
	Node  NodeID
	After time.Duration // in whole microseconds
}

// Pong answers a Ping.
type Pong struct {
	Lane  ShardID
	Stamp int64 // of the Ping
}

// Group says which lane handles the message: that of the same number, as shards are spread over lanes.
func (m *Ping) Group() ShardID { return m.Lane }

// Group says which lane handles the message.
func (m *Pong) Group() ShardID { return m.Lane }

func (*Ping) kind() messageKind { return kindPing }
func (*Pong) kind() messageKind { return kindPong }

const (
	latenessMin = 9         // the least bytes that a Lateness takes
	latenessMax = time.Hour // whoever answers later is as late as that
)

func appendPing(b []byte, m *Ping) []byte {
	b = binary.AppendUvarint(b, uint64(m.Lane))
	b = appendVarint(b, m.Stamp)
	b = appendAfter(b, m.Floor)
	b = binary.AppendUvarint(b, uint64(len(m.Says)))
	for _, s := range m.Says {
		b = appendAfter(appendID(b, uint64(s.Node)), s.After)
	}
	return b
}

func appendAfter(b []byte, after time.Duration) []byte {
	return binary.AppendUvarint(b, uint64(min(max(after, 0), latenessMax)/time.Microsecond))
}

func (d *decoder) ping() *Ping {
	m := &Ping{Lane: ShardID(d.uint32("ping lane")), Stamp: d.varint("ping stamp"), Floor: d.after("ping floor"), Says: list[Lateness](d, "ping says", latenessMin)}
	for i := range m.Says {
		m.Says[i] = Lateness{Node: NodeID(d.id("ping node")), After: d.after("ping after")}
	}
	return m
}

func (d *decoder) after(field string) time.Duration {
	at, n := d.pos, d.uvarint(field)
	if n > uint64(latenessMax/time.Microsecond) {
		d.fail(at, field, "is too long")
		return 0
	}
	return time.Duration(n) * time.Microsecond
}

func appendPong(b []byte, m *Pong) []byte {
	b = binary.AppendUvarint(b, uint64(m.Lane))
	return appendVarint(b, m.Stamp)
}

func (d *decoder) pong() *Pong {
	return &Pong{Lane: ShardID(d.uint32("pong lane")), Stamp: d.varint("pong stamp")}
}
