package node

import (
	"fmt"
	"sync"

	"torc/core/gossip"
	"torc/core/wire"
)

// MemberStatus is what this node believes about a node of the cluster, or about one that it has only
// heard of.
type MemberStatus struct {
	Node        string // its name; "" when the map does not know it
	ID          wire.NodeID
	Incarnation wire.Incarnation // of the life that gossip is about; the map's when gossip is silent
	State       string           // by the map, of that life: active, draining, down, left; "" when the map does not know it
	Gossip      string           // alive, suspect, dead, left; "" when nothing was heard
}

// beliefs keep what gossip says, for status. The lanes have views of their own.
type beliefs struct {
	mu   sync.Mutex
	view gossip.View
}

func (b *beliefs) merge(e gossip.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.view.Merge(e)
}

func (b *beliefs) of(id wire.NodeID) (gossip.Event, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.view.Of(id)
}

func stateText(s wire.MemberState) string {
	switch s {
	case wire.MemberActive:
		return "active"
	case wire.MemberDown:
		return "down"
	case wire.MemberLeft:
		return "left"
	}
	return fmt.Sprintf("state %d", s)
}

// members lists what this node believes about the cluster's.
func (n *Node) members(m *wire.ClusterMap) (list []MemberStatus) {
	for i := range m.Members {
		who := &m.Members[i]
		s := MemberStatus{Node: who.Name, ID: who.ID, Incarnation: who.Incarnation, State: stateText(who.State)}
		if who.Draining && who.State == wire.MemberActive {
			s.State = "draining"
		}
		if e, heard := n.beliefs.of(who.ID); heard {
			s.Gossip = e.Status.String()
			if s.Incarnation = e.Incarnation; e.Incarnation != who.Incarnation {
				s.State = "" // the map is about another life
			}
		}
		list = append(list, s)
	}
	return list
}
