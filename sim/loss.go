package sim

import (
	"time"

	"torc/cluster"
	"torc/core/trace"
	"torc/core/wire"
	"torc/linearizability"
)

// losses is what the world keeps of shards that the cluster began anew. What a node declares (trace.Lost)
// is checked against what the world knows, and is the only excuse for what is gone; which group a replica
// belongs to, the lost one or the present one, is read off the maps that nodes put up, declared or not.
type losses struct {
	founder  []wire.ReplicaID // by shard: the first replica of its present group; zero: that of the beginning
	sealed   []int64          // since when a map asks the shard's replicas to stand still; zero: none does
	count    []uint64         // how many losses were declared
	declared []declared
}

// declared is a loss: what the shard held may be gone from some time between the two on.
type declared struct {
	shard    wire.ShardID
	from, to int64
}

// room makes room for the shards.
func (o *losses) room(shards int) {
	for len(o.founder) <= shards {
		o.founder, o.sealed, o.count = append(o.founder, 0), append(o.sealed, 0), append(o.count, 0)
	}
}

// former reports whether a replica is of a group that was given up.
func (o *losses) former(shard wire.ShardID, id wire.ReplicaID) bool {
	return int(shard) < len(o.founder) && id < o.founder[shard]
}

// sawMap reads what a node's map says of lost shards.
func (w *World) sawMap(m *wire.ClusterMap) {
	o := &w.losses
	o.room(w.settings.Shards)
	for i := range m.Placements {
		p := &m.Placements[i]
		if int(p.Shard) >= len(o.founder) {
			continue
		}
		if first := o.founder[p.Shard]; len(p.Founders) > 0 && p.Founders[0] > first {
			o.founder[p.Shard] = p.Founders[0]
			if first != 0 || p.Shard == wire.MetaShard { // else the shard began with the cluster
				w.watch.reborn(p.Shard, p.Founders)
				w.tell(trace.Fault, "shard %d is begun anew by %d replicas", p.Shard, len(p.Founders))
			}
		}
		switch newest := w.newestMap(); {
		case p.Seal == 0 && newest != nil && newest.Epoch <= m.Epoch:
			o.sealed[p.Shard] = 0
		case p.Seal != 0 && o.sealed[p.Shard] == 0:
			o.sealed[p.Shard] = w.now
		}
	}
}

// reborn begins the watch over a shard's new group.
func (o *watch) reborn(shard wire.ShardID, founders []wire.ReplicaID) {
	l := &o.newest[shard]
	*l = leadership{changes: l.changes, born: l.changes}
	o.digests[shard] = nil
	o.confs[shard] = shardConf{voters: founders}
	o.fence.founded(shard, founders)
	o.fence.at[shard] = 0
	for key := range o.leaders { // in any order: all that match go
		if key.shard == shard {
			delete(o.leaders, key)
		}
	}
}

// lost takes a node's word that a shard was lost: the first to say so counts. It must be so: a
// shard that a majority of its voters could have served was given up for nothing.
func (o *losses) lost(w *World, e *trace.Event) {
	o.room(w.settings.Shards)
	if int(e.Shard) >= len(o.count) || e.A <= o.count[e.Shard] {
		return
	}
	o.count[e.Shard] = e.A
	o.declared = append(o.declared, declared{e.Shard, o.sealed[e.Shard], w.now})
	w.reached(branchBegunAnew)
	if !w.isLost(e.Shard) {
		w.violate(OracleDurability, "shard %d was declared lost, though a majority of its voters lives", e.Shard)
	}
}

// excuses are the declared losses as the history's checkers take them.
func (w *World) excuses() (list []linearizability.Loss) {
	for _, d := range w.losses.declared {
		loss := linearizability.Loss{From: d.from, To: d.to, Sure: true}
		for _, k := range w.work.keys {
			if k.shard == d.shard {
				loss.Keys = append(loss.Keys, k.key)
			}
		}
		if loss.Keys != nil {
			list = append(list, loss)
		}
	}
	return list
}

// awaitResets waits for the shards that have lost their quorum for good to be begun anew: within the grace,
// twice if there are too few nodes, and the time that elections and rounds of the meta group take.
func (w *World) awaitResets() {
	lost := w.lostShards()
	if w.settings.OnLoss == cluster.LossRefuse || lost[wire.MetaShard] {
		return
	}
	limit := 2*w.nodes[0].config.ResetGrace + w.settings.ServesWithin()
	gone := func() bool {
		for shard, lost := range w.lostShards() {
			if lost && shard > 0 {
				return false
			}
		}
		return true
	}
	if !w.await(limit, 50*time.Millisecond, gone) {
		w.violateUnlessEnded(OracleLiveness, "some shard that has lost its quorum for good was not begun anew within %v", limit)
	}
}
