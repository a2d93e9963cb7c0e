package sim

import "torc/core/wire"

// Stage is what a target needs to know of the cluster in which it is sought: the simulated one, or
// one of real processes. Nodes are numbered from 1.
type Stage interface {
	Nodes() int
	// Leader is the node that was elected last in a shard, as far as anybody has seen it.
	Leader(shard wire.ShardID) (number int, known bool)
	// Part is the node that Cast gave a part.
	Part(name string) (number int, known bool)
	// Voter is the node with the i-th voter of a shard besides its leader, counted from 1.
	Voter(shard wire.ShardID, i int) (number int, known bool)
	// Sender and Receiver are the ends of what an armed fault waited for.
	Sender() (number int, known bool)
	Receiver() (number int, known bool)
	// Draw is a number below n, from the stream of faults.
	Draw(n int) int
}

// On is the number of the node that the target is now; node 1 when nobody knows.
func (t Target) On(s Stage) int {
	switch t.kind {
	case targetLeader:
		if number, known := s.Leader(wire.ShardID(t.number)); known {
			return number
		}
	case targetFollower:
		leader := Leader(wire.ShardID(t.number)).On(s)
		return (leader-1+t.place)%s.Nodes() + 1
	case targetRandom:
		return s.Draw(s.Nodes()) + 1
	case targetPart:
		if number, known := s.Part(t.part); known {
			return number
		}
	case targetVoter:
		if number, known := s.Voter(wire.ShardID(t.number), t.place); known {
			return number
		}
	case targetSender:
		if number, known := s.Sender(); known {
			return number
		}
	case targetReceiver:
		if number, known := s.Receiver(); known {
			return number
		}
	case targetNode:
		return max(t.number-1, 0)%s.Nodes() + 1
	}
	return 1
}

// Nodes is how many there are.
func (w *World) Nodes() int { return len(w.nodes) }

// Leader is who told last that it leads a shard.
func (w *World) Leader(shard wire.ShardID) (number int, known bool) {
	l := w.watch.newest[min(int(shard), len(w.watch.newest)-1)]
	return int(l.node), l.term > 0
}

// Part is who plays a part.
func (w *World) Part(name string) (int, bool) { return numberOf(w.faults.parts[name]) }

// Voter is who has a voter, by the configurations that were told.
func (w *World) Voter(shard wire.ShardID, i int) (int, bool) { return numberOf(w.voter(int(shard), i)) }

// Sender is who sends, for the armed fault that strikes.
func (w *World) Sender() (int, bool) { return numberOf(w.faults.sender) }

// Receiver is who is sent to, for the armed fault that strikes.
func (w *World) Receiver() (int, bool) { return numberOf(w.faults.receiver) }

func numberOf(n *node) (number int, known bool) {
	if n == nil {
		return 0, false
	}
	return int(n.id), true
}

// Draw draws for the faults.
func (w *World) Draw(n int) int { return w.faults.rand.IntN(n) }
