package cluster

import (
	"math"
	"time"

	"torc/core/mutant"
	"torc/core/router"
	"torc/core/wire"
)

// How a leader keeps its promises (promise.go): what would change a key with a promise stands behind until its holders have dropped the key,
// or the promises have run out. What comes for the same keys meanwhile stands behind that, so that writes on a key
// are proposed in the order in which they came.

// standBack puts those writes aside that cannot be proposed yet, and returns the others, with those that could not be before.
func (g *group) standBack(calls []*router.Call) []*router.Call {
	p := g.promises
	if p == nil {
		return calls
	}
	now := g.lane.env.Now()
	p.lapse(now)
	if p.stirred && len(p.standing) > 0 {
		calls = append(p.standing, calls...)
		p.standing, p.behindAll, p.stirred = nil, false, false
		clear(p.behind)
	}
	free := make([]*router.Call, 0, len(calls))
	for _, c := range calls {
		switch {
		case c.Done(): // its time ran out
		case g.stands(c, now):
			p.stand(g, c)
		default:
			free = append(free, c)
		}
	}
	return free
}

// stands reports whether a write cannot be proposed now; holders of its keys are told to drop them.
func (g *group) stands(c *router.Call, now time.Duration) (stands bool) {
	p := g.promises
	stands = now < p.wait || p.behindAll
	for i := range c.Commands {
		switch cmd := &c.Commands[i]; {
		case cmd.Op == wire.OpFlush:
			stands = stands || p.alive > 0 || len(p.standing) > 0
			p.recallAll(g.shard)
		case changesKey(cmd):
			hash := g.store.HashOf(cmd.Key)
			stands = stands || p.behind[hash] || len(p.keys[hash]) > 0
			for _, x := range p.keys[hash] {
				p.recall(g.shard, x)
			}
		}
	}
	if mutant.On(mutant.CacheNoWait) {
		return false
	}
	return stands
}

// changesKey reports whether a command may change what is read of its key.
func changesKey(c *wire.Command) bool {
	return c.Op.IsWrite() && c.Op != wire.OpTick && c.Op != wire.OpCaching
}

// stand puts a write behind, and its keys with it.
func (p *promises) stand(g *group, c *router.Call) {
	p.standing = append(p.standing, c)
	for i := range c.Commands {
		switch cmd := &c.Commands[i]; {
		case cmd.Op == wire.OpFlush:
			p.behindAll = true
		case changesKey(cmd):
			p.behind[g.store.HashOf(cmd.Key)] = true
		}
	}
}

// stirred reports whether writes that stood behind may go on.
func (g *group) stirred() bool {
	return g.promises != nil && g.promises.stirred && len(g.promises.standing) > 0
}

// takeStanding returns the writes that stand behind, for whoever deals with them from now on.
func (g *group) takeStanding() (calls []*router.Call) {
	if g.promises != nil {
		calls, g.promises = g.promises.standing, nil
	}
	return calls
}

// standingNow is how many they are.
func (g *group) standingNow() int {
	if g.promises == nil {
		return 0
	}
	return len(g.promises.standing)
}

// timeToPropose is the log time that an entry may have now: it must not pass the expiry of a key with a promise. If it cannot be what the clock says
// it is not free, and the holders are told. Promises are given only on keys that expire long after they run out, so
// that happens when wall clocks jump, or differ from one leader to the next.
func (g *group) timeToPropose() (at int64, free bool) {
	p, now := g.promises, g.now()
	if p == nil {
		return now, true
	}
	if g.lane.env.Now() < p.wait {
		return g.store.Time(), false
	}
	if now < p.soon {
		return now, true
	}
	p.lapse(g.lane.env.Now())
	p.soon = math.MaxInt64
	for _, x := range p.order {
		if !x.over && x.expireAt != 0 {
			if p.soon = min(p.soon, x.expireAt); x.expireAt <= now {
				p.recall(g.shard, x)
			}
		}
	}
	if now < p.soon {
		return now, true
	}
	return p.soon - 1, false
}

// mayEvict reports whether keys may be given up: a successor does not know which ones clients keep.
func (g *group) mayEvict() bool { return g.promises == nil || g.lane.env.Now() >= g.promises.wait }

// spared reports whether a key is no victim: it is one already, or has a promise.
func (g *group) spared(hash uint64) bool {
	return g.evict.isDying(hash) || g.promises != nil && len(g.promises.keys[hash]) > 0
}

// spareFewer stops giving promises for a while: there is no victim to be found, perhaps because of them.
func (g *group) spareFewer() {
	if p := g.promises; p != nil && p.alive > 0 {
		p.paused = g.lane.env.Now() + 2*time.Duration(g.store.Caching())*time.Millisecond
	}
}

