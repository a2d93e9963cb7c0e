package gossip

import (
	"cmp"
	"slices"

	"torc/core/mutant"
	"torc/core/wire"
)

// Bounds of a View.
const (
	NodesMax  = 4096 // nodes that a view keeps beliefs about
	DigestMax = 512  // bytes of a health digest
)

// Change is what an event did to a View.
type Change struct {
	Before Event // the zero Event when the node was not known
	After  Event
	Known  bool // whether Before was believed
}

// NewLife reports whether the node was not known, or only in another life.
func (c Change) NewLife() bool {
	return !c.Known || c.Before.Incarnation != c.After.Incarnation
}

// View is the best known belief about every node. The zero View is empty and ready.
type View struct {
	beliefs []Event // ordered by Node
}

// Merge takes an event and reports what it changed, if it changed anything (a new digest
// alone is a change too). The rules are in the package's documentation. A digest that cannot be
// read counts as none.
func (v *View) Merge(e Event) (Change, bool) {
	e.Digest = readable(e.Digest)
	i, known := v.find(e.Node)
	if !known {
		if i = v.makeRoom(e.Node); i < 0 {
			return Change{}, false
		}
		v.beliefs = slices.Insert(v.beliefs, i, e)
		return Change{After: e}, true
	}
	before := v.beliefs[i]
	if !Supersedes(e, before) {
		return Change{}, false
	}
	if e.Digest == nil && e.Incarnation == before.Incarnation {
		e.Digest = before.Digest
	}
	v.beliefs[i] = e
	return Change{Before: before, After: e, Known: true}, !same(before, e)
}

// readable is a copy of a digest, or nil.
func readable(digest []byte) []byte {
	if _, err := DecodeHealth(digest); err != nil {
		return nil
	}
	return slices.Clone(digest)
}

// Supersedes reports whether an event replaces a belief about the same node.
func Supersedes(e, belief Event) bool {
	switch {
	case e.Incarnation != belief.Incarnation:
		return e.Incarnation > belief.Incarnation
	case belief.Status == Left:
		return false // the life said goodbye itself: nobody knows better
	case e.Status == Left:
		return true
	case e.Refuted != belief.Refuted:
		return e.Refuted > belief.Refuted
	case e.Status == Alive:
		return belief.Status == Alive || belief.Status == Suspect || mutant.On(mutant.GossipResurrect)
	default:
		return e.Status >= belief.Status
	}
}

// Of returns what is believed about a node.
func (v *View) Of(node wire.NodeID) (Event, bool) {
	if i, known := v.find(node); known {
		return v.beliefs[i], true
	}
	return Event{}, false
}

// Health is the newest word of a node about itself, if there is one: of the life that is believed in,
// and not after its end.
func (v *View) Health(node wire.NodeID) (Health, bool) {
	e, _ := v.Of(node)
	if e.Status >= Dead {
		return Health{}, false
	}
	h, err := DecodeHealth(e.Digest)
	return h, err == nil
}

// Is reports whether exactly this life of a node is believed to be in this state.
func (v *View) Is(node wire.NodeID, life wire.Incarnation, s Status) bool {
	e, known := v.Of(node)
	return known && e.Incarnation == life && e.Status == s
}

// All returns every belief, ordered by node. The caller owns the slice, not the digests.
func (v *View) All() []Event { return slices.Clone(v.beliefs) }

// Count returns how many nodes are believed to be in a state.
func (v *View) Count(s Status) int {
	n := 0
	for i := range v.beliefs {
		if v.beliefs[i].Status == s {
			n++
		}
	}
	return n
}

// Forget drops what is believed about a node: for nodes that the cluster map has let go.
func (v *View) Forget(node wire.NodeID) {
	if i, known := v.find(node); known {
		v.beliefs = slices.Delete(v.beliefs, i, i+1)
	}
}

func (v *View) find(node wire.NodeID) (int, bool) {
	return slices.BinarySearchFunc(v.beliefs, node, func(e Event, id wire.NodeID) int { return cmp.Compare(e.Node, id) })
}

// makeRoom returns where a new node goes, or -1 when the view is full of nodes that are not
// gone. When it is full, a node that is gone makes way.
func (v *View) makeRoom(node wire.NodeID) int {
	if len(v.beliefs) >= NodesMax {
		gone := slices.IndexFunc(v.beliefs, func(e Event) bool { return e.Status >= Dead })
		if gone < 0 {
			return -1
		}
		v.beliefs = slices.Delete(v.beliefs, gone, gone+1)
	}
	i, _ := v.find(node)
	return i
}

func same(a, b Event) bool {
	return a.Incarnation == b.Incarnation && a.Refuted == b.Refuted && a.Status == b.Status && string(a.Digest) == string(b.Digest)
}
