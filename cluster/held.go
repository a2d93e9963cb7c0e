package cluster

import (
	"bytes"
	"slices"
	"time"

	"torc/core/mutant"
	"torc/core/router"
	"torc/core/store"
	"torc/core/trace"
	"torc/core/wire"
)

// Copies of hot keys (hot.go) that other nodes lead. The lane asks the leader for the key with the wish to keep it, as clients do
// (core/session/cache.go), and answers whoever asks for the key from that, for as long as the leader has promised that it does not
// change. The argument is in promise.go; what falls to a node is what falls to a client:
//
//  1. The promise counts from when it was asked for, and by this node's clock, read after the question that is answered has come.
//  2. When the leader recalls the key the copy is dropped, and only then that is said (wire.Dropped).
//  3. An answer to what was asked before the recall is not kept, whenever it comes.
//
// So a client that writes through any node, and then reads through this one, finds what it has written: the write was not proposed before the
// copy was dropped or its promise over.
//
// It is the node's own question that comes with a promise, never a client's that passes through: nobody else is promised anything. A copy
// that is still read often is asked for again before its promise is over, by the tick; one that is not runs out. Where a shard has a new leader, or the
// cluster a new map, all are dropped: that is not needed, and spares one the question what those promises were.
//
// A message that is lost does no harm: a copy runs out on both sides.

const (
	heldBytes  = 16 << 20 // of a node without a bound on its memory
	heldPart   = 8        // no copy is larger than such a part of a lane's
	heldMost   = 64       // reads of one call that are answered from copies
	heldAround = 200      // bytes around a key and its value
	asksMost   = 64       // questions under way; asksMax are those to a quorum
	askMillis  = 1000
)

// anyShard is all of them.
const anyShard = ^wire.ShardID(0)

// copies are what a lane holds.
type copies struct {
	watch    watch
	recalled recalled

	entries map[string]*held     // for look-up, never ranged
	list    []*held              // the same
	shards  map[wire.ShardID]int // how many of each; for look-up, never ranged
	bytes   int64
	asks    []*ask

	reads, taken, recalls uint64 // since the start
}

// held is a copy: a value, or that there is none.
type held struct {
	key     string
	hash    uint64
	shard   wire.ShardID
	kind    wire.ResultKind
	value   []byte // never changed
	version uint64
	length  time.Duration // of the promise
	until   time.Duration
	reads   int // in this second,
	lately  int // and in the one before
	at      int // in the list
}

// hot is how often it is read: in a second, or at least in the part of one that has passed.
func (h *held) hot() int { return max(h.reads, h.lately) }

func (h *held) size() int64 { return int64(len(h.key)+len(h.value)) + heldAround }

// holdable reports whether a command can be answered by a copy. One who would keep the answer himself is answered by the leader.
func holdable(c *wire.Command) bool {
	switch c.Op {
	case wire.OpGet, wire.OpExists, wire.OpStrLen:
		return c.Flags == 0
	}
	return false
}

// answer answers a command that is holdable.
func (h *held) answer(c *wire.Command) wire.Result {
	found := h.kind == wire.KindBytes
	switch {
	case c.Op == wire.OpStrLen:
		return wire.Result{Kind: wire.KindInt, Int: int64(len(h.value))}
	case c.Op == wire.OpExists && found:
		return wire.Result{Kind: wire.KindInt, Int: 1, Version: h.version}
	case c.Op == wire.OpExists:
		return wire.Result{Kind: wire.KindInt}
	}
	return wire.Result{Kind: h.kind, Value: h.value, Version: h.version}
}

// findHeld is the copy of a shard's key, if there is one that is promised still.
func (l *Lane) findHeld(shard wire.ShardID, key []byte) *held {
	h := l.held.entries[string(key)]
	if h == nil || h.shard != shard {
		return nil
	}
	if h.until <= l.env.Now() {
		l.drop(h)
		return nil
	}
	return h
}

// usedHeld counts a read that a copy has answered.
func (l *Lane) usedHeld(h *held, c *wire.Command, r *wire.Result) {
	h.reads++
	l.held.reads++
	if c.Op == wire.OpGet {
		l.countRead(r)
	}
	l.tellHeld(h.shard, h.hash, 2)
}

