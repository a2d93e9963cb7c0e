package resp

import (
	"fmt"

	"torc/core/wire"
)

// A key of a command of many costs far more than its bytes: what its shard is asked, where the answer belongs, and the answer. A million keys of two bytes
// are 400 MB. So a command takes its turn (unfinished.go) by what its keys cost, and a long one goes out in waves:
//
//	keys by shard   1 1 1 1 1 2 2 2 3 3 3 3 4 4 ..
//	waves           |-- waveKeys --|              or one shard's, if it has more
//
// The next one leaves when the last one is answered. All that is asked of one shard goes in one Call, as ever; so how many keys of one shard a command may name
// is bounded.

const (
	waveKeys  = 32 << 10
	partBytes = 384 // of a part on its way: as it waits, in its Call, its result
	keyBytes  = 32  // of a key beside that: its place in the order of shards, and its answer's in that of the command

	shardKeysLeast = 64 << 10 // keys of one shard that a command may name in any case,
	shardKeysPart  = 8        // or as many as cost so many times Options.BuffersMax
)

// roomForKeys waits until there is room for a command of so many keys, and reports whether it may go on. Otherwise it has replied.
func (r *request) roomForKeys(n int) bool {
	cost := n*keyBytes + min(n, waveKeys)*partBytes
	if cost <= chunkMax || r.in.claim.of.most <= 0 || r.into != nil { // EXEC has seen to it for all its commands
		return true
	}
	r.lookNow()
	r.pump() // who waits for room waits for its own answers, too
	r.mu.Lock()
	r.settle() // and not for what commands before it had that were answered at once: no answer comes that would give it back
	r.mu.Unlock()
	if !r.in.claim.hold(int(r.in.claim.coming) + cost) {
		r.quit = true
		r.fail(refusals[wire.ReasonStopping])
		return false
	}
	r.now = r.srv.now() // it has as long as any command from here on
	r.heavy = true
	return true
}

// spread asks for one operation on each of n keys. Part i of the job is the one on the i-th.
func (r *request) spread(j job, n int, part func(i int) wire.Command) {
	if n > waveKeys && r.into == nil {
		r.inWaves(j, n, part)
		return
	}
	for i := range n {
		cmd := part(i)
		r.add(r.shardOf(wire.Slot(cmd.Key)), cmd)
	}
	r.many(j)
}

// inWaves asks for so many that not all are on their way at a time.
func (r *request) inWaves(j job, n int, part func(i int) wire.Command) {
	order, ends := r.byShard(n, part)
	if most := r.srv.opts.shardKeysMost(); mostOf(ends) > most {
		r.fail(errShardKeys(most))
		return
	}
	r.lookNow()
	r.in.keep()
	r.in.dispatched() // from here on it waits for shards, and not for its client
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reserve()
	seq, s := r.openSlot(r.spec)
	s.job, s.left = j, n
	if r.heavy {
		s.room = roomClaim
		r.heavyParts += n
	}
	for shard, sent := 0, 0; sent < n && !r.dead; {
		from := sent
		for shard < len(ends) && (ends[shard]-from <= waveKeys || sent == from) {
			sent = ends[shard]
			shard++
		}
		r.gathering = true
		s.until = r.srv.now() + int64(r.patience) // each wave has as long as any command
		for _, i := range order[from:sent] {
			cmd := part(int(i))
			r.enqueue(r.shardOf(wire.Slot(cmd.Key)), ref{seq: seq, index: int(i)}, cmd)
		}
		if sent < n {
			r.awaitWave(seq, n-sent)
		}
	}
}

// byShard sorts the numbers of n keys by their shards, those of one shard as they came, and returns where each shard's end.
func (r *request) byShard(n int, part func(i int) wire.Command) (order []int32, ends []int) {
	shard := func(i int) int {
		cmd := part(i)
		return int(r.shardOf(wire.Slot(cmd.Key)))
	}
	ends = make([]int, r.topology.Shards+1)
	for i := range n {
		ends[shard(i)]++
	}
	at := 0
	for s, count := range ends {
		ends[s] = at
		at += count
	}
	order = make([]int32, n)
	for i := range n {
		s := shard(i)
		order[ends[s]] = int32(i)
		ends[s]++
	}
	return order, ends
}

// mostOf is the largest number of keys between two ends.
func mostOf(ends []int) (most int) {
	before := 0
	for _, end := range ends {
		most, before = max(most, end-before), end
	}
	return most
}

// awaitWave waits until no more than so many parts of the present command are without an answer. Locked.
func (c *conn) awaitWave(seq uint64, left int) {
	c.waveSeq, c.waveLeft, c.drains = seq, left, true
	for c.waving() && !c.dead {
		c.park()
	}
	c.waveLeft, c.drains = 0, false
	c.now = c.srv.now() // for what is left of the batch
}

// waving says that the reader waits for the answers to a wave. Locked.
func (c *conn) waving() bool { return c.waveLeft > 0 && c.window.at(c.waveSeq).left > c.waveLeft }

// shardKeysMost is how many keys of one shard one command may name.
func (o *Options) shardKeysMost() int {
	if o.BuffersMax <= 0 {
		return multibulkMax
	}
	return max(shardKeysLeast, shardKeysPart*o.BuffersMax/partBytes)
}

func errShardKeys(most int) string {
	return fmt.Sprintf("ERR the command names more than %d keys of one shard, for which this node has no memory: not applied, name fewer at a time or give the node more --max-memory", most)
}
