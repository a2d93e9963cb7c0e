package sim

import (
	"time"

	"torc/core/wire"
)

// ears hold the cluster to its word that nobody is declared down before he has been silent for the
// grace: some node must have heard nothing of that life for so long (half of it counts, so that clocks,
// greetings under way and lives that were just admitted need no argument). Whoever moves replicas
// because a ping was missed copies everything for nothing, and back again.
//
// All times are by the listener's own clock. What a node has not heard is kept when it dies: its word
// may be in the log, and take effect later.
type ears struct {
	of [][]silence // by listener, then by who is listened to
}

// silence is how long a node has heard nothing of another's life.
type silence struct {
	life    wire.Incarnation
	since   int64 // the last frame; or when the listener began
	longest int64 // that is over
}

// room makes room for the nodes.
func (s *ears) room(nodes int) {
	for len(s.of) < nodes {
		s.of = append(s.of, make([]silence, nodes))
	}
}

// began notes that a node begins a life: it has heard nobody yet.
func (s *ears) began(n *node) {
	s.room(len(n.w.nodes))
	for i := range s.of[n.index] {
		s.of[n.index][i].since = n.clock.at(n.w.now)
	}
}

// ended notes what a node has not heard when its life ends.
func (s *ears) ended(n *node) {
	now := n.clock.at(n.w.now)
	for i := range s.of[n.index] {
		s.of[n.index][i].over(now)
	}
}

func (l *silence) over(now int64) {
	l.longest, l.since = max(l.longest, now-l.since), now
}

// hears notes that a lane that listens takes a frame of a node.
func (s *ears) hears(n *node, from wire.NodeID, incarnation wire.Incarnation) {
	if from == 0 || int(from) > len(n.w.nodes) {
		return
	}
	l := &s.of[n.index][from-1]
	switch {
	case incarnation < l.life:
		return // a former life, long under way
	case incarnation > l.life:
		l.life, l.longest = incarnation, 0
	}
	l.over(n.clock.at(n.w.now))
}

// declared judges a map in which a life is declared down that was not in the map before.
func (s *ears) declared(w *World, down *wire.Member) {
	grace := int64(w.nodes[0].config.Grace)
	for i, n := range w.nodes {
		if n.id == down.ID || n.life == 0 {
			continue
		}
		l, open := s.of[i][down.ID-1], int64(0)
		if n.state != stateDown {
			open = n.clock.at(w.now) - l.since
		}
		if l.life != down.Incarnation || max(l.longest, open) >= grace/2 {
			return // it may have said so, or knows nothing of that life
		}
	}
	w.violate(OracleRing, "node %d is declared down, though every other node has heard it all the time: the grace is %v", down.ID, time.Duration(grace))
}
