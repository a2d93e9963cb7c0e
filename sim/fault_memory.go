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

// The rule of lost memory: what was acknowledged survives, and the shard goes on, while a majority of
// its voters lives. So the nemesis takes no more than that, in the newest configuration that any
// replica has applied (in each half of a joint one), and in the one that may come next: a learner may
// be a voter by the time that the change under way is committed. Torc replaces first what is surely
// gone, so a learner on the new life of a dead voter's node takes that voter's place; any other one
// may take the place of a voter that lives. A learner that is dead, or dies now, counts as that.

// mayLose reports whether the memory of these nodes may go, all at once.
func (f *nemesis) mayLose(victims ...*node) bool {
	if f.lawless {
		return true
	}
	newest := f.w.newestMap()
	if f.leaving.on() || newest == nil {
		return false
	}
	_, groups := f.w.living()
	for shard := range groups {
		if shard > 0 && f.w.settings.Ruin {
			break // so data shards may be lost
		}
		if !f.w.bears(wire.ShardID(shard), groups[shard], newest, victims) {
			return false
		}
	}
	return true
}

// bears reports whether a shard goes on without the victims: by the newest configuration, and by the
// one that each survivor goes by. A leader may be the only one that has left a joint change; if it
// dies, the others need both majorities still.
func (w *World) bears(shard wire.ShardID, groups []cluster.GroupStatus, newest *wire.ClusterMap, victims []*node) bool {
	w.learnHomes(shard, newest)
	b := bearing{w: w, shard: shard, groups: groups, newest: newest, victims: victims}
	conf := w.watch.confs[shard]
	if len(conf.voters) == 0 || !b.holds(conf) {
		return false
	}
	for i := range groups {
		g := &groups[i]
		if len(g.Voters) > 0 && (slices.Contains(conf.voters, g.Replica) || slices.Contains(conf.learners, g.Replica)) && !b.gone(g.Replica) &&
			!b.holds(shardConf{voters: g.Voters, outgoing: g.Outgoing, learners: g.Learners}) {
			return false
		}
	}
	return true
}

// bearing is the question whether a shard goes on without some nodes.
type bearing struct {
	w       *World
	shard   wire.ShardID
	groups  []cluster.GroupStatus // that run now
	newest  *wire.ClusterMap
	victims []*node
}

// gone reports whether a replica is dead, or dies with the victims.
func (b *bearing) gone(id wire.ReplicaID) bool {
	lives := slices.ContainsFunc(b.groups, func(g cluster.GroupStatus) bool { return g.Replica == id }) || b.w.mayStart(b.shard, id, b.newest)
	return !lives || slices.ContainsFunc(b.victims, func(n *node) bool { return n.id == b.home(id) })
}

func (b *bearing) home(id wire.ReplicaID) wire.NodeID {
	return b.w.watch.homes[replicaKey{b.shard, id}]
}

// holds reports whether a configuration keeps its majorities, now and after the change that may come.
func (b *bearing) holds(conf shardConf) bool {
	for _, half := range [][]wire.ReplicaID{conf.voters, conf.outgoing} {
		dead := 0
		for _, id := range half {
			if b.gone(id) {
				dead++
			}
		}
		for _, id := range conf.learners {
			inPlaceOf := func(v wire.ReplicaID) bool { return b.gone(v) && b.home(v) == b.home(id) }
			if b.gone(id) && !slices.ContainsFunc(half, inPlaceOf) {
				dead++
			}
		}
		if len(half) > 0 && dead > (len(half)-1)/2 {
			return false
		}
	}
	return true
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

// learnHomes notes where the map puts a shard's replicas.
func (w *World) learnHomes(shard wire.ShardID, newest *wire.ClusterMap) {
	if p := newest.Placement(shard); p != nil {
		for _, r := range p.Replicas {
			w.watch.lives(shard, r.ID, r.Node)
		}
	}
}

// lostShards are the shards (by number, the meta group is 0) of whose voters a majority has lost its
// memory: they can never again know what was acknowledged.
func (w *World) lostShards() []bool {
	lost := make([]bool, w.settings.Shards+1)
	_, groups := w.living()
	for shard := range lost {
		lost[shard] = w.isLostOf(wire.ShardID(shard), groups[shard])
	}
	return lost
}

// isLost reports whether a shard's present group has lost the majority of its voters' memory, or whoever is
// left knows only of an older configuration, and that needs such a majority: the leader may have
// been the only one to know that a change was committed.
func (w *World) isLost(shard wire.ShardID) bool {
	_, groups := w.living()
	return w.isLostOf(shard, groups[shard])
}

// isLostOf is isLost of a shard whose living replicas are known.
func (w *World) isLostOf(shard wire.ShardID, groups []cluster.GroupStatus) bool {
	newest := w.newestMap()
	conf := w.knownConf(shard, newest)
	runs := func(id wire.ReplicaID) bool {
		return slices.ContainsFunc(groups, func(g cluster.GroupStatus) bool { return g.Replica == id }) || w.mayStart(shard, id, newest)
	}
	if !majorities(conf, runs) {
		return true
	}
	// Who was let go in a life that goes on is no excuse: it should have been kept for as long as it is needed.
	remembers := func(id wire.ReplicaID) bool { return runs(id) || w.letGo(shard, id) }
	knows := func(g cluster.GroupStatus) bool { return len(g.Voters) > 0 && slices.Contains(conf.voters, g.Replica) }
	return slices.ContainsFunc(groups, knows) && !slices.ContainsFunc(groups, func(g cluster.GroupStatus) bool {
		return knows(g) && majorities(&shardConf{voters: g.Voters, outgoing: g.Outgoing}, remembers)
	})
}

// knownConf is a shard's newest configuration; of one that nobody has led yet the one that the map founds it with.
func (w *World) knownConf(shard wire.ShardID, newest *wire.ClusterMap) *shardConf {
	conf := &w.watch.confs[shard]
	if conf.voters != nil || newest == nil || newest.Placement(shard) == nil {
		return conf
	}
	founded := &shardConf{}
	for _, r := range newest.Placement(shard).Replicas {
		if r.Role.Votes() {
			founded.voters = append(founded.voters, r.ID)
		}
	}
	return founded
}

// majorities reports whether a configuration has the majorities that it asks for.
func majorities(conf *shardConf, has func(wire.ReplicaID) bool) bool {
	for _, half := range [][]wire.ReplicaID{conf.voters, conf.outgoing} {
		n := 0
		for _, id := range half {
			if has(id) {
				n++
			}
		}
		if len(half) > 0 && n <= len(half)/2 {
			return false
		}
	}
	return true
}

// letGo reports whether a replica has been stopped in a life of its node that goes on.
func (w *World) letGo(shard wire.ShardID, id wire.ReplicaID) bool {
	life, told := w.watch.lifeOf[replicaKey{shard, id}]
	home := w.watch.homes[replicaKey{shard, id}]
	return told && w.nodes[home-1].state != stateDown && w.nodes[home-1].incarnation == life
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
	end := n.squeezed.press(f.Bytes)
	n.boundMemory()
	return fmt.Sprintf("squeeze %v%s into %d bytes", n, w.leads(n), f.Bytes), func() {
		end()
		n.boundMemory()
	}
}

// boundMemory sets the bound of the present life, and of those to come.
func (n *node) boundMemory() {
	bytes := n.squeezed.value(0)
	n.config.MaxMemory = bytes
	n.w.evictions.bound = n.w.evictions.bound || bytes > 0
	if n.maxMemory != nil {
		*n.maxMemory = bytes
	}
}
