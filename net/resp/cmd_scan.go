package resp

import (
	"math/rand/v2"
	"strconv"
	"strings"

	"torc/core/wire"
)

const (
	// cursorSlotBit is where a cursor carries its slot (wire.OpScan): cursors of all shards
	// follow each other in the order of slots.
	cursorSlotBit = 50

	// cursorShift is how many of the last bits a client does not get: many have no more than 53 bits for a cursor (JavaScript, Lua), or 63 (PHP, .NET).
	cursorShift = 11
	cursorMost  = 1<<(64-cursorShift) - 1

	scanCount    = 10   // Redis's default COUNT
	scanStepsMax = 64   // shards that one SCAN may pass on its way to its first key
	keysPage     = 1000 // keys that KEYS asks a shard for at a time
	randomPage   = 16
)

// cursorOf is the cursor at the first slot of a shard.
func (r *request) cursorOf(shard wire.ShardID) uint64 {
	first, _ := wire.SlotRange(shard, int(r.topology.Shards))
	return uint64(first) << cursorSlotBit
}

// scanJob walks from shard to shard until it has keys enough.
type scanJob struct {
	tally
	shards  []wire.ShardID // those still to walk, the present one first
	starts  []uint64       // their first cursors
	pattern []byte         // nil: all
	want    int64
	steps   int
	keys    [][]byte
	cursor  uint64
	from    uint64 // where the command has begun, as a client names it
}

// runScan: SCAN cursor [MATCH pattern] [COUNT n] [TYPE type]. When a shard ends the cursor
// goes on at the next one's first slot. What a client gets of a cursor leaves out its last bits, so it may see the keys of
// one place (2^-39 of a slot) again. In redirect mode it passes over the shards that
// other nodes lead.
func runScan(r *request) {
	cursor, ok := parseCursor(r.args[1])
	if !ok {
		r.fail(errInvalidCursor)
		return
	}
	cursor = min(cursor, cursorMost)
	j := &scanJob{tally: tally{command: r.spec.name}, want: scanCount, from: cursor}
	cursor <<= cursorShift
	j.cursor = cursor
	ofStrings, ok := r.scanOptions(j)
	if !ok || !r.ready() {
		return
	}
	if !ofStrings {
		r.emptyScan() // every value is a string
		return
	}
	from := r.shardOf(uint16(cursor >> cursorSlotBit))
	for _, shard := range r.ownShards() {
		if shard < from {
			continue
		}
		j.shards = append(j.shards, shard)
		j.starts = append(j.starts, r.cursorOf(shard))
	}
	if len(j.shards) == 0 {
		r.emptyScan()
		return
	}
	if j.shards[0] != from {
		j.cursor = j.starts[0]
	}
	r.add(j.shards[0], j.page())
	r.many(j)
	r.awaitEmpty()
}

// parseCursor reads a cursor as C's strtoul does, as Redis uses it: nothing is 0, there may be a sign (a negative number counts
// down from 2^64), and a NUL ends it. Space before it Redis refuses.
func parseCursor(b []byte) (uint64, bool) {
	b = cString(b, len(b))
	if len(b) == 0 {
		return 0, true
	}
	negative := b[0] == '-'
	if negative || b[0] == '+' {
		b = b[1:]
	}
	n, err := strconv.ParseUint(string(b), 10, 64)
	if negative {
		n = -n
	}
	return n, err == nil
}

func (r *request) emptyScan() {
	o := r.begin()
	o.array(2)
	o.text("0")
	o.array(0)
	r.finish()
}

// scanOptions parses what follows the cursor. ofStrings is false when another type is asked for.
func (r *request) scanOptions(j *scanJob) (ofStrings, ok bool) {
	ofStrings = true
	for i := 2; i < len(r.args); i += 2 {
		if i+1 >= len(r.args) {
			r.fail(errSyntax)
			return false, false
		}
		switch strings.ToUpper(string(r.args[i])) {
		case "COUNT":
			n, ok := r.number(i + 1)
			if !ok {
				return false, false
			}
			if n < 1 {
				r.fail(errSyntax)
				return false, false
			}
			j.want = n
		case "MATCH":
			if j.pattern = r.args[i+1]; string(j.pattern) == "*" {
				j.pattern = nil
			}
		case "TYPE":
			ofStrings = strings.EqualFold(string(r.args[i+1]), "string")
		default:
			r.fail(errSyntax)
			return false, false
		}
	}
	return ofStrings, true
}

// page is the next question to the present shard.
func (j *scanJob) page() wire.Command {
	return wire.Command{
		Op: wire.OpScan, Start: int64(j.cursor), End: max(1, j.want-int64(len(j.keys))), Value: j.pattern,
	}
}

func (j *scanJob) take(c *conn, r ref, cmd *wire.Command, res *wire.Result, fail *failure) {
	if !j.note(c, cmd, res, fail) {
		return
	}
	j.keys = append(j.keys, sift(j.pattern, res.List)...)
	if j.cursor = uint64(res.Int); j.cursor != 0 {
		if j.cursor>>cursorShift == j.from { // to the client it would be no step
			c.more(r, j.shards[0], j.page())
		}
		return
	}
	j.shards, j.starts = j.shards[1:], j.starts[1:]
	if len(j.shards) == 0 {
		return
	}
	j.cursor = j.starts[0]
	if j.steps++; int64(len(j.keys)) < j.want && j.steps < scanStepsMax {
		c.more(r, j.shards[0], j.page())
	}
}

