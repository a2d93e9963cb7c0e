package swim

import (
	"encoding/binary"
	"errors"
)

// What travels in a wire.Gossip:
//
//	kind (1 byte)  sender's peer address (length, bytes)  then for a packet: its bytes
//	                                                      for a chunk: stream (8 bytes), number, bytes
type envelopeKind byte

const (
	packet       envelopeKind = 1 // one of memberlist's packets
	fromDialer   envelopeKind = 2 // a chunk of a stream, from the side that opened it
	fromAccepter envelopeKind = 3 // a chunk of a stream, from the other side
	dialerEnds   envelopeKind = 4 // the last chunk, empty
	accepterEnds envelopeKind = 5
)

// envelope is one message between two transports.
type envelope struct {
	kind   envelopeKind
	from   string
	stream uint64
	number uint64 // chunks of one direction count from 0
	data   []byte
}

// addrMax bounds a peer address: a host name has at most 253 bytes.
const addrMax = 300

var errEnvelope = errors.New("swim: gossip message does not decode")

func (e *envelope) encode() []byte {
	b := make([]byte, 0, 32+len(e.from)+len(e.data))
	b = append(b, byte(e.kind))
	b = binary.AppendUvarint(b, uint64(len(e.from)))
	b = append(b, e.from...)
	if e.kind != packet {
		b = binary.BigEndian.AppendUint64(b, e.stream)
		b = binary.AppendUvarint(b, e.number)
	}
	return append(b, e.data...)
}

// decodeEnvelope reads a message; its data is part of b.
func decodeEnvelope(b []byte) (e envelope, err error) {
	if len(b) == 0 || b[0] < byte(packet) || b[0] > byte(accepterEnds) {
		return e, errEnvelope
	}
	e.kind, b = envelopeKind(b[0]), b[1:]
	size, n := binary.Uvarint(b)
	if n <= 0 || size == 0 || size > addrMax || size > uint64(len(b)-n) {
		return e, errEnvelope
	}
	e.from, b = string(b[n:n+int(size)]), b[n+int(size):]
	if e.kind != packet {
		if len(b) < 9 {
			return e, errEnvelope
		}
		e.stream, b = binary.BigEndian.Uint64(b), b[8:]
		if e.number, n = binary.Uvarint(b); n <= 0 {
			return e, errEnvelope
		}
		b = b[n:]
	}
	e.data = b
	return e, nil
}
