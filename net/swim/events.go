package swim

import (
	"slices"
	"sync"

	"github.com/hashicorp/memberlist"

	"torc/core/gossip"
	"torc/core/wire"
)

// events turns what memberlist notices into gossip.Events. memberlist calls it with its own
// lock held, so one call at a time and in order.
type events struct {
	self wire.NodeID

	mu         sync.Mutex
	subscriber func(gossip.Event)
	beliefs    map[wire.NodeID]gossip.Event // the newest life of each node
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
	switch {
	case known && before.Incarnation > who.incarnation:
		return // news of a former life concern nobody
	case known && before.Incarnation == who.incarnation && before.Status == gossip.Left:
		return // it said goodbye: nobody knows better
	case known && before.Incarnation == who.incarnation:
		e.Refuted = before.Refuted
		if before.Status == gossip.Dead && e.Status == gossip.Alive {
			e.Refuted++ // it was believed dead and lives
		}
	}
	if !known && len(ev.beliefs) >= gossip.NodesMax {
		return
	}
	ev.beliefs[who.node] = e
	if ev.subscriber != nil {
		ev.subscriber(e)
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
		f(ev.beliefs[node])
	}
}
