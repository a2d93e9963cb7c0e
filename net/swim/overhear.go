package swim

import (
	"encoding/binary"

	"github.com/hashicorp/go-msgpack/v2/codec"
)

// memberlist tells nobody when it suspects a node: there is no such event, and the Node.State that
// Members and delegates see is never set (v0.7.0 keeps the state in a field that hides it). But it
// says so to the other nodes, and all that it says goes through our transport. What this node says
// aloud of a life (suspect, alive) is what it believes: memberlist queues one message for each
// name, and a newer belief pushes the older one out of the queue. So the transport overhears its
// own node. It takes one round of gossip until memberlist says what it believes.
//
// The format is fixed by the pinned version of memberlist; the contract suite fails when
// suspicions are no longer heard. A packet that cannot be read is none of our business.

// memberlist's message types, in its own numbers (memberlist/net.go).
const (
	mlSuspect  = 3
	mlAlive    = 4
	mlCompound = 7
	mlHasCRC   = 12
)

// saying is what a node says of a life.
type saying struct {
	suspect     bool   // else: alive
	Node        string // memberlist's name of it
	Incarnation uint32 // SWIM's: grows when the life refutes
}

// overhear calls heard with every saying in a packet.
func overhear(packet []byte, heard func(saying)) {
	if len(packet) > 5 && packet[0] == mlHasCRC {
		packet = packet[5:]
	}
	if len(packet) < 2 {
		return
	}
	if packet[0] != mlCompound {
		overhearOne(packet, heard)
		return
	}
	count, rest := int(packet[1]), packet[2:]
	if len(rest) < 2*count {
		return
	}
	sizes, rest := rest[:2*count], rest[2*count:]
	for i := range count {
		size := int(binary.BigEndian.Uint16(sizes[2*i:]))
		if size > len(rest) {
			return
		}
		overhearOne(rest[:size], heard)
		rest = rest[size:]
	}
}

func overhearOne(message []byte, heard func(saying)) {
	if len(message) < 2 || message[0] != mlSuspect && message[0] != mlAlive {
		return
	}
	s := saying{}
	if err := codec.NewDecoderBytes(message[1:], &codec.MsgpackHandle{}).Decode(&s); err != nil {
		return
	}
	s.suspect = message[0] == mlSuspect
	heard(s)
}
