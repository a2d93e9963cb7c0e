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
	return AppendPlain(b, Plain{ID: p.Id, Kind: p.Kind, TimeoutMillis: p.TimeoutMillis, Body: p.Body})
}

// AppendPlain is AppendPacket for those who have no message made.
func AppendPlain(b []byte, p Plain) []byte {
	b = append(b, byte(p.Kind))
	b = binary.AppendUvarint(b, p.ID)
	b = binary.AppendUvarint(b, uint64(p.TimeoutMillis))
	b = binary.AppendUvarint(b, uint64(len(p.Body)))
	return append(b, p.Body...)
}

// PacketOverhead is the most that a packet takes in a batch beside its body.
const PacketOverhead = 1 + 10 + 5 + 10

// Plain is a Packet without protobuf's own state: a value, which costs no memory.
type Plain struct {
	ID            uint64
	Kind          uint32
	TimeoutMillis uint32
	Body          []byte
}

// NextPacket takes the next packet off a batch's body and returns what follows. The packet's body aliases it.
func NextPacket(b []byte) (*Packet, []byte, error) {
	p, rest, err := NextPlain(b)
	if err != nil {
		return nil, nil, err
	}
	return &Packet{Id: p.ID, Kind: p.Kind, TimeoutMillis: p.TimeoutMillis, Body: p.Body}, rest, nil
}

// NextPlain is NextPacket for those who want no message made.
func NextPlain(b []byte) (p Plain, rest []byte, err error) {
	if len(b) == 0 {
		return Plain{}, nil, ErrBatch
	}
	p.Kind = uint32(b[0])
	b = b[1:]
	var numbers [3]uint64
	for i := range numbers {
		n, size := binary.Uvarint(b)
		if size <= 0 {
			return Plain{}, nil, ErrBatch
		}
		numbers[i], b = n, b[size:]
	}
	if numbers[1] > 1<<32-1 || numbers[2] > uint64(len(b)) || p.Kind == PacketBatch {
		return Plain{}, nil, ErrBatch
	}
	end := int(numbers[2])
	p.ID, p.TimeoutMillis, p.Body = numbers[0], uint32(numbers[1]), b[:end:end]
	return p, b[end:], nil
}