// fromHeld answers a call of reads if this node holds all that they ask for, and counts what it does not hold.
func (l *Lane) fromHeld(c *wire.Call) bool {
	if !l.hotHere() || c.Local || len(c.Commands) > heldMost || l.hall.Stopping() {
		return false
	}
	if g := l.groups[c.Shard]; g != nil && g.member.IsLeader() || l.m.Placement(c.Shard) == nil {
		return false
	}
	for i := range c.Commands {
		if !holdable(&c.Commands[i]) {
			return false
		}
	}
	var found [heldMost]*held
	all := true
	for i := range c.Commands {
		if found[i] = l.findHeld(c.Shard, c.Commands[i].Key); found[i] == nil {
			all = false
			l.readElsewhere(c.Shard, c.Commands[i].Key)
		}
	}
	if !all {
		return false
	}
	results, size := make([]wire.Result, len(c.Commands)), 0
	for i := range c.Commands {
		results[i] = found[i].answer(&c.Commands[i])
		size += results[i].Size()
	}
	if size > wire.AnswerMax {
		return false // one copy may be named many times: the leader refuses that
	}
	for i := range c.Commands {
		l.usedHeld(found[i], &c.Commands[i], &results[i])
	}
	l.hall.Looked()
	c.Sink.Deliver(c.Tag, &wire.Response{Epoch: l.m.Epoch, Results: results})
	return true
}

// lookHeld answers a read between two turns (look.go).
func (l *Lane) lookHeld(look *wire.Look) bool {
	if len(l.held.list) == 0 || !holdable(&look.Command) {
		return false
	}
	h := l.findHeld(look.Shard, look.Command.Key)
	if h == nil {
		return false
	}
	look.Result = h.answer(&look.Command)
	l.usedHeld(h, &look.Command, &look.Result)
	l.hall.Looked()
	return true
}

// ask is this node's own question for a key that it would hold.
type ask struct {
	lane  *Lane
	shard wire.ShardID
	key   string
	hash  uint64
	at    time.Duration
	dead  bool // its answer is not kept: the key was recalled meanwhile
}

var _ router.Keeper = (*ask)(nil)

// Keeps makes it a router.Keeper.
func (*ask) Keeps() {}

// askFor asks the leader for a key, unless that is under way.
func (l *Lane) askFor(shard wire.ShardID, key []byte, hash uint64, now time.Duration) {
	c := &l.held
	if len(c.asks) >= asksMost || slices.ContainsFunc(c.asks, func(a *ask) bool { return !a.dead && a.key == string(key) }) {
		return
	}
	a := &ask{lane: l, shard: shard, key: string(key), hash: hash, at: now}
	c.asks = append(c.asks, a)
	l.hall.Admit(&wire.Call{TimeoutMillis: askMillis, Sink: a, Request: wire.Request{Shard: shard, Epoch: l.m.Epoch,
		Commands: []wire.Command{{Op: wire.OpGet, Flags: wire.FlagCache, Key: []byte(a.key)}}}})
}

// Deliver takes the answer: one that comes with a promise is kept.
func (a *ask) Deliver(_ uint64, r *wire.Response) {
	l := a.lane
	l.held.asks = slices.DeleteFunc(l.held.asks, func(x *ask) bool { return x == a })
	if a.dead || r.Outcome != wire.OutcomeOK || len(r.Results) != 1 || r.Results[0].Int <= 0 {
		return
	}
	l.hold(a, &r.Results[0])
}

// hold keeps a copy in the place of an older one.
func (l *Lane) hold(a *ask, r *wire.Result) {
	c, now := &l.held, l.env.Now()
	length := time.Duration(min(r.Int, l.cfg.HotLease.Milliseconds())) * time.Millisecond
	h := &held{key: a.key, hash: a.hash, shard: a.shard, kind: r.Kind, value: bytes.Clone(r.Value), version: r.Version,
		length: length, until: a.at + length, lately: l.cfg.HotReads}
	if mutant.On(mutant.HotkeyFromAnswer) {
		h.until = now + length
	}
	if old := c.entries[a.key]; old != nil {
		h.reads, h.lately = old.reads, old.lately
		l.drop(old)
	}
	if h.until <= now || r.Kind != wire.KindBytes && r.Kind != wire.KindNil {
		return
	}
	most := l.cfg.MaxHeld / int64(max(l.cfg.Lanes, 1))
	if h.size() > most/heldPart {
		c.recalled.rest(a.hash, now, l.cfg.HotRest) // it is asked for in vain
		return
	}
	for c.bytes+h.size() > most {
		l.drop(slices.MinFunc(c.list, func(x, y *held) int { return x.hot() - y.hot() }))
	}
	h.at = len(c.list)
	if c.entries == nil {
		c.entries, c.shards = map[string]*held{}, map[wire.ShardID]int{}
	}
	c.entries[h.key], c.list = h, append(c.list, h)
	c.bytes += h.size()
	c.taken++
	l.holds(h.shard, 1)
	l.tellHeld(h.shard, h.hash, 1)
}

