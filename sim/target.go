package sim

import (
	"fmt"

	"torc/core/wire"
)

// Target names a node by its part in the play; which one it is shows when the fault strikes.
// It is plain data, so that a script can be written down, read back and shrunk.
type Target struct {
	kind   targetKind
	number int    // of the node; of the shard
	place  int    // a follower's, in the circle of nodes after the leader
	part   string // what Cast called it
}

type targetKind uint8

const (
	targetNode targetKind = iota
	targetLeader
	targetFollower
	targetRandom
	targetPart
	targetVoter
	targetSender
	targetReceiver
)

// Node is the node with this number, counted from 1.
func Node(number int) Target { return Target{kind: targetNode, number: number} }

// Leader is the node that was elected last in a shard.
func Leader(shard wire.ShardID) Target { return Target{kind: targetLeader, number: int(shard)} }

// Follower is the i-th node, counted from 1, after the shard's leader in the circle of nodes.
func Follower(shard wire.ShardID, i int) Target {
	return Target{kind: targetFollower, number: int(shard), place: i}
}

// Random is a node drawn from the stream of faults.
func Random() Target { return Target{kind: targetRandom} }

// Part is the node that Cast gave this part, whatever has become of it since.
func Part(name string) Target { return Target{kind: targetPart, part: name} }

// Voter is the node with the i-th voter of a shard, counted from 1, besides the leader.
func Voter(shard wire.ShardID, i int) Target {
	return Target{kind: targetVoter, number: int(shard), place: i}
}

// Sender is, for an armed fault, the node that sends the snapshot or has entered the change.
func Sender() Target { return Target{kind: targetSender} }

// Receiver is, for an armed fault, the node that is sent the snapshot or is to be made a voter.
func Receiver() Target { return Target{kind: targetReceiver} }

// find says which node it is now.
func (t Target) find(w *World) *node { return w.nodes[t.On(w)-1] }

// voter finds the i-th voter of a shard besides its leader, or nil.
func (w *World) voter(shard, i int) *node {
	shard = min(shard, len(w.watch.newest)-1)
	voters := w.watch.confs[shard].voters
	if m := w.newestMap(); voters == nil && m != nil { // no change has been made since the founding
		for _, r := range m.Placement(wire.ShardID(shard)).Replicas {
			voters = append(voters, r.ID)
			w.watch.lives(wire.ShardID(shard), r.ID, r.Node)
		}
	}
	for _, id := range voters {
		home := w.watch.homes[replicaKey{wire.ShardID(shard), id}]
		if home == 0 || home == w.watch.newest[shard].node {
			continue
		}
		if i--; i == 0 {
			return w.nodes[home-1]
		}
	}
	return nil
}

// fix is the same target, settled for good on the node that it is now.
func (t Target) fix(w *World) Target { return Node(int(t.find(w).id)) }

// String is the target as scenario files spell it.
func (t Target) String() string {
	switch t.kind {
	case targetLeader:
		return fmt.Sprintf("leader(%d)", t.number)
	case targetFollower:
		return fmt.Sprintf("follower(%d,%d)", t.number, t.place)
	case targetRandom:
		return "random"
	case targetPart:
		return t.part
	case targetVoter:
		return fmt.Sprintf("voter(%d,%d)", t.number, t.place)
	case targetSender:
		return "sender"
	case targetReceiver:
		return "receiver"
	}
	return fmt.Sprintf("n%d", t.number)
}
