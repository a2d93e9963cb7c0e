package gossip

import "torc/core/wire"

// Status is what the membership protocol believes about one life of a node.
type Status uint8

// The beliefs, worst last; Left is a goodbye.
const (
	Alive Status = iota
	Suspect
	Dead
	Left
)

func (s Status) String() string {
	return [...]string{"alive", "suspect", "dead", "left"}[s&3]
}

// Event is a change of belief about one incarnation of a node.
type Event struct {
	Node        wire.NodeID
	Incarnation wire.Incarnation
	Status      Status
	Digest      []byte // what the node says about itself (Health), when it came along

	// Refuted counts how often this life has refuted its own death, as far as the feed
	// knows: SWIM's incarnation number, or the number of times the feed saw the same life
	// come back. A feed that delivers its events in order and never sees a life come back
	// may leave it zero.
	Refuted uint64
}

// Feed is the port through which the membership protocol advises a node. net/swim
// (memberlist) and sim (a hostile SWIM) implement it. Safety never depends on it.
type Feed interface {
	// Subscribe gives the function that takes events, one at a time.
	Subscribe(func(Event))
	// SetDigest sets what this node says about itself: a Health, encoded.
	SetDigest([]byte)
	// Leave says goodbye.
	Leave()
}
