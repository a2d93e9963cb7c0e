package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"torc/cluster"
	"torc/core/wire"
)

// Rack crashes several nodes at the same instant, as a power strip or a switch of a rack does, and
// starts them again after Down. Under the nemesis's rule it takes only so many of them, in their
// order, as the cluster bears to lose.
type Rack struct {
	Targets []Target
	Down    time.Duration
}

func (f Rack) fix(w *World) Fault {
	fixed := make([]Target, len(f.Targets))
	for i, t := range f.Targets {
		fixed[i] = t.fix(w)
	}
	f.Targets = fixed
	return f
}

func (f Rack) strike(w *World) (string, func()) {
	var victims []*node
	for _, t := range f.Targets {
		n := t.find(w)
		if n.state != stateDown && !slices.Contains(victims, n) && w.faults.mayLose(append(slices.Clone(victims), n)...) {
			victims = append(victims, n)
		}
	}
	if len(victims) == 0 {
		return "", nil
	}
	if len(victims) > 1 {
		w.reached(branchRack)
	}
	var names []string
	for _, n := range victims {
		names = append(names, n.String()+w.leads(n))
	}
	var ends []func()
	w.faults.lose(victims...)
	for _, n := range victims {
		n.crash()
		if f.Down > 0 {
			ends = append(ends, w.revive(n, f.Down))
		}
	}
	said := "crash together " + strings.Join(names, ", ")
	if f.Down == 0 {
		return said, nil
	}
	return fmt.Sprintf("%s, down for %v", said, f.Down), func() {
		for _, end := range ends {
			end()
		}
	}
}

// The rule of lost memory: what was acknowledged survives while a majority of each shard's
// replicas lives, so the nemesis takes no more than that.
//
// Since the last time when every shard was whole some nodes have lost their memory. For each shard,
// no more of the nodes that hold anything of it may be among them than a minority of its voters.
// Counted are the voters of the newest configuration, dead or alive, both halves of a joint one,
// and its learners and the map's replicas too, because any of them may be a voter by the time that
// the change under way is committed: without them a crash of a learner that is just being made a
// voter, beside another loss, could leave a joint configuration without its majority. The same node
// may be lost again and again.

// mayLose reports whether the memory of these nodes may go, all at once.
func (f *nemesis) mayLose(victims ...*node) bool {
	if f.lawless {
		return true
	}
	if f.leaving {
		return false
	}
	if f.w.formed() {
		f.lost = nil
	}
	lost := append(slices.Clone(f.lost), victims...)
	newest := f.w.newestMap()
	if newest == nil {
		return false
	}
	for shard := 0; shard <= f.w.settings.Shards; shard++ {
		holders, voters := f.w.holders(wire.ShardID(shard), newest)
		gone := 0
		for _, n := range f.w.nodes {
			if slices.Contains(lost, n) && slices.Contains(holders, n.id) {
				gone++
			}
		}
		if gone > (voters-1)/2 {
			return false
		}
	}
	return true
}

// lose notes whose memory goes now.
func (f *nemesis) lose(victims ...*node) {
	for _, n := range victims {
		if !slices.Contains(f.lost, n) {
			f.lost = append(f.lost, n)
		}
	}
}

// newestMap is the newest cluster map that any running node has put up.
func (w *World) newestMap() (m *wire.ClusterMap) {
	for _, n := range w.nodes {
		if n.board != nil && (m == nil || n.board.Epoch > m.Epoch) {
			m = n.board
		}
	}
	return m
}

// holders are the nodes that hold, held or are to hold a replica of a shard, and how many voters
// the shard has.
func (w *World) holders(shard wire.ShardID, newest *wire.ClusterMap) (nodes []wire.NodeID, voters int) {
	note := func(id wire.NodeID) {
		if id != 0 && !slices.Contains(nodes, id) {
			nodes = append(nodes, id)
		}
	}
	if p := newest.Placement(shard); p != nil {
		for _, r := range p.Replicas {
			note(r.Node)
			w.watch.lives(shard, r.ID, r.Node)
		}
	}
	conf := &w.watch.confs[shard]
	for _, list := range [][]wire.ReplicaID{conf.voters, conf.outgoing, conf.learners} {
		for _, id := range list {
			note(w.watch.homes[replicaKey{shard, id}])
		}
	}
	if voters = len(conf.voters); voters == 0 {
		voters = min(w.settings.Replicas, len(w.nodes))
	}
	return nodes, voters
}

// lostShards are the shards (by number, the meta group is 0) of whose voters a majority has lost its
// memory: they can never again know what was acknowledged, and stay down.
func (w *World) lostShards() []bool {
	lost := make([]bool, w.settings.Shards+1)
	_, groups := w.living()
	newest := w.newestMap()
	for shard := range lost {
		conf := &w.watch.confs[shard]
		for _, half := range [][]wire.ReplicaID{conf.voters, conf.outgoing} {
			alive := 0
			for _, id := range half {
				started := slices.ContainsFunc(groups[shard], func(g cluster.GroupStatus) bool { return g.Replica == id })
				if started || w.mayStart(wire.ShardID(shard), id, newest) {
					alive++
				}
			}
			lost[shard] = lost[shard] || len(half) > 0 && alive <= len(half)/2
		}
	}
	return lost
}

// mayStart reports whether a replica is yet to begin: the map gives it to a life that runs.
func (w *World) mayStart(shard wire.ShardID, id wire.ReplicaID, newest *wire.ClusterMap) bool {
	if newest == nil || newest.Placement(shard) == nil {
		return false
	}
	r := newest.Placement(shard).Replica(id)
	return r != nil && w.nodes[r.Node-1].state != stateDown && w.nodes[r.Node-1].incarnation == r.Incarnation &&
		!slices.ContainsFunc(w.nodes[r.Node-1].lanes, func(l *lane) bool {
			return slices.ContainsFunc(l.core.Status().Groups, func(g cluster.GroupStatus) bool { return g.Shard == shard })
		})
}

// Squeeze bounds the memory of a node's stores, as CONFIG SET maxmemory does. What is over the bound
// stays; what would grow is refused, and that is said; reads and removals go on.
type Squeeze struct {
	Target Target
	Bytes  int64
}

func (f Squeeze) fix(w *World) Fault {
	f.Target = f.Target.fix(w)
	return f
}

func (f Squeeze) strike(w *World) (string, func()) {
	n := f.Target.find(w)
	n.boundMemory(f.Bytes)
	return fmt.Sprintf("squeeze %v%s into %d bytes", n, w.leads(n), f.Bytes), func() { n.boundMemory(0) }
}

// boundMemory sets the bound of the present life, and of those to come.
func (n *node) boundMemory(bytes int64) {
	n.config.MaxMemory = bytes
	if n.maxMemory != nil {
		*n.maxMemory = bytes
	}
}
