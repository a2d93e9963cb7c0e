package sim

import (
	"slices"
	"time"

	"torc/cluster"
	"torc/core/wire"
)

// View is a window on a running world, for an Observe that wants to know more than events tell.
// It only reads: whoever looks, and however often, the run and its hash stay the same. It shows
// the world as it is while Observe is called and, after Run has returned, as it was in the end.
type View struct{ w *World }

// NodeState is how a node stands.
type NodeState struct {
	ID          wire.NodeID
	State       string // up, paused or down
	Incarnation wire.Incarnation
	Groups      []cluster.GroupStatus // by shard
	Held        int                   // packets that wait in the sockets of a paused node
}

// OpenCall is a call that a client waits for.
type OpenCall struct {
	Client  int // by index, as in Call
	Session bool
	Since   time.Duration // of the world
	Number  int           // of its first operation, in the history
	Ops     []Op
}

// Now is the world's time.
func (v View) Now() time.Duration { return time.Duration(v.w.now) }

// Torture is when the torture began, from which scenarios count their times; 0 before.
func (v View) Torture() time.Duration { return time.Duration(v.w.faults.began) }

// Users is how many clients the workloads have; the trace calls them n1001 and so on, and the
// prober after them.
func (v View) Users() int { return len(v.w.users()) }

// Nodes are all nodes, by number.
func (v View) Nodes() (list []NodeState) {
	for _, n := range v.w.nodes {
		s := NodeState{ID: n.id, State: n.state.String(), Incarnation: n.incarnation, Held: len(n.held)}
		for _, l := range n.lanes {
			if l != nil && l.core != nil { // a life that just begins
				s.Groups = append(s.Groups, l.core.Status().Groups...)
			}
		}
		slices.SortFunc(s.Groups, func(a, b cluster.GroupStatus) int { return int(a.Shard) - int(b.Shard) })
		list = append(list, s)
	}
	return list
}

// Open are the calls under way, by client, the oldest first.
func (v View) Open() (list []OpenCall) {
	for _, c := range v.w.users() {
		for _, k := range c.open {
			o := OpenCall{Client: c.index, Session: c.brain != nil, Since: time.Duration(k.since), Number: k.ops[0].number}
			for i := range k.ops {
				o.Ops = append(o.Ops, k.ops[i].Op)
			}
			list = append(list, o)
		}
	}
	return list
}

func (s state) String() string { return [...]string{"down", "up", "paused"}[s] }
