package torcv1

import (
	"encoding/binary"
	"errors"
)

// A batch is a Packet that carries others: everything that one side has for the other at one moment, in one message.
//
//	Body | (kind 1 | id uvarint | timeout uvarint | length uvarint | body) for each packet
//
// Batches do not carry batches. They save most of what a message costs, and are what lets a call on a thousand keys
// be one request to each node.

// ErrBatch says that a body is no batch.
var ErrBatch = errors.New("torcv1: malformed batch")

// AppendPacket appends a packet to a batch's body.
func AppendPacket(b []byte, p *Packet) []byte {
	b = append(b, byte(p.Kind))
	b = binary.AppendUvarint(b, p.Id)
	b = binary.AppendUvarint(b, uint64(p.TimeoutMillis))
	b = binary.AppendUvarint(b, uint64(len(p.Body)))
	return append(b, p.Body...)
}

// PacketOverhead is the most that a packet takes in a batch beside its body.
const PacketOverhead = 1 + 10 + 5 + 10

// NextPacket takes the next packet off a batch's body and returns what follows. The packet's body aliases it.
func NextPacket(b []byte) (p *Packet, rest []byte, err error) {
	if len(b) == 0 {
		return nil, nil, ErrBatch
	}
	p = &Packet{Kind: uint32(b[0])}
	b = b[1:]
	var numbers [3]uint64
	for i := range numbers {
		n, size := binary.Uvarint(b)
		if size <= 0 {
			return nil, nil, ErrBatch
		}
		numbers[i], b = n, b[size:]
	}
	if numbers[1] > 1<<32-1 || numbers[2] > uint64(len(b)) || p.Kind == PacketBatch {
		return nil, nil, ErrBatch
	}
	end := int(numbers[2])
	p.Id, p.TimeoutMillis, p.Body = numbers[0], uint32(numbers[1]), b[:end:end]
	return p, b[end:], nil
}
