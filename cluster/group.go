package cluster

import (
	"slices"
	"time"

	"torc/core/mutant"
	"torc/core/raft"
	"torc/core/router"
	"torc/core/store"
	"torc/core/trace"
	"torc/core/wire"
)

// group is one replica of one shard on this lane: the member, its state, and who waits for it.
type group struct {
	lane    *Lane
	shard   wire.ShardID
	replica wire.ReplicaID
	member  *raft.Member
	store   *store.Store // data shards
	meta    *meta        // the meta shard
	leader  wire.ReplicaID

	writes   []*router.Call // gathered for the next proposal
	spare    []*router.Call // room for that
	reads    []*router.Call // gathered for the next answer
	ticked   []*router.Call // reads that wait for log time to pass an expiry
	asking   int            // questions to a quorum under way
	proposed []proposal     // oldest first
	number   uint64
	base     int64 // log time at election, or when it was last moved since (least), and
	baseAt   time.Duration
	ticking  uint64 // number of the tick batch in the log, or zero

	sealed     wire.Epoch     // takes part in nothing under this seal (fence.go)
	touched    bool           // is on the lane's list for the end of this turn
	former     bool           // planted bugs: it serves reads although it has no right to
	offered    wire.ReplicaID // to whom this replica offered the leadership last
	patience   int            // ticks until it may offer it again
	declined   int            // offers since one was taken
	before     wire.ReplicaID // who else led last, and
	respite    int            // ticks for which that one is not offered the leadership
	yieldTo    wire.ReplicaID // is to be given the leadership once nothing is undecided (yield.go),
	yieldFor   int            // for so many more ticks
	leaderless int            // ticks for which it has known no leader; see tellStranded
	evict      *evictor       // nil until memory is bounded (evict.go)
	room       roomTold       // what the leader was told of the room here (room.go)
	rooms      []roomOf       // what the other replicas have told, by replica
	allowed    int64          // the least of that, at the last tick
	full       bool           // it is reached
	arriving   *storeRestorer // the copy that comes in; nil: none
	visitors   []visitor      // wait for the voters to speak (inspect.go)
	promises   *promises      // to clients that cache; nil as long as there are no such clients (promise.go)
	reticent   int            // the tick until which it promises nothing: it wants to give the leadership away
}

// proposal is a batch that is in the log, perhaps, and who waits for it.
type proposal struct {
	number uint64
	calls  []*router.Call
	room   room
}

