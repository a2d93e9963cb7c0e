package session

import (
	"time"

	"torc/core/env"
	"torc/core/ring"
	"torc/core/wire"
)

// Brain is one client's knowledge of a cluster and its operations in flight.
type Brain struct {
	cfg   Config
	clock env.Clock
	rand  env.Rand
	out   Transport

	topology
	shards []shard          // by wire.ShardID; made with the first map
	peers  map[string]*peer // by address
	freed  []*peer          // that may take more, and some wait for them

	client   uint64  // the client number that new sessions begin with
	mapless  []*Call // waiting for the first map
	parts    []*part // not concluded, in no order that matters
	attempts map[uint64]*attempt
	lastID   uint64 // of attempts and fetches
	budget   budget
	hedges   hedging
	cache    *cache // nil: nothing is kept

	splitting splitting
	timers    timers
	stats     Stats
	spares    spares
	req       wire.Request // the one that is being sent

	finished []*Call // concluded, done not yet called
	depth    int     // how many of the brain's own calls are on the stack
	stopped  bool
}

// shard is what the brain knows about one shard.
type shard struct {
	leader  wire.NodeID // the newest hint, or zero
	turn    int         // whose turn it is when there is no better guess
	farTurn int         // the same, among those on nodes that are called down
	window  *window     // nil before the first write
	queue   []*part     // writes that wait for a turn in the window
}

// New makes a brain. Nothing is sent before Start (or the first Do).
func New(cfg Config, clock env.Clock, rand env.Rand, t Transport) *Brain {
	b := &Brain{
		cfg: cfg.Defaults(), clock: clock, rand: rand, out: t,
		peers: map[string]*peer{}, attempts: map[uint64]*attempt{},
		budget: newBudget(clock.Now()), cache: newCache(cfg.Cache),
	}
	b.view = ring.NewView(nil)
	b.client = newWindow(rand).client
	return b
}

// Start begins to learn the cluster map from the seeds.
func (b *Brain) Start() {
	b.enter()
	defer b.leave()
	b.refresh(0)
}

// Stop concludes every operation in flight and refuses later ones with ReasonStopping.
func (b *Brain) Stop() {
	b.enter()
	defer b.leave()
	b.stopped = true
	b.endFetch()
	b.stop(b.fetch.retry)
	for _, op := range b.mapless {
		b.refuse(op, wire.ReasonStopping)
	}
	b.mapless = nil
	for len(b.parts) > 0 {
		b.giveUp(b.parts[len(b.parts)-1], wire.ReasonStopping)
	}
}

// Do runs the commands, each on the shard of its key, within timeout (zero: Config.Timeout).
// done is called exactly once, later (never from inside Do), with one Item per command in
// their order. The commands and what they point to must not be changed any more.
//
// Do refuses with ReasonOverloaded when too much is in flight, and with ReasonStopping after
// Stop.
func (b *Brain) Do(cmds []wire.Command, timeout time.Duration, done func([]Item)) {
	b.begin(&Call{Commands: cmds, Timeout: timeout, Caller: callback(done)}, false)
}

// DoAtomic is Do for commands on keys of one shard that are to be one request: nothing comes between them.
func (b *Brain) DoAtomic(cmds []wire.Command, timeout time.Duration, done func([]Item)) {
	b.begin(&Call{Commands: cmds, Atomic: true, Timeout: timeout, Caller: callback(done)}, false)
}

// Run is Do for a caller that keeps the memory of its calls.
func (b *Brain) Run(op *Call) { b.begin(op, op.Shard != 0) }

// DoOn is Do for commands that concern a whole shard (scan, count, flush). A shard that the
// cluster does not have is refused with ReasonNotOwner.
func (b *Brain) DoOn(shard wire.ShardID, cmds []wire.Command, timeout time.Duration, done func([]Item)) {
	b.begin(&Call{Commands: cmds, Shard: shard, Timeout: timeout, Caller: callback(done)}, true)
}

