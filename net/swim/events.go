package swim

import (
	"slices"
	"sync"

	"github.com/hashicorp/memberlist"

	"torc/core/gossip"
	"torc/core/wire"
)

// events turns what memberlist notices into gossip.Events. memberlist calls Notify* with its own
// lock held, so one call at a time and in order; what it says of suspicions (overhear.go) comes
// from other goroutines, a little later.
type events struct {
	self wire.NodeID

	mu         sync.Mutex
	subscriber func(gossip.Event)
	beliefs    map[wire.NodeID]belief // the newest life of each node
	refuted    uint64                 // at least as often have those refuted their death whom it does not know: see makeRoom
}

// belief is what the subscriber was told last of a node.
type belief struct {
	gossip.Event
	refuted   uint32 // the greatest SWIM incarnation with which the life was said to be alive
	suspected uint32 // and with which it is suspected
}

// NotifyJoin: a life is seen for the first time, or again.
func (ev *events) NotifyJoin(n *memberlist.Node) { ev.notice(n, gossip.Alive) }

// NotifyUpdate: a life's digest has changed.
func (ev *events) NotifyUpdate(n *memberlist.Node) { ev.notice(n, gossip.Alive) }

// NotifyLeave: a life has ended. If it said goodbye, that is known already.
func (ev *events) NotifyLeave(n *memberlist.Node) { ev.notice(n, gossip.Dead) }

func (ev *events) notice(n *memberlist.Node, status gossip.Status) {
	who, ok := parseLife(n.Name)
	if !ok || who.node == ev.self {
		return
	}
	e := gossip.Event{Node: who.node, Incarnation: who.incarnation, Status: status, Digest: slices.Clone(n.Meta)}
	if string(n.Meta) == goodbye {
		e.Status, e.Digest = gossip.Left, nil
	}
	ev.mu.Lock()
	defer ev.mu.Unlock()
	before, known := ev.beliefs[who.node]
	heard := uint32(0)
	switch {
	case known && before.Incarnation > who.incarnation:
		return // news of a former life concern nobody
	case known && before.Incarnation == who.incarnation && before.Status == gossip.Left:
		return // it said goodbye: nobody knows better
	case known && before.Incarnation == who.incarnation:
		e.Refuted, heard = before.Refuted, before.refuted
		if before.Status == gossip.Dead && e.Status == gossip.Alive {
			e.Refuted++ // it was believed dead and lives
		}
	}
	if !known {
		if !ev.makeRoom() {
			return
		}
		e.Refuted = ev.refuted
	}
	ev.tell(belief{Event: e, refuted: heard})
}

// makeRoom keeps the beliefs within their bound: nodes that come with a new name at every start would fill it, and no new one be
// believed in any more. Of those that are gone the one with the oldest life is forgotten; if none is gone, there is no room. One that was
// forgotten may live: when it is seen again the subscriber may still believe it dead, and must be told that this was refuted.
func (ev *events) makeRoom() bool {
	if len(ev.beliefs) < gossip.NodesMax {
		return true
	}
	var oldest *belief
	for _, b := range ev.beliefs {
		gone := b.Status == gossip.Dead || b.Status == gossip.Left
		if gone && (oldest == nil || b.Incarnation < oldest.Incarnation || b.Incarnation == oldest.Incarnation && b.Node < oldest.Node) {
			oldest = &b
		}
	}
	if oldest == nil {
		return false
	}
	ev.refuted = max(ev.refuted, oldest.Refuted+1)
	delete(ev.beliefs, oldest.Node)
	return true
}

// said takes what this node says aloud: that it suspects a life, or no longer does. It says so
// several times, and what is under way may be older than what the subscriber knows: SWIM's
// incarnation tells.
func (ev *events) said(s saying) {
	ev.about(s, func(b *belief) (changed bool) {
		if !s.suspect {
			return b.refute(s.Incarnation)
		}
		if b.Status != gossip.Alive || s.Incarnation < b.refuted {
			return false
		}
		b.Status, b.suspected = gossip.Suspect, s.Incarnation
		return true
	})
}

// told takes what others say: a life's own refutation, by which memberlist takes its suspicion
// back. (It should say so aloud then, but its queue loses a message now and then: v0.7.0 gives two of
// the same length the same number.) Others' suspicions count when this node shares them.
func (ev *events) told(s saying) {
	ev.about(s, func(b *belief) bool { return !s.suspect && b.refute(s.Incarnation) })
}

// refute notes that a life was said to be alive, and reports whether that takes a suspicion back.
func (b *belief) refute(incarnation uint32) bool {
	b.refuted = max(b.refuted, incarnation)
	if b.Status != gossip.Suspect || incarnation <= b.suspected {
		return false
	}
	b.Status = gossip.Alive
	return true
}

// about changes what is believed of a life, if it is the newest that is known of its node.
func (ev *events) about(s saying, change func(*belief) bool) {
	who, ok := parseLife(s.Node)
	if !ok {
		return
	}
	ev.mu.Lock()
	defer ev.mu.Unlock()
	b, known := ev.beliefs[who.node]
	if !known || b.Incarnation != who.incarnation {
		return
	}
	if change(&b) {
		ev.tell(b)
		return
	}
	ev.beliefs[who.node] = b
}

func (ev *events) tell(b belief) {
	ev.beliefs[b.Node] = b
	if ev.subscriber != nil {
		ev.subscriber(b.Event)
	}
}

// subscribe tells f what is believed already, ordered by node, and from then on what changes.
func (ev *events) subscribe(f func(gossip.Event)) {
	ev.mu.Lock()
	defer ev.mu.Unlock()
	ev.subscriber = f
	nodes := make([]wire.NodeID, 0, len(ev.beliefs))
	for node := range ev.beliefs {
		nodes = append(nodes, node)
	}
	slices.Sort(nodes)
	for _, node := range nodes {
		f(ev.beliefs[node].Event)
	}
}
