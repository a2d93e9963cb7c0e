package session

import (
	"slices"
	"strings"
	"time"

	"torc/core/breaker"
	"torc/core/limit"
	"torc/core/mutant"
	"torc/core/wire"
)

// peer is what the brain knows about one address: how well it answers, and how much it takes.
//
// There are two sorts of breakers, because there are two sorts of silence. When a node answers nothing at all its own
// breaker counts that, and soon nobody asks it for anything. When it answers other shards and leaves one
// without an answer (that shard's group is stuck, or its lane), only the breaker of that shard there counts it: the
// node's other shards are not cut off with it.
type peer struct {
	addr   string
	whole  *breaker.Breaker
	shards map[wire.ShardID]*breaker.Breaker // only where something went wrong
	heard  time.Duration                     // when it last answered anything; meaningful if it ever has
	ever   bool
	owes   bool          // something was asked of it since, and nothing has come
	owed   time.Duration // meaningful if it owes: when the first of that was asked

	limit *limit.Limit
	line  []*part // that wait until fewer requests are under way to it, in the order they came

	parts int // not concluded that it seemed to lead when they came
}

// lineFactor is how many times as many parts may wait for a node as may be under way to it. What Do brings then is refused
// at once: whoever would wait behind them has no use for the answer. (What has waited for something else before may stand
// in line all the same: there are never more than MaxInFlight in all.)
const lineFactor = 4

// peer returns what is known about an address.
func (b *Brain) peer(addr string) *peer {
	p := b.peers[addr]
	if p == nil {
		p = &peer{addr: addr, whole: b.newBreaker(), shards: map[wire.ShardID]*breaker.Breaker{}, limit: limit.New(b.cfg.Limit)}
		b.peers[addr] = p
	}
	return p
}

func (b *Brain) newBreaker() *breaker.Breaker {
	return breaker.New(breaker.Config{OpenMax: 8 * b.cfg.RetryMax, OpenMin: b.cfg.RetryMax, ProbeLimit: 2 * b.cfg.AttemptLimit})
}

// allow reports whether an address may be asked for something of a shard now. A yes may be a probe.
func (p *peer) allow(shard wire.ShardID, now time.Duration) bool {
	own := p.shards[shard]
	if !p.whole.Ready(now) || own != nil && !own.Allow(now) {
		return false
	}
	return p.whole.Allow(now)
}

// heardFrom notes that something about a shard came from an address.
func (b *Brain) heardFrom(p *peer, shard wire.ShardID) {
	now := b.clock.Now()
	p.heard, p.ever, p.owes = now, true, false
	p.whole.Success(now)
	if own := p.shards[shard]; own != nil {
		own.Success(now)
	}
}

// failed notes that nothing came from an address: no connection, or no answer to the question for the map.
func (b *Brain) failed(p *peer) { b.trip(p.whole) }

// asked notes that something is asked of an address.
func (p *peer) asked(now time.Duration) {
	if !p.owes {
		p.owes, p.owed = true, now
	}
}

// waited is how long an attempt's node has answered nothing. It may be longer than the attempt waits: callers with little time
// give each attempt too little to tell a node that is silent from one that thinks, but all together they can.
func (a *attempt) waited(now time.Duration) time.Duration {
	if a.peer.owes {
		return now - min(a.at, a.peer.owed)
	}
	return now - a.at
}

// silent notes that a question about a shard, asked at some time, was not answered.
func (b *Brain) silent(p *peer, shard wire.ShardID, asked time.Duration) {
	if !p.ever || p.heard < asked || mutant.On(mutant.BreakerFlap) {
		b.trip(p.whole) // nothing else was answered either
		return
	}
	own := p.shards[shard]
	if own == nil {
		own = b.newBreaker()
		p.shards[shard] = own
	}
	b.trip(own)
}

func (b *Brain) trip(br *breaker.Breaker) {
	was := br.State()
	if br.Failure(b.clock.Now()); was != breaker.Open && br.State() == breaker.Open {
		b.stats.Trips++
	}
}

// lineUp makes a part wait for its node, or refuses it at once when too many wait already.
func (b *Brain) lineUp(p *part, w why, to *peer) {
	if w == retried {
		b.budget.earn(budgetRetry) // nothing is sent
	}
	if !p.fresh || len(to.line) < lineFactor*to.limit.Now() {
		b.wait(p, waiting, p.op.deadline-b.clock.Now())
		to.line = append(to.line, p)
		p.line, p.lined = to, w
		return
	}
	b.shed(p)
}

// shed refuses a part at once.
func (b *Brain) shed(p *part) {
	b.stats.Shed++
	b.conclude(p, Item{Outcome: wire.OutcomeRefused, Reason: wire.ReasonOverloaded}, nil)
}

// charge counts a new part for the node that seems to lead its shard. Where it waits and whom it asks may change; what
// counts is that one node which answers nobody keeps so many parts from being anywhere else.
func (b *Brain) charge(p *part) {
	if _, addr := b.guess(p.shard); addr != "" {
		p.home = b.peer(addr)
		p.home.parts++
	}
}

// atHome reports whether a part would be one too many of its node: half of all that may be in flight is the others'.
func (b *Brain) atHome(p *part) bool {
	return p.home != nil && len(b.cmap.Members) > 1 && p.home.parts > max(b.cfg.MaxInFlight/2, 1)
}

func (p *part) leaveHome() {
	if p.home != nil {
		p.home.parts--
		p.home = nil
	}
}

// leaveLine takes a part out of the line that it stands in, if any.
func (p *part) leaveLine() {
	if p.line == nil {
		return
	}
	if i := slices.Index(p.line.line, p); i >= 0 {
		p.line.line = slices.Delete(p.line.line, i, i+1)
	}
	p.line = nil
}

// end notes what became of an attempt, for its node's limit. Those who wait for the node go on when the brain's state is
// whole again (see leave).
func (b *Brain) end(a *attempt, end limit.End) {
	if a.ended {
		return
	}
	a.ended = true
	now := b.clock.Now()
	a.peer.limit.End(now, now-a.at, end)
	if len(a.peer.line) > 0 {
		b.freed = append(b.freed, a.peer)
	}
}

// advance sends those who wait for a node, as far as its limit allows.
func (b *Brain) advance(to *peer) {
	for len(to.line) > 0 && !to.limit.Full() && !b.stopped {
		p := to.line[0]
		p.leaveLine()
		if b.clock.Now() < p.op.deadline { // otherwise its timer is due
			b.try(p, p.lined)
		}
	}
}

// sorted returns the peers by address.
func (b *Brain) sorted() []*peer {
	list := make([]*peer, 0, len(b.peers))
	for _, p := range b.peers { // map order: sorted below
		list = append(list, p)
	}
	slices.SortFunc(list, func(x, y *peer) int { return strings.Compare(x.addr, y.addr) })
	return list
}
