package cluster

import (
	"cmp"
	"math"
	"slices"
	"time"

	"torc/core/invariant"
	"torc/core/mutant"
	"torc/core/router"
	"torc/core/wire"
)

// Promises let a client, or another node (held.go), keep what it has read and answer from that, without a stale answer (Gray and Cheriton, "Leases", SOSP 1989).
// The leader promises with its answer that the key does not change for so long, and keeps its word:
//
//	GET, FlagCache --> leader, under its lease: answer, and a promise until now+length
//	SET, another   --> leader: stands behind; Recall to the holders --OpDropped--> the write is proposed
//	                                          or their promises run out
//
// Why a client that goes by it is never stale:
//
//  1. A promise is given at a moment when the leader's own lease holds, so when nobody else leads; and on a key of which no change
//     is in the log and not yet applied (changing).
//  2. From then on this leader proposes nothing that changes the key (standing.go) until the client has said that it dropped the
//     key, or the promise is over. The client counts from when it asked, which was before the promise was given, and shortened
//     by what two clocks may differ (grant). So its end is earlier.
//  3. A successor is elected later than the promise was given, by 1. It learns from the log that there are promises, and for how long they are
//     (store.Caching): an entry says so that is applied before the first of them. It proposes no client's write until as much time has
//     passed since it leads. What it finds in the log has been proposed with 2 in mind.
//  4. The log says that there are none any more when the leader has given none since the last has run out. None is given between that
//     entry's proposal and the next one that says the contrary.
//
// A node is a holder like a client, for a shorter time (HotLease): its copy serves whoever asks it. The log says for how long the longest
// promises are that are given.
//
// A write waits before it is proposed, and not merely before it is acknowledged: otherwise somebody could read the new
// value from the leader, and after that somebody else the old one from his cache.
//
// All that changes a key is a write here: what expires (store time does not pass the expiry of a key with a promise), victims (a key with a
// promise is none), flushes (all promises).
//
// A group of which nobody caches anything has no promises, and asks one pointer whether it has.

const (
	promisesMax   = 8192 // of a shard; more are not given
	promisesOf    = 64   // on one key
	promisesIdle  = 16   // lengths of time without a question after which the log says that there are none
	lapsesAllowed = 2    // promises of a holder that had to run out, though recalled, before it is given none for a while
	barredFor     = 10 * time.Second
	offendersMax  = 64
	promisedKey   = 1 << 10 // bytes; longer keys come without a promise
)

// promises are what a leader has promised in one term.
type promises struct {
	term   uint64
	since  uint64        // what this replica had proposed before is not in changing
	wait   time.Duration // until then a former leader's promises may hold
	number uint64        // of the last promise

	keys   map[uint64][]*promise // that hold, by hash; for look-up, never ranged
	byID   map[uint64]*promise   // recalled; for look-up, never ranged
	order  []*promise            // by their end, with some that are over already
	alive  int
	soon   int64 // no key with a promise expires before; log time
	asked  time.Duration
	opens  time.Duration // how long promises are that it is proposed to say that there are; 0: it is not
	closes bool          // that there are none
	paused time.Duration // none are given until then: room is needed

	changing []change
	lastTime int64 // log time of what was proposed last

	standing  []*router.Call  // writes that stand behind, in their order
	behind    map[uint64]bool // the hashes that they change; for look-up, never ranged
	behindAll bool            // one of them changes all keys
	stirred   bool            // some of them may go on

	offenders []offender
}

// promise is one holder's on one key.
type promise struct {
	hash     uint64
	id       uint64
	key      []byte
	holder   wire.Holder
	until    time.Duration
	expireAt int64 // of the key; 0: never
	recalled bool
	over     bool
}

// change is a key that a proposed and not yet applied entry changes.
type change struct {
	number uint64 // of the entry
	hash   uint64
	all    bool // every key
}

// offender is a holder that has let writes wait.
type offender struct {
	holder wire.Holder
	lapses int
	until  time.Duration // it is given no promise
}

func (g *group) newPromises(wait time.Duration) *promises {
	return &promises{term: g.member.Term(), since: g.number, wait: wait, number: g.lane.env.Uint64(), soon: math.MaxInt64,
		asked: g.lane.env.Now(), lastTime: g.store.Time(), keys: map[uint64][]*promise{}, byID: map[uint64]*promise{}, behind: map[uint64]bool{}}
}

// succeeds begins a leader's account where a former one may have given promises.
func (g *group) succeeds() {
	length := time.Duration(g.store.Caching()) * time.Millisecond
	if length == 0 || g.promises != nil && g.promises.term == g.member.Term() {
		return
	}
	if mutant.On(mutant.CacheSuccessor) {
		length = 0
	}
	g.writes = append(g.takeStanding(), g.writes...)
	g.promises = g.newPromises(g.lane.env.Now() + length)
}

// promisable reports whether the answer to a call could come with a promise.
func promisable(c *router.Call) bool {
	return len(c.Commands) == 1 && c.Commands[0].Flags&(wire.FlagCache|wire.FlagLoad) == wire.FlagCache && c.Commands[0].Op == wire.OpGet
}

