package session

import (
	"bytes"
	"time"

	"torc/core/mutant"
	"torc/core/wire"
)

// A brain may keep what it has read (wire.FlagCache), and answer from that, for as long as the shard's leader has promised that it does not change
// (cluster/promise.go has the argument). What falls to the client:
//
//  1. It counts from when it asked, not from when the answer came: the answer may have been under way for long.
//  2. When the leader recalls a key it drops it, and only then says so.
//  3. An answer to what was asked before the recall is not kept, whenever it comes: it may be the very one that is recalled.
//
// A connection that breaks needs nothing: the promise runs out on both sides, and the leader waits for that.
// Only a read of one key that the node which was asked answered itself comes with a promise.

// Cache bounds what a brain keeps of what it has read.
type Cache struct {
	MaxBytes int64 // keys, values and what is around them; 0: nothing is kept
}

const (
	cachedOverhead = 160 // bytes around a key and its value
	cachedPart     = 16  // no entry is larger than such a part of all
)

// cache is what is kept, the one used last first.
type cache struct {
	max     int64
	bytes   int64
	entries map[string]*cached // for look-up, never ranged
	newest  *cached
	oldest  *cached

	hits, recalls uint64
}

// cached is what one read has found: a value, or that there is none.
type cached struct {
	key     string
	kind    wire.ResultKind
	value   []byte
	version uint64
	until   time.Duration

	newer, older *cached
}

func (e *cached) size() int64 { return int64(len(e.key)+len(e.value)) + cachedOverhead }

func newCache(c Cache) *cache {
	if c.MaxBytes <= 0 {
		return nil
	}
	return &cache{max: c.MaxBytes, entries: map[string]*cached{}}
}

// cacheable reports whether a command's answer may be kept.
func cacheable(c *wire.Command) bool {
	return c.Op == wire.OpGet && c.Flags&(wire.FlagCache|wire.FlagLoad) == wire.FlagCache
}

// Cached answers a read from what is kept, if it is there and promised still. The value belongs to the cache: it must not be changed.
func (b *Brain) Cached(key string) (wire.Result, bool) {
	if b.cache == nil {
		return wire.Result{}, false
	}
	return b.promised(b.cache.entries[key])
}

func (b *Brain) promised(e *cached) (wire.Result, bool) {
	switch {
	case e == nil:
		return wire.Result{}, false
	case e.until <= b.clock.Now():
		b.cache.drop(e)
		return wire.Result{}, false
	}
	b.cache.hits++
	b.cache.use(e)
	return wire.Result{Kind: e.kind, Value: e.value, Version: e.version}, true
}

// fromCache concludes an operation that needs nobody to be asked.
func (b *Brain) fromCache(op *Call) bool {
	if b.cache == nil || op.onShard || len(op.Commands) != 1 || !cacheable(&op.Commands[0]) {
		return false
	}
	r, ok := b.promised(b.cache.entries[string(op.Commands[0].Key)])
	if !ok {
		return false
	}
	r.Value = bytes.Clone(r.Value)
	op.Items[0] = Item{Outcome: wire.OutcomeOK, Result: r, Cached: true}
	b.finished = append(b.finished, op)
	return true
}

// keep keeps the answer to an attempt, if it came with a promise.
func (b *Brain) keep(a *attempt, r *wire.Result) {
	if b.cache == nil || r.Int <= 0 || a.recalled || !cacheable(&a.part.cmds[0]) {
		return
	}
	until := a.at + time.Duration(min(r.Int, promiseMax))*time.Millisecond
	if until <= b.clock.Now() || r.Kind != wire.KindBytes && r.Kind != wire.KindNil {
		return
	}
	b.cache.put(&cached{key: string(a.part.cmds[0].Key), kind: r.Kind, value: bytes.Clone(r.Value), version: r.Version, until: until})
}

// promiseMax is the longest promise that is believed, in milliseconds.
const promiseMax = 60_000

// OnRecall takes a node's wish that a key be dropped. addr is where that node takes requests.
func (b *Brain) OnRecall(addr string, m *wire.Recall) {
	b.enter()
	defer b.leave()
	if b.cache == nil || b.cmap == nil || b.stopped {
		return // the promise runs out
	}
	b.cache.recalls++
	if !mutant.On(mutant.CacheDeaf) {
		b.drop(m)
	}
	b.lastID++
	b.req = wire.Request{Shard: m.Shard, Epoch: b.cmap.Epoch, Cluster: b.cmap.ClusterID, Commands: []wire.Command{{Op: wire.OpDropped, Key: bytes.Clone(m.Key), Version: m.ID}}}
	b.out.Send(b.lastID, addr, &b.req, b.cfg.AttemptLimit) // no attempt of anything: its answer tells nothing
}

// ForgetCached forgets all that is kept, and what may come to be kept of what is under way: the clock cannot be trusted.
func (b *Brain) ForgetCached() {
	if b.cache == nil {
		return
	}
	b.cache.clear()
	for _, p := range b.parts {
		for _, a := range p.pending {
			a.recalled = true
		}
	}
}

// drop forgets a key, and that its promise may come with an answer that is under way.
func (b *Brain) drop(m *wire.Recall) {
	if e := b.cache.entries[string(m.Key)]; e != nil {
		b.cache.drop(e)
	}
	for _, p := range b.parts {
		if p.shard != m.Shard || p.write || len(p.cmds) != 1 || !bytes.Equal(p.cmds[0].Key, m.Key) {
			continue
		}
		for _, a := range p.pending {
			a.recalled = true
		}
	}
}

// put keeps an entry in the place of an older one, and lets go what was not used for the longest time.
func (c *cache) put(e *cached) {
	if old := c.entries[e.key]; old != nil {
		c.drop(old)
	}
	if e.size() > c.max/cachedPart {
		return
	}
	c.entries[e.key] = e
	c.bytes += e.size()
	c.first(e)
	for c.bytes > c.max {
		c.drop(c.oldest)
	}
}

func (c *cache) drop(e *cached) {
	delete(c.entries, e.key)
	c.bytes -= e.size()
	c.unlink(e)
}

// use makes an entry the newest.
func (c *cache) use(e *cached) {
	if c.newest != e {
		c.unlink(e)
		c.first(e)
	}
}

func (c *cache) first(e *cached) {
	e.newer, e.older = nil, c.newest
	if c.newest != nil {
		c.newest.newer = e
	} else {
		c.oldest = e
	}
	c.newest = e
}

func (c *cache) unlink(e *cached) {
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		c.newest = e.older
	}
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		c.oldest = e.newer
	}
	e.newer, e.older = nil, nil
}

// clear forgets everything.
func (c *cache) clear() {
	if c != nil {
		c.entries, c.newest, c.oldest, c.bytes = map[string]*cached{}, nil, nil, 0
	}
}
