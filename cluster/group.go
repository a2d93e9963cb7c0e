package cluster

import (
	"time"

	"torc/core/mutant"
	"torc/core/raft"
	"torc/core/store"
	"torc/core/wire"
)

// call is a request on its way through this lane.
type call struct {
	*wire.Call
	deadline time.Duration
	done     bool
}

// group is one replica of one shard on this lane: the member, its state, and who waits for it.
type group struct {
	lane    *Lane
	shard   wire.ShardID
	replica wire.ReplicaID
	member  *raft.Member
	store   *store.Store // data shards
	meta    *meta        // the meta shard

	writes   []*call            // gathered for the next proposal
	reads    []*call            // gathered for the next answer
	ticked   []*call            // reads that wait for log time to pass an expiry
	asked    []*call            // reads that wait for a quorum's word
	proposed map[uint64][]*call // by batch number
	number   uint64
	base     int64 // log time at election, and
	baseAt   time.Duration
	ticking  uint64 // number of the tick batch in the log, or zero
}

// Apply applies one committed entry.
func (g *group) Apply(_ uint64, data []byte) {
	if g.meta != nil {
		g.meta.apply(data)
		return
	}
	b, err := wire.DecodeBatch(data)
	if err != nil {
		panic("shard log holds an unreadable entry: " + err.Error())
	}
	responses := g.store.Apply(b)
	if b.Proposer != g.replica {
		return
	}
	if g.ticking == b.Number {
		g.ticking = 0
		g.reads = append(g.ticked, g.reads...)
		g.ticked = nil
	}
	calls := g.proposed[b.Number]
	delete(g.proposed, b.Number)
	for i, c := range calls {
		g.lane.finish(c, &responses[i])
	}
}

// Digest describes the state.
func (g *group) Digest() uint64 {
	if g.meta != nil {
		return g.meta.digest()
	}
	return g.store.Digest()
}

// Snapshot begins a copy of the state.
func (g *group) Snapshot() raft.Source {
	if g.meta != nil {
		return g.meta.snapshot()
	}
	return g.store.Snapshot()
}

// Restore begins to take in a copy.
func (g *group) Restore() raft.Restorer {
	if g.meta != nil {
		return &metaRestorer{group: g}
	}
	return &storeRestorer{group: g, in: store.NewRestorer(g.lane.storeConfig(g.shard))}
}

type storeRestorer struct {
	group *group
	in    *store.Restorer
	out   *store.Store
}

func (r *storeRestorer) Add(chunk []byte) error { return r.in.Add(chunk) }
func (r *storeRestorer) Finish() (err error)    { r.out, err = r.in.Finish(); return err }
func (r *storeRestorer) Install()               { r.group.store = r.out }

// Send is raft's way out: to the node that holds the replica.
func (g *group) Send(to wire.ReplicaID, m wire.Message) { g.lane.sendReplica(g.shard, to, m) }

// RoleChanged follows leadership.
func (g *group) RoleChanged() {
	if g.member == nil {
		return
	}
	if !g.member.IsLeader() {
		g.deposed()
	} else if g.member.Leads() && g.store != nil {
		g.base, g.baseAt = g.store.Time(), g.lane.env.Now()
	}
	g.lane.leaderChanged(g)
}

// deposed gives up what waits: what is in the log may yet be applied, the rest surely is not.
func (g *group) deposed() {
	for n := uint64(1); n <= g.number && len(g.proposed) > 0; n++ {
		for _, c := range g.proposed[n] {
			outcome := wire.OutcomeUnknown
			g.lane.finish(c, &wire.Response{Outcome: outcome, Reason: wire.ReasonLeadershipLost})
		}
		delete(g.proposed, n)
	}
	again := append(append(append(g.reads, g.ticked...), g.asked...), g.writes...)
	g.reads, g.ticked, g.asked, g.writes, g.ticking = nil, nil, nil, nil, 0
	for _, c := range again {
		g.lane.route(c)
	}
}