func (j *scanJob) render(o *output, _ int) {
	if j.failed(o) {
		return
	}
	o.array(2)
	o.text(strconv.FormatUint(j.cursor>>cursorShift, 10))
	o.array(len(j.keys))
	for _, key := range j.keys {
		o.bulk(key)
	}
}

// sift leaves of the keys that a shard has found those that the pattern means: to a shard an empty pattern is none, and finds
// them all; to Redis it is one that only the empty key matches.
func sift(pattern []byte, keys [][]byte) [][]byte {
	if pattern == nil || len(pattern) > 0 {
		return keys
	}
	for i, key := range keys {
		if len(key) == 0 {
			return keys[i : i+1]
		}
	}
	return nil
}

// keysJob asks all shards at once, page by page.
type keysJob struct {
	tally
	pattern      []byte // nil: all
	keys         [][]byte
	bytes, limit int
}

func runKeys(r *request) {
	if !r.ready() {
		return
	}
	pattern := r.args[1]
	if string(pattern) == "*" {
		pattern = nil
	}
	for _, shard := range r.ownShards() {
		r.add(shard, wire.Command{
			Op: wire.OpScan, Start: int64(r.cursorOf(shard)), End: keysPage, Value: pattern,
		})
	}
	r.many(&keysJob{tally: tally{command: r.spec.name}, pattern: pattern, limit: r.srv.opts.OutputBufferMax})
	r.awaitEmpty()
}

func (j *keysJob) take(c *conn, r ref, cmd *wire.Command, res *wire.Result, fail *failure) {
	if !j.note(c, cmd, res, fail) {
		return
	}
	found := sift(j.pattern, res.List)
	for _, key := range found {
		j.bytes += len(key) + 24
	}
	if j.bytes > j.limit {
		j.keys = nil
		return
	}
	j.keys = append(j.keys, found...)
	if res.Int != 0 {
		next := *cmd
		next.Start = res.Int
		shard := wire.ShardOf(uint16(uint64(res.Int)>>cursorSlotBit), int(c.shardCount))
		c.more(r, shard, next)
	}
}

func (j *keysJob) render(o *output, _ int) {
	if j.failed(o) {
		return
	}
	if j.bytes > j.limit {
		o.fail("ERR the reply of KEYS would exceed the output buffer limit: use SCAN")
		return
	}
	o.array(len(j.keys))
	for _, key := range j.keys {
		o.bulk(key)
	}
}

// randomJob counts the shards' keys, draws a shard by that weight and a place in it.
type randomJob struct {
	tally
	shards []wire.ShardID
	counts []int64
	total  int64
	left   int
	start  int64 // first cursor of the drawn shard
	again  bool  // the walk has begun at the shard's start
	found  bool  // the key may be the empty one
	key    []byte
}

func runRandomKey(r *request) {
	if !r.ready() {
		return
	}
	shards := r.ownShards()
	for _, shard := range shards {
		r.add(shard, wire.Command{Op: wire.OpCount})
	}
	r.many(&randomJob{
		tally: tally{command: r.spec.name}, shards: shards,
		counts: make([]int64, len(shards)), left: len(shards),
	})
	r.awaitEmpty()
}

func (j *randomJob) take(c *conn, r ref, cmd *wire.Command, res *wire.Result, fail *failure) {
	ok := j.note(c, cmd, res, fail)
	if cmd.Op == wire.OpCount {
		if ok {
			j.counts[r.index] = res.Int
			j.total += res.Int
		}
		if j.left--; j.left == 0 && j.total > 0 {
			j.draw(c, r)
		}
		return
	}
	switch {
	case !ok:
	case len(res.List) > 0:
		j.key, j.found = res.List[rand.IntN(len(res.List))], true
	case res.Int != 0 || !j.again:
		next := *cmd
		if next.Start = res.Int; res.Int == 0 {
			next.Start, j.again = j.start, true
		}
		c.more(r, j.shards[r.index], next)
	}
}

// draw chooses a shard and asks it for keys from a random slot on.
func (j *randomJob) draw(c *conn, r ref) {
	n := rand.Int64N(j.total)
	for r.index = 0; n >= j.counts[r.index]; r.index++ {
		n -= j.counts[r.index]
	}
	shard := j.shards[r.index]
	first, last := wire.SlotRange(shard, int(c.shardCount))
	slot := first + uint16(rand.IntN(int(last-first)+1))
	j.start = int64(uint64(first) << cursorSlotBit)
	c.more(r, shard, wire.Command{Op: wire.OpScan, Start: int64(uint64(slot) << cursorSlotBit), End: randomPage})
}

func (j *randomJob) render(o *output, proto int) {
	switch {
	case j.failed(o):
	case !j.found:
		o.null(proto)
	default:
		o.bulk(j.key)
	}
}
