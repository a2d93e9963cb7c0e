package cluster

import (
	"math"

	"torc/core/evict"
	"torc/core/router"
	"torc/core/store"
	"torc/core/trace"
	"torc/core/wire"
)

// Eviction. Who leads a shard decides which keys make room, and writes them into the entry of the writes
// that need it: so replicas agree whatever their own memory or statistics say.
//
//	reads, writes --use--> policy (core/evict) <--Used-- the leader's reads, in batches (used.go)
//	                          |
//	writes of a turn: room? --no--> Pick, until there is --> Batch.Victims --> log --> store
//
// The bound is the lane's: all replicas in it share it. What the other replicas' nodes allow counts as well (room.go). Room is counted with what is proposed and not yet
// applied. A shard gives up its own keys; but one that holds less than its share may go over the bound
// a little, and those above theirs give way at the next tick.

const (
	victimsMax  = 4096 // for one entry; what is still over the bound goes with the next
	shrinkMax   = 512  // for one tick
	overdraftOf = 16   // a shard below its share may go over the bound by this part of it
)

// evictor is a group's part in eviction. It is made when memory is bounded.
type evictor struct {
	policy *evict.Policy
	dying  map[uint64]int64 // chosen and not yet applied, with their sizes; for look-up, never ranged
	leaves int64            // the sum of those
	grows  int64            // by which proposed writes may grow the state
	told   told
}

// bound is how much the lane's stores may hold; 0: no bound.
func (l *Lane) bound() int64 {
	if l.cfg.MaxMemory <= 0 {
		return 0
	}
	return max(1, l.cfg.MaxMemory/int64(l.cfg.Lanes))
}

// policy is what operators have set for the cluster, or else what this node was started with.
func (l *Lane) policy() evict.Kind {
	if l.m != nil && l.m.Policy > 0 && l.m.Policy <= uint32(evict.Kinds) {
		return evict.Kind(l.m.Policy - 1)
	}
	return l.cfg.Policy
}

// evicts reports whether keys are given up here when memory is full.
func (l *Lane) evicts() bool {
	return (l.cfg.MaxMemory > 0 || l.pressed) && l.policy() != evict.NoEviction
}

// evictor returns the group's, under the present policy; nil: nothing is given up here.
func (g *group) evictor() *evictor {
	if g.store == nil || !g.lane.evicts() {
		return nil
	}
	if g.evict == nil {
		if g.lane.learner == nil {
			g.lane.learner, g.lane.curve = evict.NewLearner(), evict.NewCurve()
			g.lane.fitCurve()
		}
		g.evict = &evictor{policy: evict.New(g.lane.policy(), uint64(g.replica), g.lane.learner), dying: map[uint64]int64{}}
	}
	g.evict.policy.SetKind(g.lane.policy())
	return g.evict
}

// closeEvictor takes the group's statistics out of the lane's.
func (g *group) closeEvictor() {
	if g.evict != nil {
		g.lane.curve.Leave(g.evict.policy)
		g.evict.policy.Close()
		g.evict = nil
	}
}

// wrote tells the policy of the keys that an entry has written.
func (g *group) wrote(b *wire.Batch) {
	e := g.evictor()
	if e == nil {
		return
	}
	leads := g.member.IsLeader()
	for i := range b.Requests {
		for j := range b.Requests[i].Commands {
			c := &b.Requests[i].Commands[j]
			if growing(c.Op) {
				e.policy.Use(g.store.HashOf(c.Key), g.store.Len())
			}
			if leads {
				g.curveWrote(e, c)
			}
		}
	}
}

// read tells the policy, and in time the followers, of the keys that a reader has found.
func (g *group) read(commands []wire.Command, results []wire.Result) {
	e := g.evictor()
	if e == nil {
		return
	}
	for i := range commands {
		g.used(e, &commands[i], &results[i])
	}
}

func (g *group) used(e *evictor, c *wire.Command, r *wire.Result) {
	g.curveRead(e, c, r)
	if found(c.Op, r) {
		hash := g.store.HashOf(c.Key)
		e.policy.Use(hash, g.store.Len())
		e.told.add(hash)
	}
}

// found reports whether a read is one of a key, and found it.
func found(op wire.Op, r *wire.Result) bool {
	switch op {
	case wire.OpGet:
		return r.Kind == wire.KindBytes
	case wire.OpTouch, wire.OpExists:
		return r.Int > 0
	case wire.OpGetRange:
		return len(r.Value) > 0
	}
	return false
}

func growing(op wire.Op) bool {
	switch op {
	case wire.OpSet, wire.OpAppend, wire.OpSetRange, wire.OpIncr, wire.OpIncrFloat, wire.OpFill:
		return true
	}
	return false
}

// total is what the lane's stores will hold when all that is proposed is applied, and copies that come in.
func (l *Lane) total() (sum int64) {
	for _, g := range l.order {
		if g.store != nil {
			sum += g.held() + g.arriving.bytes()
		}
	}
	return sum
}

func (g *group) held() int64 {
	held := g.store.Bytes()
	if g.evict != nil {
		held += g.evict.grows - g.evict.leaves
	}
	return held
}

// share is what each data shard may hold if all want as much.
func (l *Lane) share() int64 {
	shards := int64(0)
	for _, g := range l.order {
		if g.store != nil {
			shards++
		}
	}
	return l.bound() / max(1, shards)
}

// room is what writes need, and who makes place for them.
type room struct {
	victims []wire.Victim
	grows   int64
}

