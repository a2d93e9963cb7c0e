package wire

import (
	"encoding/binary"
	"errors"
)

// The binary form.
//
// Two numbers and one rule make up nearly all of it:
//
//	uvarint  an unsigned number, 7 bits a byte, lowest first, the top bit says "more follows";
//	         always the shortest form (encoding/binary's varint, without its leeway)
//	varint   a signed number, zigzag (0 -1 1 -2 2 ... become 0 1 2 3 4 ...), then as uvarint
//	id       8 bytes, little end first, for numbers that are hashes or random: a uvarint would
//	         need 9 or 10
//	bytes    uvarint length, then as many bytes
//	list     uvarint count, then as many items
//	(1)      a plain byte
//
// The rule: a field with a presence bit is written when it is not zero, and only then. So there
// is one form for each value, and a field at rest costs nothing. Nil and empty are the same
// and decode to nil.
//
//	Frame     | version (1) | From id | FromIncarnation | To id | ToIncarnation | Cluster id | list of Message |
//	Message   | kind (1) | body |
//
//	Command   | Op (1) | Has (1) | Key? | Value? | Flags? | TTLKind? (1) | TTL? | Delta? | Start End? | Version? |
//	             Has:  7 Version  6 Start/End  5 Delta  4 TTL  3 TTLKind  2 Flags  1 Value  0 Key
//
//	Result    | Head (1) | Code? (1) | Int? | Version? | Value? | List? |
//	             Head: 7 List  6 Value  5 Version  4 Int  3 Code  2..0 Kind
//
//	Request   | Shard | Epoch | Work | Cluster? id |
//	Work      | Head (1) | (Client id, Seq, Floor)? | list of Command |
//	             Head: 7..3 zero  2 Cluster (a request's alone)  1 Retry  0 Session
//	Response  | Head (1) | Reason? (1) | Leader? id | Epoch? | Results? list |
//	             Head: 7..6 zero  5 Results  4 Epoch  3 Leader  2 Reason  1..0 Outcome
//	Batch     | Time varint | Proposer | Number | commands in all | list of Work |
//
// "Commands in all" lets a decoder take one piece of memory for every command of a batch.
//
//	Raft      | Shard | Head (1) | Has (1) | To | From | Term | LogTerm? | Index? | Commit? | RejectHint? | Context? | Entries? | Snapshot? | Stamp? | Promise? |
//	             Head: 7 Stamp  6 Reject  5..0 Type
//	             Has:  7 Promise  6 Snapshot  5 Entries  4 Context  3 RejectHint  2 Commit  1 Index  0 LogTerm
//	Entry     | Head (1) | Term? | Index? | Data? |
//	             Head: 7..5 zero  4 Data  3 Index  2 Term  1..0 Kind
//	Snapshot  | Index | Term | ConfState |
//	ConfState | Head (1) | Voters? | Learners? | VotersOutgoing? | LearnersNext? | Newest? |
//	             Head: 7..6 zero  5 Newest  4 AutoLeave  3..0 the lists, Voters lowest
//
// An entry's Term and Index are left out when they are what one expects: the term of the entry
// before it and its index plus one (for the first: the message's Term and Index plus one,
// which is what an append says). So an entry costs 2 or 3 bytes more than its data.
//
// A heartbeat of a group that has been up for a day (Stamp):
//
//	kind 1 | Shard 1 | Head 1 | Has 1 | To 2 | From 2 | Term 1 | Commit 3 | Stamp 7      19 bytes
//
// and SET of a key of 16 bytes to a value of 100, in a batch:
//
//	Head 1 | count 1 | Op 1 | Has 1 | length 1 | key 16 | length 1 | value 100          122 bytes
//
// Cluster maps, members, meta commands and the rarer messages are plain sequences of their
// fields in the order of the struct (see their Append functions).

// frameVersion is the first byte of every frame. Nodes of one cluster must agree on it.
const frameVersion = 2

// ErrMalformed says that bytes are no value's binary form. What was wrong, and at which byte,
// is in the text of the error that wraps it.
var ErrMalformed = errors.New("wire: malformed")

func appendVarint(b []byte, v int64) []byte {
	return binary.AppendUvarint(b, uint64(v)<<1^uint64(v>>63))
}

func appendID(b []byte, v uint64) []byte { return binary.LittleEndian.AppendUint64(b, v) }

func appendBytes(b, v []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

func appendString(b []byte, v string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

// bit is the byte whose bit n is set if ok.
func bit(ok bool, n uint) byte {
	if ok {
		return 1 << n
	}
	return 0
}

func appendBool(b []byte, v bool) []byte { return append(b, bit(v, 0)) }

func appendUvarints[T ~uint64](b []byte, list []T) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, v := range list {
		b = binary.AppendUvarint(b, uint64(v))
	}
	return b
}