// promise adds a promise to an answer, if one can be given.
func (g *group) promise(c *router.Call, r *wire.Result) {
	holder, ok := wire.HolderOf(c.Sink)
	now := g.lane.env.Now()
	length := g.lane.promiseFor(holder)
	if !ok || length <= 0 || g.lane.ticks < g.reticent || g.lane.cfg.Reads != ReadLease || len(c.Commands[0].Key) > promisedKey || !g.member.LeaseValid() || !g.opened(now, length) {
		return
	}
	p := g.promises
	key := c.Commands[0].Key
	hash := g.store.HashOf(key)
	length = min(length, time.Duration(g.store.Caching())*time.Millisecond)
	expireAt := g.store.ExpiryOf(key)
	switch {
	case p.alive >= promisesMax || len(p.order) >= 2*promisesMax || now < p.paused || p.bars(holder, now):
		return
	case p.changes(hash) || p.behindAll || p.behind[hash]:
		return
	case expireAt != 0 && expireAt <= max(g.now(), p.lastTime)+2*length.Milliseconds():
		return
	}
	for _, old := range p.keys[hash] {
		if old.holder == holder && string(old.key) == string(key) {
			p.end(old)
			break
		}
	}
	if len(p.keys[hash]) >= promisesOf {
		return
	}
	if mutant.On(mutant.HotkeyReplicaUnfenced) && router.FromNode(holder) {
		r.Int = grant(length, g.lane.cfg.ClockDrift).Milliseconds() // and nobody remembers it
		return
	}
	p.number = max(p.number+1, 1)
	made := &promise{hash: hash, id: p.number, key: append([]byte(nil), key...), holder: holder, until: now + length, expireAt: expireAt}
	p.keys[hash] = append(p.keys[hash], made)
	at, _ := slices.BinarySearchFunc(p.order, made.until, func(x *promise, t time.Duration) int { return cmp.Compare(x.until, t) })
	p.order = slices.Insert(p.order, at, made)
	p.alive++
	if expireAt != 0 {
		p.soon = min(p.soon, expireAt)
	}
	r.Int = grant(length, g.lane.cfg.ClockDrift).Milliseconds()
}

// grant is how long a client, whose clock may be slow, goes by a promise that the leader, whose clock may be fast, keeps for a length of time.
func grant(length time.Duration, driftPerMille int) time.Duration {
	return length * time.Duration(1000-driftPerMille) / time.Duration(1000+driftPerMille)
}

// promiseFor is for how long a holder is promised something; not more than 0: not at all.
func (l *Lane) promiseFor(h wire.Holder) time.Duration {
	switch {
	case !router.FromNode(h):
		return l.cacheLease()
	case l.cfg.HotReads < 0:
		return 0
	}
	return l.hotLease()
}

// opened reports whether the log says that promises are given, so that a successor knows; if it does not, or speaks of shorter ones than are
// wanted, it is proposed.
func (g *group) opened(now, length time.Duration) bool {
	if g.promises == nil {
		if !g.member.Accepting() {
			return false
		}
		g.promises = g.newPromises(0)
	}
	p := g.promises
	p.asked = now
	if p.closes || len(g.proposed) > 0 && g.proposed[0].number <= p.since {
		return false
	}
	if g.store.Caching() < length.Milliseconds() && p.opens < length && g.proposeCaching(length.Milliseconds()) {
		p.opens = length
	}
	return g.store.Caching() > 0
}

// proposeCaching has the log say for how many milliseconds promises are given from here on.
func (g *group) proposeCaching(length int64) bool {
	at, _ := g.timeToPropose()
	return g.member.Accepting() && g.propose(&wire.Batch{Time: at, Requests: []wire.Request{{Commands: []wire.Command{{Op: wire.OpCaching, Delta: length}}}}}, nil)
}

// changes reports whether something proposed and not yet applied changes a key.
func (p *promises) changes(hash uint64) bool {
	for i := range p.changing {
		if p.changing[i].all || p.changing[i].hash == hash {
			return true
		}
	}
	return false
}

// proposed notes what an entry will change.
func (p *promises) proposed(g *group, b *wire.Batch) {
	p.lastTime = max(p.lastTime, b.Time)
	for _, v := range b.Victims {
		p.changed(change{number: b.Number, hash: v.Hash})
	}
	for i := range b.Requests {
		for j := range b.Requests[i].Commands {
			switch c := &b.Requests[i].Commands[j]; {
			case c.Op == wire.OpFlush:
				p.changed(change{number: b.Number, all: true})
			case changesKey(c):
				p.changed(change{number: b.Number, hash: g.store.HashOf(c.Key)})
			}
		}
	}
}

func (p *promises) changed(c change) {
	if kept := len(p.keys[c.hash]) == 0 && (p.alive == 0 || !c.all) || mutant.On(mutant.CacheNoWait); !kept {
		invariant.Check(false, "a key is changed of which a client was promised that it stays")
	}
	p.changing = append(p.changing, c)
}

// applied notes that an entry of this replica's is applied.
func (p *promises) applied(number uint64) {
	n := 0
	for n < len(p.changing) && p.changing[n].number <= number {
		n++
	}
	p.changing = p.changing[n:]
	if len(p.changing) == 0 {
		p.changing = nil
	}
}

// end takes a promise out of what holds.
func (p *promises) end(x *promise) {
	if x.over {
		return
	}
	x.over = true
	p.alive--
	p.stirred = true
	delete(p.byID, x.id)
	left := p.keys[x.hash]
	for i := range left {
		if left[i] == x {
			left[i] = left[len(left)-1]
			left[len(left)-1] = nil
			left = left[:len(left)-1]
			break
		}
	}
	if len(left) == 0 {
		delete(p.keys, x.hash)
	} else {
		p.keys[x.hash] = left
	}
}
