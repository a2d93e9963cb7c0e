package cluster

import (
	"torc/core/evict"
	"torc/core/wire"
)

// What a leader tells its followers of reads, so that the next leader is not blind. Writes they see in the
// log. It costs a follower at most toldMax hashes a tick, 8 bytes each; when there are more reads, every second,
// fourth ... is told, and the follower's clock counts each as so many.

const (
	toldMax   = 1024 // hashes in one message
	toldLeast = 64   // fewer wait,
	toldTicks = 20   // but not longer than this
)

// told gathers the hashes of keys that were read.
type told struct {
	hashes  []uint64
	each    uint32 // one of so many is kept
	skipped uint32
	ticks   int
}

func (t *told) add(hash uint64) {
	t.each = max(1, t.each)
	if t.skipped++; t.skipped < t.each {
		return
	}
	t.skipped = 0
	if len(t.hashes) == toldMax { // thin them out
		for i := range toldMax / 2 {
			t.hashes[i] = t.hashes[2*i+1]
		}
		t.hashes = t.hashes[:toldMax/2]
		t.each *= 2
	}
	t.hashes = append(t.hashes, hash)
}

// take returns what is to be told now, if anything.
func (t *told) take() (hashes []uint64, each uint32) {
	if t.ticks++; len(t.hashes) == 0 || len(t.hashes) < toldLeast && t.ticks < toldTicks {
		return nil, 0
	}
	hashes, each = t.hashes, max(1, t.each)
	*t = told{}
	return hashes, each
}

// tellUsed sends what was read to the followers.
func (g *group) tellUsed() {
	e := g.evictor()
	if e == nil {
		return
	}
	hashes, each := e.told.take()
	if len(hashes) == 0 {
		return
	}
	m := &wire.Used{Shard: g.shard, Each: each, Hashes: hashes}
	conf := g.member.Conf()
	for _, ids := range [][]uint64{conf.Voters, conf.Learners} {
		for _, id := range ids {
			if wire.ReplicaID(id) != g.replica {
				g.Send(wire.ReplicaID(id), m)
			}
		}
	}
}

// onUsed takes a leader's hint.
func (g *group) onUsed(m *wire.Used) {
	e := g.evictor()
	if e == nil || g.member.Leads() {
		return
	}
	for _, hash := range m.Hashes {
		e.policy.Pass(m.Each - 1)
		e.policy.Use(hash, g.store.Len())
	}
}

// setPolicy is the clerk for AdminSetPolicy.
func (l *Lane) setPolicy(m *wire.ClusterMap, p *petition) *wire.Told {
	switch {
	case p.Weight > uint32(evict.Kinds):
		return refused(wire.RefusalValue, "this node does not know that eviction policy: it runs an older version")
	case m.Policy == p.Weight && p.Weight == 0:
		return done("each node gives up keys as it was started to")
	case m.Policy == p.Weight:
		return done("the cluster's eviction policy is %v", evict.Kind(p.Weight-1))
	}
	return l.ordered(p, &wire.MetaCommand{Kind: wire.MetaSetPolicy, Weight: p.Weight})
}

func setPolicy(m *wire.ClusterMap, c *wire.MetaCommand) bool {
	changed := m.Policy != c.Weight
	m.Policy = c.Weight
	return changed
}
