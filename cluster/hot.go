package cluster

import (
	"time"

	"torc/core/store"
	"torc/core/wire"
)

// Which keys of other nodes are hot here, so that a copy of them is worth what it costs (held.go): the leader is asked for it several times a
// second, and a write of the key waits for a round trip to whoever holds it, or for the end of the promise if that is gone.
//
// So a key must be asked for often; that pays for the asking. And it must be written seldom: a key that is recalled twice within half of
// HotRest is left alone for that long, so no more than one write in five seconds, on an average, waits for this node. What is asked for is
// counted in a few slots, of which a key that is asked for rarely takes none from one that is not.

const (
	hotReads      = 100                    // a second: about thirty times as many as renewing a copy takes
	hotLease      = 300 * time.Millisecond // as long a write waits for a holder that has died, and after a fail-over
	hotLeaseTicks = 6                      // and not less than so many ticks: it is looked after once a tick
	hotRest       = 10 * time.Second
	recallsKept   = 64

	watchSets = 32
	watchWays = 8
)

// watch counts the reads of keys, of those that are asked for most. A key has its place in one set. One that has none there wears down
// one of the others, in turn, by one, and takes its place when nothing is left of it: so one of which more than each 256th read is keeps its
// place (Misra and Gries, 1982).
type watch struct {
	sets [watchSets][watchWays]watched
	hand [watchSets]uint8
}

type watched struct {
	hash  uint64
	reads uint32 // since it has its place, halved each second; 0: the place is free
}

// read counts a read, and returns how many there were.
func (w *watch) read(hash uint64) uint32 {
	i := hash % watchSets
	set, free := &w.sets[i], -1
	for j := range set {
		switch {
		case set[j].reads == 0:
			free = j
		case set[j].hash == hash:
			set[j].reads++
			return set[j].reads
		}
	}
	if free < 0 {
		at := int(w.hand[i])
		w.hand[i] = uint8((at + 1) % watchWays)
		if set[at].reads--; set[at].reads > 0 {
			return 0
		}
		free = at
	}
	set[free] = watched{hash, 1}
	return 1
}

// forget begins to count a key anew.
func (w *watch) forget(hash uint64) {
	set := &w.sets[hash%watchSets]
	for j := range set {
		if set[j].hash == hash {
			set[j] = watched{}
		}
	}
}

// halve lets a second pass: a key that is read r times a second stands between r and 2r.
func (w *watch) halve() {
	for i := range w.sets {
		for j := range w.sets[i] {
			w.sets[i][j].reads /= 2
		}
	}
}

// recalled are the keys that were recalled last.
type recalled struct {
	list [recallsKept]struct {
		hash      uint64
		at, until time.Duration // when it was recalled last, and until when it rests
	}
	next int
}

// note notes a recall: of a key that had one a short time ago, it is left alone for a while.
func (r *recalled) note(hash uint64, now, rest time.Duration) {
	for i := range r.list {
		if x := &r.list[i]; x.hash == hash && x.at > 0 {
			if now-x.at < rest/2 {
				x.until = now + rest
			}
			x.at = now
			return
		}
	}
	x := &r.list[r.next]
	r.next = (r.next + 1) % recallsKept
	x.hash, x.at, x.until = hash, now, 0
}

// rest leaves a key alone for a while.
func (r *recalled) rest(hash uint64, now, rest time.Duration) {
	r.note(hash, now, rest)
	r.note(hash, now, rest)
}

// rests reports whether a key is left alone.
func (r *recalled) rests(hash uint64, now time.Duration) bool {
	for i := range r.list {
		if x := &r.list[i]; x.hash == hash && now < x.until {
			return true
		}
	}
	return false
}

// hotHere reports whether this node holds copies of hot keys at all.
func (l *Lane) hotHere() bool { return l.cfg.HotReads > 0 && l.cfg.Reads == ReadLease && l.m != nil }

// readElsewhere counts a read of a key that another node leads. When it is hot the leader is asked for a copy; whatever comes of that, it counts anew.
func (l *Lane) readElsewhere(shard wire.ShardID, key []byte) {
	hash := store.Seed(l.m.Seed).HashOf(key)
	if int(l.held.watch.read(hash)) < l.cfg.HotReads {
		return
	}
	l.held.watch.forget(hash)
	if now := l.env.Now(); len(key) <= promisedKey && !l.held.recalled.rests(hash, now) {
		l.askFor(shard, key, hash, now)
	}
}