// Map returns the newest cluster map the brain knows, or nil.
func (b *Brain) Map() *wire.ClusterMap { return b.cmap }

// Stats returns what the brain has done so far.
func (b *Brain) Stats() Stats {
	s := b.stats
	s.InFlight = len(b.parts) + len(b.mapless)
	if c := b.cache; c != nil {
		s.Hits, s.Recalls, s.Kept, s.KeptBytes = c.hits, c.recalls, len(c.entries), c.bytes
	}
	return s
}

func (b *Brain) begin(op *Call, onShard bool) {
	b.enter()
	defer b.leaveLater()
	timeout := op.Timeout
	if timeout <= 0 {
		timeout = b.cfg.Timeout
	}
	if cap(op.Items) < len(op.Commands) {
		op.Items = make([]Item, len(op.Commands))
	}
	op.Items = op.Items[:len(op.Commands)]
	op.left, op.onShard, op.timer = 0, onShard, nil
	op.deadline = b.clock.Now() + timeout
	switch {
	case b.stopped:
		b.refuse(op, wire.ReasonStopping)
	case len(op.Commands) == 0:
		b.finished = append(b.finished, op)
	case b.fromCache(op):
	case len(b.parts)+len(b.mapless) >= b.cfg.MaxInFlight:
		b.refuse(op, wire.ReasonOverloaded)
	case b.cmap == nil:
		b.waitForMap(op, timeout)
	default:
		b.launch(op)
	}
}

// waitForMap parks an operation that cannot be split yet.
func (b *Brain) waitForMap(op *Call, timeout time.Duration) {
	b.mapless = append(b.mapless, op)
	op.timer = b.after(timeout, func() {
		for i := range b.mapless {
			if b.mapless[i] == op {
				b.mapless = append(b.mapless[:i], b.mapless[i+1:]...)
				break
			}
		}
		b.refuse(op, wire.ReasonDeadline)
	})
	b.refresh(0)
}

// launch splits an operation and sends its parts.
func (b *Brain) launch(op *Call) {
	b.stop(op.timer)
	if op.onShard && !b.view.Has(op.Shard) {
		b.refuse(op, wire.ReasonNotOwner)
		return
	}
	b.run(op, b.divide(op, nil))
}

func (b *Brain) run(op *Call, parts []*part) {
	op.left += len(parts)
	for _, p := range parts {
		p.place = len(b.parts)
		b.parts = append(b.parts, p)
		b.charge(p)
	}
	for _, p := range parts {
		p.fresh = true
		b.admit(p)
		p.fresh = false
	}
}

// refuse concludes an operation of which nothing was sent.
func (b *Brain) refuse(op *Call, reason wire.Reason) {
	for i := range op.Items {
		op.Items[i] = Item{Outcome: wire.OutcomeRefused, Reason: reason}
	}
	b.stop(op.timer)
	b.finished = append(b.finished, op)
}

// enter and leave stand around everything that the world calls. Operations that were
// concluded are told at the end, when the brain's state is whole again: done may well call
// Do.
func (b *Brain) enter() { b.depth++ }

func (b *Brain) leave() {
	b.advanceAll()
	if b.depth == 1 {
		b.spares.rest()
		for next := 0; next < len(b.finished); next++ { // Done may finish more
			op := b.finished[next]
			b.finished[next] = nil
			op.Caller.Done(op)
		}
		b.finished = b.finished[:0]
	}
	b.depth--
}

// advanceAll lets those go on who wait for a node that may take more.
func (b *Brain) advanceAll() {
	for next := 0; b.depth == 1 && next < len(b.freed); next++ { // advance may free more
		b.advance(b.freed[next])
	}
	if b.depth == 1 {
		clear(b.freed)
		b.freed = b.freed[:0]
	}
}

// leaveLater is leave for Do, which must not call done itself.
func (b *Brain) leaveLater() {
	b.advanceAll()
	if b.depth == 1 {
		b.spares.rest()
		if len(b.finished) > 0 {
			b.after(0, func() {})
		}
	}
	b.depth--
}