// now is the leader's time for the log: its wall clock, but never behind the log time it took
// over, and running on from there at the clock's own rate.
func (g *group) now() int64 {
	return max(g.lane.env.Wall(), g.base+(g.lane.env.Now()-g.baseAt).Milliseconds(), g.store.Time())
}

func (g *group) take(c *call) {
	if len(g.writes)+len(g.reads)+len(g.ticked) >= g.lane.cfg.InboxMax {
		g.lane.refuse(c, wire.ReasonOverloaded)
		return
	}
	if c.IsWrite() {
		if g.store != nil && g.lane.cfg.MaxMemory > 0 && g.lane.storeBytes() > g.lane.cfg.MaxMemory && grows(&c.Request) {
			g.lane.refuse(c, wire.ReasonOutOfMemory)
			return
		}
		g.writes = append(g.writes, c)
	} else {
		g.reads = append(g.reads, c)
	}
}

func grows(r *wire.Request) bool {
	for i := range r.Commands {
		switch r.Commands[i].Op {
		case wire.OpSet, wire.OpAppend, wire.OpSetRange, wire.OpIncr, wire.OpIncrFloat:
			return true
		}
	}
	return false
}

// turn proposes the gathered writes as one entry and answers the gathered reads.
func (g *group) turn() {
	if g.store != nil && g.member.Leads() {
		g.answerReads()
		g.proposeWrites()
	}
	g.member.Flush()
}

func (g *group) proposeWrites() {
	if len(g.writes) == 0 {
		return
	}
	calls := g.writes
	g.writes = nil
	b := &wire.Batch{Time: g.now(), Requests: make([]wire.Request, len(calls))}
	for i, c := range calls {
		b.Requests[i] = c.Request
	}
	if !g.propose(b, calls) {
		for _, c := range calls {
			g.lane.refuse(c, wire.ReasonOverloaded)
		}
		return
	}
	if mutant.On(mutant.AckEarly) {
		for _, c := range calls {
			g.lane.finish(c, &wire.Response{Results: make([]wire.Result, len(c.Commands))})
		}
	}
}

func (g *group) propose(b *wire.Batch, calls []*call) bool {
	g.number++
	b.Proposer, b.Number = g.replica, g.number
	if err := g.member.Propose(wire.AppendBatch(nil, b)); err != nil {
		return false
	}
	g.proposed[b.Number] = calls
	return true
}

func (g *group) answerReads() {
	if len(g.reads) == 0 {
		return
	}
	calls := g.reads
	g.reads = nil
	if g.lane.cfg.Reads == ReadLease && g.member.LeaseValid() {
		g.serve(calls)
		return
	}
	g.asked = append(g.asked, calls...)
	g.member.ReadIndex(func(ok bool) {
		for _, c := range calls {
			g.asked = without(g.asked, c)
		}
		if ok {
			g.serve(calls)
			return
		}
		for _, c := range calls {
			g.lane.route(c)
		}
	})
}

func without(calls []*call, c *call) []*call {
	for i := range calls {
		if calls[i] == c {
			return append(calls[:i], calls[i+1:]...)
		}
	}
	return calls
}

func (g *group) serve(calls []*call) {
	now := g.now()
	if mutant.On(mutant.TTLLocalClock) {
		now = g.lane.env.Wall()
	}
	for _, c := range calls {
		if c.done {
			continue
		}
		results, needsTick := g.store.Read(c.Commands, now)
		if needsTick {
			g.ticked = append(g.ticked, c)
			g.tickLog(now)
			continue
		}
		g.lane.finish(c, &wire.Response{Results: results})
	}
}

// tickLog lets log time pass through the log: expiry is decided nowhere else.
func (g *group) tickLog(now int64) {
	if g.ticking == 0 && g.propose(&wire.Batch{Time: now}, nil) {
		g.ticking = g.number
	}
}

// tick expires what is due.
func (g *group) tick() {
	g.member.Tick()
	if g.store == nil || !g.member.Leads() {
		return
	}
	if at, ok := g.store.NextExpiry(); ok && at <= g.now() {
		g.tickLog(g.now())
	}
}
