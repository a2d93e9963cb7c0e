package trace

import (
	"fmt"

	"torc/core/wire"
)

// Kind says what happened. The comment names what the event's fields mean for it.
type Kind uint8

// The kinds.
const (
	None Kind = iota

	// Network (emitted by the world). A = message kind or raft type, B = frame number.
	Send
	Deliver
	Drop
	Duplicate

	// Groups (emitted by core). Replica is the emitter's replica.
	Role     // A = raft state (0 follower, 1 candidate, 2 leader, 3 pre-candidate), B = leader's replica
	Commit   // Index
	Apply    // Index, A = digest of the state after it
	Conf     // Index, A = number of voters, B = number of learners, Note = the configuration
	Lease    // A = 1 gained, 0 lost
	Snapshot // Index, A = 0 sent, 1 installed, 2 failed

	// Membership (emitted by core).
	Map     // A = epoch, B = digest of the map
	Member  // A = node, B = incarnation, Note = what gossip believes now
	Founded // A = cluster ID

	// Operations (emitted by the world's clients). A = operation number.
	Invoke // Note = the operation
	Return // Note = the outcome

	// Faults (emitted by the world). Note says which.
	Fault
	Crash
	Restart
	Pause
	Resume

	// Verdicts.
	Violation // Note says which oracle and what it saw

	// Links (emitted by the world). Nothing passes from Node to Peer, until it does again. They stand
	// last because a kind's number is part of every hash.
	Cut
	Mend

	// Rare branches (emitted by core). They come last so that the numbers of the others stay.
	Log    // A = 0 cut at its front up to Index, 1 entries from Index on replaced by another leader's
	Repeat // A = retries in one entry that were answered from the session table
	Lost   // Shard is begun anew, empty: its quorum was lost for good. A = how often that has happened to it
	Evict  // Index, A = hash of a key that was to make room, B = the version in which it was chosen, Term = 1 if it stays, because it was written since
	Held   // A = 1 a copy of a hot key is taken, 2 it answers a read, 0 it is dropped because the leader wants it back; B = the key's hash
	kindEnd
)

var kindNames = [kindEnd]string{
	"none", "send", "deliver", "drop", "duplicate", "role", "commit", "apply", "conf", "lease", "snapshot",
	"map", "member", "founded", "invoke", "return", "fault", "crash", "restart", "pause", "resume", "violation",
	"cut", "mend", "log", "repeat", "lost", "evict", "held",
}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// KindNamed is the kind with this name.
func KindNamed(name string) (k Kind, ok bool) {
	for k, known := range kindNames {
		if known == name && k > 0 {
			return Kind(k), true
		}
	}
	return None, false
}

// KindNames are the names of all kinds, in their order.
func KindNames() []string { return append([]string(nil), kindNames[1:]...) }

// Event is one thing that happened.
type Event struct {
	At      int64 // nanoseconds of the world's time; stamped by the world, zero in production
	Kind    Kind
	Node    wire.NodeID
	Peer    wire.NodeID // the other node, where there is one
	Shard   wire.ShardID
	Replica wire.ReplicaID
	Term    uint64
	Index   uint64
	A, B    uint64
	Note    string
}

// Sink takes events, in order, on the emitter's thread.
type Sink interface {
	Emit(Event)
}

func (e Event) String() string {
	return fmt.Sprintf("%5d.%06d %-9s node=%v peer=%v shard=%d replica=%d term=%d index=%d a=%d b=%d %s",
		e.At/1e9, e.At%1e9/1e3, e.Kind, e.Node, e.Peer, e.Shard, e.Replica, e.Term, e.Index, e.A, e.B, e.Note)
}