// recall asks a holder to drop its key, once.
func (p *promises) recall(shard wire.ShardID, x *promise) {
	if x.recalled || x.over {
		return
	}
	x.recalled = true
	p.byID[x.id] = x
	x.holder.Recall(&wire.Recall{Shard: shard, ID: x.id, Key: x.key})
}

// onDropped takes a client's word that it has dropped a key.
func (l *Lane) onDropped(c *wire.Call) {
	l.dropped(c.Shard, c.Commands[0].Version)
	c.Sink.Deliver(c.Tag, &wire.Response{Results: []wire.Result{{Kind: wire.KindOK}}})
}

// dropped ends the promise of a holder that has dropped its key.
func (l *Lane) dropped(shard wire.ShardID, id uint64) {
	if g := l.groups[shard]; g != nil && g.promises != nil {
		if x := g.promises.byID[id]; x != nil {
			g.promises.end(x)
			l.touch(g)
		}
	}
}

// droppedAll ends all promises of a holder that is going (giveBack).
func (l *Lane) droppedAll(h wire.Holder, shard wire.ShardID) {
	if g := l.groups[shard]; g != nil && g.promises != nil {
		for _, x := range g.promises.order {
			if x.holder == h {
				g.promises.end(x)
			}
		}
		l.touch(g)
	}
}

// isDropped reports whether a call is such a word.
func isDropped(c *wire.Call) bool {
	return len(c.Commands) == 1 && c.Commands[0].Op == wire.OpDropped
}

// tickPromises ends what has run out, and says in the log when there are none any more.
func (g *group) tickPromises() {
	p := g.promises
	if p == nil {
		return
	}
	now := g.lane.env.Now()
	p.lapse(now)
	length := time.Duration(g.store.Caching()) * time.Millisecond
	if len(p.standing) > 0 {
		p.stirred = true // what waited for the former leader's promises, or whose time is up
		g.lane.touch(g)
	}
	if length > 0 && p.alive == 0 && !p.closes && now >= p.wait && now-p.asked >= promisesIdle*length {
		p.closes = g.proposeCaching(0)
	}
}

// lapse ends the promises that have run out.
func (p *promises) lapse(now time.Duration) {
	n := 0
	for ; n < len(p.order) && (p.order[n].over || p.order[n].until <= now); n++ {
		if x := p.order[n]; !x.over {
			if x.recalled {
				p.lapsed(x.holder, now)
			}
			p.end(x)
		}
		p.order[n] = nil
	}
	if p.order = p.order[n:]; len(p.order) == 0 {
		p.order = nil
	}
}

// recallAll asks all holders to drop all keys.
func (p *promises) recallAll(shard wire.ShardID) {
	for _, x := range p.order {
		p.recall(shard, x)
	}
}

// closed forgets the account when the log has said that there are no promises.
func (g *group) closedPromises() {
	if p := g.promises; p.closes && g.store.Caching() == 0 {
		g.writes = append(g.takeStanding(), g.writes...)
		g.lane.touch(g)
	}
}

// lapsed notes that a holder has neither dropped a key nor said so.
func (p *promises) lapsed(h wire.Holder, now time.Duration) {
	for i := range p.offenders {
		if o := &p.offenders[i]; o.holder == h {
			if o.lapses++; o.lapses >= lapsesAllowed {
				o.lapses, o.until = 0, now+barredFor
			}
			return
		}
	}
	if len(p.offenders) >= offendersMax {
		p.offenders = p.offenders[1:]
	}
	p.offenders = append(p.offenders, offender{holder: h, lapses: 1})
}

// bars reports whether a holder is given no promise now.
func (p *promises) bars(h wire.Holder, now time.Duration) bool {
	for i := range p.offenders {
		if p.offenders[i].holder == h {
			return now < p.offenders[i].until
		}
	}
	return false
}

// reticentTicks is for how long nothing is promised after the leadership could have been given away, had there been no promises.
const reticentTicks = 20

// released reports whether a successor has no promises to wait for, so that the leadership can be given away without a pause for writers. If it
// has, the holders are asked to drop all, and then the log says that there are no promises; ask again.
func (g *group) released() bool {
	p := g.promises
	if p == nil {
		return true
	}
	g.reticent = g.lane.ticks + reticentTicks
	p.lapse(g.lane.env.Now())
	p.recallAll(g.shard)
	switch {
	case p.alive > 0 || p.closes || g.lane.env.Now() < p.wait:
	case g.store.Caching() > 0:
		p.closes = g.proposeCaching(0)
	case p.opens == 0:
		g.writes = append(g.takeStanding(), g.writes...)
		return true
	}
	return false
}