// drop lets a copy go.
func (l *Lane) drop(h *held) {
	c := &l.held
	delete(c.entries, h.key)
	last := c.list[len(c.list)-1]
	c.list[h.at], last.at = last, h.at
	c.list[len(c.list)-1] = nil
	c.list = c.list[:len(c.list)-1]
	c.bytes -= h.size()
	l.holds(h.shard, -1)
}

// holds counts a shard's copies, and shows how many there are.
func (l *Lane) holds(shard wire.ShardID, more int) {
	n := l.held.shards[shard] + more
	if n == 0 {
		delete(l.held.shards, shard)
	} else {
		l.held.shards[shard] = n
	}
	l.board.PublishHeld(shard, n)
}

// onRecall drops a key that the leader wants back, and says so.
func (l *Lane) onRecall(f *wire.Frame, m *wire.Recall) {
	c, had := &l.held, false
	for _, a := range c.asks {
		if !a.dead && a.key == string(m.Key) {
			a.dead, had = !mutant.On(mutant.HotkeyLateAnswer), true
		}
	}
	if h := c.entries[string(m.Key)]; h != nil {
		had = true
		l.drop(h)
	}
	if had && l.m != nil {
		hash := store.Seed(l.m.Seed).HashOf(m.Key)
		c.recalls++
		c.recalled.note(hash, l.env.Now(), l.cfg.HotRest)
		c.watch.forget(hash)
		l.tellHeld(m.Shard, hash, 0)
	}
	front{l}.Answer(f.From, f.FromIncarnation, &wire.Dropped{Shard: m.Shard, ID: m.ID})
}

// forgetHeld drops all copies of a shard, or of all, and takes no answer for one that was asked for before.
func (l *Lane) forgetHeld(shard wire.ShardID) {
	c := &l.held
	for i := len(c.list) - 1; i >= 0; i-- { // a dropped one's place is taken by one that was looked at already
		if h := c.list[i]; shard == anyShard || h.shard == shard {
			l.drop(h)
		}
	}
	for _, a := range c.asks {
		a.dead = a.dead || shard == anyShard || a.shard == shard
	}
}

// giveBack drops all copies of a life that is going, and says so to whoever leads: nobody could recall them any more, and a write would wait for
// the end of the promises. A word that is lost, or that a question for a copy comes after, costs no more than that.
func (l *Lane) giveBack() {
	var shards []wire.ShardID
	for _, h := range l.held.list {
		shards = append(shards, h.shard)
	}
	for _, a := range l.held.asks {
		shards = append(shards, a.shard)
	}
	slices.Sort(shards)
	l.forgetHeld(anyShard)
	for _, shard := range slices.Compact(shards) {
		if leader := l.hall.Leader(shard); leader != 0 && leader != l.cfg.Self.ID {
			l.send(leader, &wire.Dropped{Shard: shard})
		}
	}
}

// tickHeld lets go of copies that have run out, and asks again for those that are about to and still hot.
func (l *Lane) tickHeld() {
	c, now := &l.held, l.env.Now()
	if l.ticks%max(1, int(time.Second/l.cfg.Tick)) == 0 {
		c.watch.halve()
		for _, h := range c.list {
			h.reads, h.lately = 0, h.reads
		}
	}
	for i := len(c.list) - 1; i >= 0; i-- {
		switch h := c.list[i]; {
		case h.until <= now:
			l.drop(h)
		case h.until-now < h.length/2 && 2*h.hot() >= l.cfg.HotReads:
			l.askFor(h.shard, []byte(h.key), h.hash, now)
		}
	}
}

// tellHeld tells the trace of a copy.
func (l *Lane) tellHeld(shard wire.ShardID, hash, what uint64) {
	if l.trace != nil {
		l.trace.Emit(trace.Event{Kind: trace.Held, Node: l.cfg.Self.ID, Shard: shard, A: what, B: hash})
	}
}

// HotStatus is how a lane stands with copies of hot keys.
type HotStatus struct {
	Keys    int    // held now
	Reads   uint64 // answered from copies since the start
	Taken   uint64 // copies taken since then, renewed ones too,
	Recalls uint64 // and those that a leader wanted back
}

func (l *Lane) hotStatus() HotStatus {
	return HotStatus{Keys: len(l.held.list), Reads: l.held.reads, Taken: l.held.taken, Recalls: l.held.recalls}
}