// Apply applies one committed entry.
func (g *group) Apply(index uint64, data []byte) {
	if g.meta != nil {
		g.meta.apply(data)
		return
	}
	b, err := g.lane.entries.Read(data)
	if err != nil {
		panic("shard log holds an unreadable entry: " + err.Error())
	}
	if mutant.On(mutant.TTLLocalClock) {
		b.Time = g.lane.env.Wall()
	}
	fates := g.fates(b.Victims)
	if mutant.On(mutant.EvictLocal) {
		g.chooseLocally(b)
	}
	before, evicted, expired := g.store.Repeats(), g.store.Evicted(), g.store.Expired()
	var responses []wire.Response
	if b.Proposer == g.replica {
		responses = g.store.Apply(b)
	} else {
		g.store.Follow(b)
	}
	if n := g.store.Repeats() - before; n > 0 {
		g.emit(trace.Event{Kind: trace.Repeat, Index: index, A: n})
	}
	g.tellVictims(index, fates)
	if b.Proposer == g.replica {
		g.lane.evicted += g.store.Evicted() - evicted
		g.lane.expired += g.store.Expired() - expired
	}
	g.wrote(b)
	if b.Proposer != g.replica {
		return
	}
	if g.promises != nil {
		g.promises.applied(b.Number)
		g.closedPromises()
	}
	if g.ticking == b.Number {
		g.ticking = 0
		g.reads = append(g.ticked, g.reads...)
		g.ticked = nil
	}
	if len(g.proposed) == 0 || g.proposed[0].number != b.Number {
		return // proposed in an earlier term of this replica: who waited was told so
	}
	calls := g.proposed[0].calls
	g.settle(g.proposed[0].room.victims, g.proposed[0].room.grows)
	g.proposed[0] = proposal{}
	g.proposed = g.proposed[1:]
	for i, c := range calls {
		g.lane.hall.Finish(c, &responses[i])
	}
	if g.spare == nil && cap(calls) <= callsKept {
		clear(calls[:cap(calls)]) // some may have been refused, and lie behind
		g.spare = calls[:0]
	}
	if len(g.writes) > 0 || g.stirred() {
		g.lane.touch(g) // they have waited for this
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
	g.arriving = &storeRestorer{group: g, in: store.NewRestorer(g.lane.storeConfig(g.lane.m.Placement(g.shard)))}
	return g.arriving
}

type storeRestorer struct {
	group *group
	in    *store.Restorer
	out   *store.Store
}

// left notes that it is not on its way any more.
func (r *storeRestorer) left() {
	if r.group.arriving == r {
		r.group.arriving = nil
	}
}

// bytes is what has come of the copy.
func (r *storeRestorer) bytes() int64 {
	switch {
	case r == nil:
		return 0
	case r.out != nil:
		return r.out.Bytes()
	}
	return r.in.Bytes()
}

// expected is about how large it will be when all of it has come. False: that cannot be told yet.
func (r *storeRestorer) expected() (bytes int64, known bool) {
	switch {
	case r == nil:
		return 0, false
	case r.out != nil:
		return r.out.Bytes(), true
	}
	return r.in.Expected()
}

func (r *storeRestorer) Add(chunk []byte) error {
	return r.group.lane.refusals.refuse(r.group.shard, r.in.Add(chunk))
}
func (r *storeRestorer) Finish() (err error) {
	r.out, err = r.in.Finish()
	return r.group.lane.refusals.refuse(r.group.shard, err)
}
func (r *storeRestorer) Close() {
	r.left()
	r.in.Close()
	if r.out != nil {
		r.group.lane.discard(r.out)
	}
}
func (r *storeRestorer) Install() {
	r.left()
	r.group.lane.discard(r.group.store)
	r.group.store = r.out
	if mutant.On(mutant.HandoffGap) {
		r.group.former = true // it serves reads from now on: it has a copy
	}
}

// Send is raft's way out: to the node that holds the replica.
func (g *group) Send(to wire.ReplicaID, m wire.Message) { g.lane.sendReplica(g.shard, to, m) }

// onMessage takes what is for the group's member, and reports whether it did.
func (g *group) onMessage(m wire.Message) bool {
	if g.sealed != 0 && !isRouted(m) {
		return true
	}
	switch m := m.(type) {
	case *wire.Raft:
		g.member.Step(&m.RaftMessage)
	case *wire.SnapshotChunk:
		g.member.OnSnapshotChunk(m)
	case *wire.SnapshotAck:
		g.member.OnSnapshotAck(m)
	default:
		return false
	}
	g.lane.touch(g)
	return true
}

// RoleChanged follows leadership.
func (g *group) RoleChanged() {
	if g.member == nil {
		return
	}
	if !g.member.IsLeader() {
		g.deposed()
	} else if g.member.Leads() && g.store != nil {
		g.base, g.baseAt = g.store.Time(), g.lane.env.Now()
		g.succeeds()
	}
	if g.leader != g.member.Leader() {
		g.leader = g.member.Leader()
		g.succeed()
		g.lane.forgetHeld(g.shard)
		if g.leader == g.offered {
			g.patience, g.declined = 0, 0
		}
		g.lane.hall.LeaderChanged(g.shard)
	}
	g.lane.board.PublishLeader(g.shard, g.lane.hall.Leader(g.shard), g.member.Term())
}

// deposed gives up what waits: what is in the log may yet be applied, the rest surely is not.
func (g *group) deposed() {
	for _, p := range g.proposed {
		for _, c := range p.calls {
			outcome := wire.OutcomeUnknown
			if mutant.On(mutant.FailMeansNo) {
				outcome = wire.OutcomeRefused
			}
			g.lane.hall.Finish(c, &wire.Response{Outcome: outcome, Reason: wire.ReasonLeadershipLost})
		}
	}
	g.forgetProposed()
	g.rooms, g.full = nil, false // the next time that it leads it is told anew
	again := append(append(append(g.reads, g.ticked...), g.takeStanding()...), g.writes...)
	g.proposed, g.reads, g.ticked, g.writes, g.ticking = nil, nil, nil, nil, 0
	for _, c := range again {
		g.lane.hall.RouteAgain(c)
	}
}

// now is the leader's time for the log: its wall clock. While that is behind log time (the leader before had a
// faster clock, or this one's was ahead and was set back) log time goes on at half the speed, so that the two meet:
// it neither stands still nor stays ahead for good. A follower that reads has no say.
func (g *group) now() int64 {
	now := max(g.lane.env.Wall(), g.store.Time())
	if mutant.On(mutant.TTLRestartOnLeaderChange) && g.member.IsLeader() {
		return g.base + (g.lane.env.Now() - g.baseAt).Milliseconds() // time begins with the leader
	}
	if g.member.IsLeader() {
		now = max(now, g.least())
	}
	return now
}

// least is where log time would be if it had gone at half the speed since it was last moved by more than that.
func (g *group) least() int64 {
	at := g.lane.env.Now()
	least := g.base + (at-g.baseAt).Milliseconds()/2
	if moved := g.store.Time(); moved > least {
		g.base, g.baseAt = moved, at
		return moved
	}
	return least
}

// serves reports whether this replica can do something for a call: a leader for all, in
// ReadIndex mode any replica that knows a leader for reads.
func (g *group) serves(c *router.Call) bool {
	switch {
	case g.store == nil || g.sealed != 0:
		return false
	case g.member.IsLeader():
		return true
	case c.IsWrite() || c.LeaderOnly:
		return false
	case g.former || mutant.On(mutant.LocalRead):
		return true
	}
	return g.lane.cfg.Reads == ReadIndex && g.member.Leader() != 0
}

// votes reports whether this replica counts in its group's quorums, as far as it knows.
func (g *group) votes() bool { return slices.Contains(g.member.Conf().Voters, uint64(g.replica)) }

func (g *group) take(c *router.Call) {
	g.lane.touch(g)
	if g.member.IsLeader() {
		g.lane.hall.Served(g.shard)
	}
	switch {
	case len(g.writes)+len(g.reads)+len(g.ticked)+g.standingNow() >= g.lane.cfg.InboxMax:
		g.lane.hall.Refuse(c, wire.ReasonOverloaded)
	case !c.IsWrite():
		g.reads = append(g.reads, c)
	case (g.lane.full || g.full) && grew(&c.Request) && !g.lane.evicts():
		g.lane.hall.Refuse(c, wire.ReasonOutOfMemory)
	default:
		if g.writes == nil {
			g.writes, g.spare = g.spare, nil
		}
		g.writes = append(g.writes, c)
	}
}

// callsKept is for how many reads a group keeps room.
const callsKept = 64

// asksMax bounds the questions to a quorum that are under way at a time: reads that come
// meanwhile go together into the next one.
const asksMax = 2

// turn answers the gathered reads and proposes the gathered writes, as one entry unless they are large.
func (g *group) turn() {
	if g.store != nil {
		g.answerReads()
		g.proposeWrites()
	}
	g.member.Flush()
	if g.lane.leave.on && g.leave() || g.yieldTo != 0 && g.yield() {
		g.member.Flush()
	}
}

func (g *group) proposeWrites() {
	if len(g.writes) == 0 && !g.stirred() || g.gathers() || !g.member.Accepting() || g.lane.leave.on && g.heir() != 0 || g.yieldTo != 0 {
		return
	}
	// Those that were answered while they waited (their time ran out) must not be applied now.
	calls := g.standBack(slices.DeleteFunc(g.writes, (*router.Call).Done))
	g.writes = nil
	for len(calls) > 0 {
		var now []*router.Call
		now, calls = shareEntry(calls)
		g.proposeEntry(now)
	}
}

// proposeEntry proposes writes as one entry.
func (g *group) proposeEntry(calls []*router.Call) {
	calls, room := g.makeRoom(calls)
	if len(calls) == 0 {
		g.settle(room.victims, 0)
		return
	}
	at, _ := g.timeToPropose()
	b := &wire.Batch{Time: at, Victims: room.victims, Requests: g.lane.requests[:0]}
	for _, c := range calls {
		c.Proposed()
		b.Requests = append(b.Requests, c.Request)
	}
	defer g.lane.reuse(b.Requests)
	if mutant.On(mutant.CASAtPropose) {
		g.compareNow(b)
	}
	if mutant.On(mutant.GuardAtPropose) {
		g.guardNow(b)
	}
	if g.logsFull() || !g.propose(b, calls) {
		g.settle(room.victims, 0)
		for _, c := range calls {
			c.Dropped()
			g.lane.hall.Refuse(c, wire.ReasonOverloaded)
		}
		return
	}
	g.proposed[len(g.proposed)-1].room = room
	room.proposed(g)
	if mutant.On(mutant.AckEarly) {
		for _, c := range calls {
			if op := c.Commands[0].Op; op == wire.OpLease || op == wire.OpFill {
				continue // no answer to these is known before they are applied, and a wrong one would be noticed before anything is lost
			}
			g.lane.hall.Finish(c, &wire.Response{Results: make([]wire.Result, len(c.Commands))})
		}
	}
}

// gatherMost writes go in any case: more of them would save hardly anything.
const gatherMost = 64

// gathers reports whether the writes had better wait for more of them, to share one entry: as long as they
// are fewer than those that are under way. What the ones under way come to ends the wait at the latest (Apply).
//
// An entry costs three replicas about the same whether it holds one write or twenty. With few writers nobody
// ever waits: of two the second is not fewer than the first. With many, each entry holds about a third
// of all writes, and two are under way at any time.
func (g *group) gathers() bool {
	if len(g.writes) >= gatherMost {
		return false
	}
	underWay := 0
	for i := range g.proposed {
		underWay += len(g.proposed[i].calls)
	}
	return len(g.writes) < underWay
}

// reuse keeps the requests of an entry that is written as room for the next.
func (l *Lane) reuse(requests []wire.Request) {
	clear(requests)
	l.requests = requests
}

func (g *group) propose(b *wire.Batch, calls []*router.Call) bool {
	g.number++
	b.Proposer, b.Number = g.replica, g.number
	entry := wire.AppendBatch(roomForEntry(g.lane.entry[:0], b, calls), b)
	if cap(entry) <= entryKept {
		g.lane.entry = entry
	}
	if err := g.member.Propose(entry); err != nil {
		return false
	}
	g.proposed = append(g.proposed, proposal{number: b.Number, calls: calls, room: room{victims: b.Victims}})
	if g.promises != nil {
		g.promises.proposed(g, b)
	}
	return true
}

func (g *group) answerReads() {
	if len(g.reads) == 0 {
		return
	}
	calls := g.reads
	if g.former || mutant.On(mutant.LocalRead) || g.lane.cfg.Reads == ReadLease && g.member.LeaseValid() {
		g.reads = nil
		g.serve(calls)
		if g.reads == nil && cap(calls) <= callsKept {
			clear(calls)
			g.reads = calls[:0]
		}
		return
	}
	if g.asking >= asksMax || g.member.IsLeader() && !g.member.Leads() {
		return // the next answer, or the first entry of this term, comes soon
	}
	g.reads = nil
	g.asking++
	g.member.ReadIndex(func(ok bool) {
		g.asking--
		g.lane.touch(g)
		if ok {
			g.lane.hall.Served(g.shard)
			g.serve(calls)
			return
		}
		for _, c := range calls {
			g.lane.hall.Park(c)
		}
	})
}

func (g *group) emit(e trace.Event) {
	if g.lane.trace != nil {
		e.Node, e.Shard, e.Replica = g.lane.cfg.Self.ID, g.shard, g.replica
		g.lane.trace.Emit(e)
	}
}

func (g *group) serve(calls []*router.Call) {
	now := g.now()
	if mutant.On(mutant.TTLLocalClock) {
		now = g.lane.env.Wall()
	}
	for i, c := range calls {
		g.lookAhead(calls, i)
		if c.Done() {
			continue
		}
		if c.Abandoned() {
			g.lane.hall.Refuse(c, wire.ReasonOverloaded)
			continue
		}
		results, needsTick := g.store.Read(c.Commands, now)
		switch {
		case results == nil && !needsTick:
			g.lane.hall.Refuse(c, wire.ReasonTooLarge)
		case !needsTick:
			if !unmet(results) {
				g.lane.countReads(c.Commands, results)
				g.read(c.Commands, results)
			}
			if promisable(c) {
				g.promise(c, &results[0])
			}
			g.lane.hall.Finish(c, &wire.Response{Results: results})
		case g.member.IsLeader():
			g.ticked = append(g.ticked, c)
			g.tickLog(now)
		default: // only the leader moves the time
			c.LeaderOnly = true
			g.lane.hall.Route(c)
		}
	}
}

// unmet says that a guard was not met: what the others would have found is not known, and nobody has used it.
func unmet(results []wire.Result) bool { return len(results) > 0 && results[0].Code == wire.CodeGuard }

// lookAhead tells the store, every so many calls, what the next ones read: see store.Ahead.
func (g *group) lookAhead(calls []*router.Call, at int) {
	const callsAhead = 16
	if at%callsAhead != 0 || len(calls)-at < 2 {
		return
	}
	var next [callsAhead]*wire.Command
	n := 0
	for _, c := range calls[at:min(at+callsAhead, len(calls))] {
		if len(c.Commands) == 1 {
			next[n] = &c.Commands[0]
			n++
		}
	}
	g.store.Ahead(next[:n])
}

// tickLog lets log time pass through the log: expiry is decided nowhere else.
func (g *group) tickLog(now int64) {
	if g.lane.leave.on && g.heir() != 0 {
		return // the next leader will do it
	}
	if g.ticking != 0 {
		return
	}
	if g.promises != nil {
		free := false
		if now, free = g.timeToPropose(); !free {
			return // the next tick tries again
		}
	}
	if g.propose(&wire.Batch{Time: now}, nil) {
		g.ticking = g.number
	}
}

// tick expires what is due.
func (g *group) tick() {
	if g.underSeal() {
		g.tellSealed()
		return
	}
	g.member.Tick(g.lane.ticks)
	g.lane.touch(g)
	g.tellStranded()
	if g.store == nil || !g.member.Leads() {
		return
	}
	if len(g.ticked) > 0 && g.ticking == 0 {
		g.tickLog(g.now()) // it was dropped, for a transfer of leadership
	}
	g.tellUsed()
	g.tickPromises()
	g.ageRooms()
	g.takeRooms()
	g.shrink()
	if at, ok := g.store.NextExpiry(); ok && at <= g.now() {
		if mutant.On(mutant.StaleExpirer) {
			g.deleteDue()
		}
		g.tickLog(g.now())
	}
}