// makeRoom chooses victims for the writes of a turn. Those for which there is no room to be had are refused,
// and not among the calls returned.
func (g *group) makeRoom(calls []*router.Call) ([]*router.Call, room) {
	e := g.evictor()
	if e == nil {
		return calls, room{}
	}
	var r room
	over := max(g.beyondOwn(), g.beyond())
	kept := calls[:0]
	for _, c := range calls {
		grows := g.store.Growth(&c.Request)
		if over+grows > 0 && grows > 0 {
			over -= g.choose(over+grows, victimsMax-len(r.victims), &r.victims)
		}
		if over+grows > 0 && len(r.victims) < victimsMax && grew(&c.Request) {
			g.lane.hall.Refuse(c, wire.ReasonOutOfMemory)
			continue
		}
		over += grows
		r.grows += grows
		kept = append(kept, c)
	}
	return kept, r
}

// beyondOwn is by how much the lane exceeds its bound, as far as this shard must care; negative: what is left.
func (g *group) beyondOwn() int64 {
	bound := g.lane.bound()
	if bound == 0 {
		return math.MinInt64 / 2
	}
	over := g.lane.total() - bound
	if g.held() < g.lane.share() {
		over -= bound / overdraftOf
	}
	return over
}

// grew reports whether a request may need room. To give a lease back does not, though it is a fill: if it were refused, all who
// want the key would wait until the lease is over.
func grew(r *wire.Request) bool {
	for i := range r.Commands {
		c := &r.Commands[i]
		if growing(c.Op) && !(c.Op == wire.OpFill && c.Flags&wire.FlagAbsent != 0) {
			return true
		}
	}
	return false
}

// choose picks victims, at most this many, until so many bytes are free, and returns how many are.
func (g *group) choose(bytes int64, most int, into *[]wire.Victim) (freed int64) {
	e := g.evict
	for ; freed < bytes && most > 0; most-- {
		c, ok := e.policy.Pick(shelf{g.store}, g.spared)
		if !ok {
			g.spareFewer()
			return freed
		}
		e.dying[c.Hash] = c.Size
		e.leaves += c.Size
		freed += c.Size
		*into = append(*into, wire.Victim{Hash: c.Hash, Version: c.Version})
	}
	return freed
}

func (e *evictor) isDying(hash uint64) bool {
	_, dying := e.dying[hash]
	return dying
}

// proposed notes that a batch is on its way.
func (r *room) proposed(g *group) {
	if g.evict != nil {
		g.evict.grows += r.grows
	}
}

// settle notes what has become of a batch of this replica's: it is applied, or was not taken.
func (g *group) settle(victims []wire.Victim, grows int64) {
	e := g.evict
	if e == nil {
		return
	}
	e.grows = max(0, e.grows-grows)
	for _, v := range victims {
		if size, dying := e.dying[v.Hash]; dying {
			delete(e.dying, v.Hash)
			e.leaves -= size
		}
	}
}

// forgetProposed notes that nothing is on its way any more, as far as this replica will hear of.
func (g *group) forgetProposed() {
	if e := g.evict; e != nil {
		e.dying, e.leaves, e.grows = map[uint64]int64{}, 0, 0
		g.lane.curve.Leave(e.policy)
	}
}

// shrink gives up keys when the lane is over its bound for another reason than the writes of this shard, or another
// replica's node is.
func (g *group) shrink() {
	e := g.evictor()
	if e == nil || !g.mayEvict() || !g.member.Accepting() || g.lane.leave.on && g.heir() != 0 {
		return
	}
	over := g.beyond()
	if bound := g.lane.bound(); bound > 0 {
		over = max(over, min(g.lane.total()-bound, g.held()-g.lane.share()+1))
	}
	if over <= 0 {
		return
	}
	at, _ := g.timeToPropose()
	b := &wire.Batch{Time: at}
	g.choose(over, shrinkMax, &b.Victims)
	if len(b.Victims) > 0 && !g.propose(b, nil) {
		g.settle(b.Victims, 0)
	}
}

// fate is what will become of a victim when its entry is applied.
type fate struct {
	wire.Victim
	stays bool // it was written since it was chosen
}

// fates are told to those who watch, if there are any.
func (g *group) fates(victims []wire.Victim) (list []fate) {
	if g.lane.trace == nil {
		return nil
	}
	for _, v := range victims {
		held, found := g.store.FindHash(v.Hash)
		list = append(list, fate{v, !found || held.Version != v.Version})
	}
	return list
}

// tellVictims shows what an entry has given up.
func (g *group) tellVictims(index uint64, fates []fate) {
	for _, f := range fates {
		e := trace.Event{Kind: trace.Evict, Index: index, A: f.Hash, B: f.Version}
		if f.stays {
			e.Term = 1
		}
		g.emit(e)
	}
}

// shelf is the store as the policy sees it.
type shelf struct{ *store.Store }

var _ evict.Source = shelf{}

// Sample is part of evict.Source.
func (s shelf) Sample(at uint64, n int, volatile bool, into []evict.Candidate) []evict.Candidate {
	s.Store.Sample(at, n, volatile, func(h store.Held) { into = append(into, evict.Candidate(h)) })
	return into
}

// Soonest is part of evict.Source.
func (s shelf) Soonest(n int, into []evict.Candidate) []evict.Candidate {
	s.Store.Soonest(n, func(h store.Held) { into = append(into, evict.Candidate(h)) })
	return into
}

// Find is part of evict.Source.
func (s shelf) Find(hash uint64) (evict.Candidate, bool) {
	h, ok := s.FindHash(hash)
	return evict.Candidate(h), ok
}
