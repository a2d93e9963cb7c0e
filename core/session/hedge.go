package session

import (
	"math/bits"
	"time"

	"torc/core/breaker"
	"torc/core/limit"
	"torc/core/mutant"
	"torc/core/wire"
)

// A read that takes longer than nearly all others is asked a second time, through another node: the answer that comes first
// counts. Reads have no effect, so asking twice is safe; every node forwards, so any replica's node will do; and what
// makes one read slow (a connection that lost a packet, a leader that is gone and that the other node knows to be) is
// seldom in the way of both.
//
// A hedge changes none of its part's plans. If it is refused or lost, that is all; the part waits for its attempt, and is
// tried again, as if there had been no hedge. And it is never more than a tenth on top of the reads: when everything is
// slow, a second question only makes it slower.

// Hedge shapes hedged reads.
type Hedge struct {
	On    bool
	After time.Duration // how long a read waits before it is asked again; zero: longer than 95 of 100 took lately
}

const (
	hedgeRead    = 100    // thousandths of a hedge that a read earns
	hedgeCost    = 1000   // what one costs
	hedgeMax     = 10_000 // what may be saved up
	hedgeSamples = 64     // reads between two looks at how long they take
	hedgeMemory  = 1024   // reads that are remembered, about
	hedgeLeast   = time.Millisecond
)

// hedging is what a brain knows for its hedges.
type hedging struct {
	tokens int64
	times  [64 * 4]uint32 // reads by how long they took: four steps to each doubling of the microseconds
	total  uint32         // of times
	fresh  uint32         // reads since after was found
	after  time.Duration  // observed; zero: not known yet
}

// took notes how long a read took, or has taken without an answer.
func (h *hedging) took(d time.Duration) {
	h.times[step(d)]++
	h.total++
	if h.fresh++; h.fresh < hedgeSamples {
		return
	}
	h.fresh = 0
	h.after = max(h.quantile(95), hedgeLeast)
	if h.total >= hedgeMemory {
		h.total = 0
		for i := range h.times {
			h.times[i] /= 2
			h.total += h.times[i]
		}
	}
}

// step is where a time stands in times.
func step(d time.Duration) int {
	micros := uint64(max(d.Microseconds(), 4))
	doubling := bits.Len64(micros) - 1
	return doubling*4 + int(micros>>(doubling-2))&3
}

// quantile is what so many percent of the reads do not exceed, rounded up to a step.
func (h *hedging) quantile(percent uint32) time.Duration {
	left := h.total * percent / 100
	for i, n := range h.times {
		if n >= left {
			doubling := i / 4
			return time.Duration((uint64(i%4)+5)<<doubling/4) * time.Microsecond
		}
		left -= n
	}
	return 0
}

// hedgeAfter is how long an attempt of a part waits before its hedge; zero: there is to be none.
func (b *Brain) hedgeAfter(p *part, w why) time.Duration {
	if !b.cfg.Hedge.On || p.write || w != first {
		return 0
	}
	b.hedges.tokens = min(b.hedges.tokens+hedgeRead, hedgeMax)
	if b.cfg.Hedge.After > 0 {
		return b.cfg.Hedge.After
	}
	return b.hedges.after
}

// hedge asks a second node what an attempt has asked a first one.
func (b *Brain) hedge(a *attempt) {
	if b.hedges.tokens < hedgeCost && !mutant.On(mutant.HedgeStorm) {
		return
	}
	node, addr := b.second(a)
	if addr == "" {
		return
	}
	b.hedges.tokens -= hedgeCost
	b.stats.Hedges++
	left := min(b.cfg.AttemptLimit, a.part.op.deadline-b.clock.Now())
	b.hand(a.part, attempt{node: node, addr: addr, hedge: true}, left)
}

// second is a node that serves well and is not the one that was asked.
func (b *Brain) second(a *attempt) (wire.NodeID, string) {
	near, _ := b.owners(a.part.shard)
	for _, node := range near {
		addr := b.address(node)
		if addr == "" || addr == a.addr {
			continue
		}
		to := b.peer(addr)
		own := to.shards[a.part.shard]
		if to.whole.State() == breaker.Closed && (own == nil || own.State() == breaker.Closed) && !to.limit.Full() && len(to.line) == 0 {
			return node, addr
		}
	}
	return 0, ""
}

// learn notes how long a read took for which an answer has come: the attempt's own, or a hedge's before it.
func (b *Brain) learn(answered *attempt) {
	p := answered.part
	if !b.cfg.Hedge.On || p.write {
		return
	}
	if !answered.hedge {
		b.hedges.took(b.clock.Now() - answered.at)
		return
	}
	b.stats.HedgesWon++
	if late := p.newest(); late != nil {
		b.hedges.took(b.clock.Now() - late.at)
	}
}

// endsAs is what became of an attempt, for its node's limit: a hedge came by way of another node, and tells nothing of
// how much this one can take.
func (a *attempt) endsAs(end limit.End) limit.End {
	if a.hedge {
		return limit.Left
	}
	return end
}
