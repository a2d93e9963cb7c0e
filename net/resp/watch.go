package resp

import (
	"bytes"
	"fmt"

	"torc/core/wire"
)

// WATCH asks for the versions of its keys, and EXEC makes its request depend on them (wire.OpGuard). So whatever is done to a watched key, by whom ever, is seen
// where the transaction is applied, and no node has to tell another who watches what. A version is never given out twice: what was set to the
// same value has changed. A key that is absent has none: one that came and went again is as it was.

// watchedMost is how many keys a connection may watch.
const watchedMost = 1024

// watch is a watched key.
type watch struct {
	key     []byte
	version uint64 // 0: it is absent
}

// watches is what a connection watches. It is guarded by the connection's lock.
type watches struct {
	slot  uint16
	keys  []watch
	asked int    // keys whose versions are not known yet
	bytes int    // of all of them
	age   uint64 // counts how often all were forgotten: what was asked before that is nobody's
	fault string // why a WATCH failed of which the client may have sent EXEC without knowing
}

func (w *watches) len() int { return len(w.keys) + w.asked }

func (w *watches) has(key []byte) bool {
	for i := range w.keys {
		if bytes.Equal(w.keys[i].key, key) {
			return true
		}
	}
	return false
}

func runWatch(r *request) {
	if r.multi != nil {
		r.fail(errWatchInMulti)
		return
	}
	r.watching = true
	if text := r.unwatchable(); text != "" {
		r.mu.Lock()
		r.watches.fault = text
		r.mu.Unlock()
		r.fail(text)
		return
	}
	j := r.newWatchJob()
	for i := range j.keys {
		key := j.keys[i].key
		r.add(r.shardOf(wire.Slot(key)), wire.Command{Op: wire.OpExists, Key: key})
	}
	if len(j.keys) == 0 { // it has them all
		r.ok()
		return
	}
	r.many(j)
}

// unwatchable says what is wrong with the keys.
func (r *request) unwatchable() string {
	if text := r.notReady(); text != "" {
		return text
	}
	slot, same := r.slot()
	if at, ok := r.watchedSlot(); !same || ok && at != slot {
		return errCrossWatch
	}
	if text := r.moved(); text != "" {
		return text
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.watches.len()+len(r.args)-1 > watchedMost {
		return fmt.Sprintf("ERR a connection can watch %d keys", watchedMost)
	}
	return ""
}

// watchedSlot is the slot of what is watched, if anything is.
func (c *conn) watchedSlot() (slot uint16, ok bool) {
	if !c.watching {
		return 0, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.watches.slot, c.watches.len() > 0
}

// watchJob answers OK once the versions are known.
type watchJob struct {
	tally
	keys []watch
	left int
	age  uint64
}

// newWatchJob is for the keys of the command that are not watched already.
func (r *request) newWatchJob() *watchJob {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := &r.watches
	j := &watchJob{tally: tally{command: r.spec.name}, age: w.age}
	for _, key := range r.args[1:] {
		if !w.has(key) {
			j.keys = append(j.keys, watch{key: bytes.Clone(key)})
		}
	}
	j.left = len(j.keys)
	w.asked += j.left
	w.bytes += j.size()
	w.slot, _ = r.slot()
	r.makeRoom()
	r.gone = r.dead
	return j
}

// size is what its keys take.
func (j *watchJob) size() (bytes int) {
	for i := range j.keys {
		bytes += len(j.keys[i].key) + queuedBytes
	}
	return bytes
}

func (j *watchJob) take(c *conn, r ref, cmd *wire.Command, res *wire.Result, fail *failure) {
	if j.note(c, cmd, res, fail) {
		j.keys[r.index].version = res.Version
	}
	if j.left--; j.left > 0 || j.age != c.watches.age {
		return
	}
	w := &c.watches
	w.asked -= len(j.keys)
	if text := j.failText(); text != "" {
		w.fault = text
		w.bytes -= j.size()
		return
	}
	w.keys = append(w.keys, j.keys...)
}

func (j *watchJob) render(o *output, _ int) {
	if !j.failed(o) {
		o.simple("OK")
	}
}

// watched waits until all versions are known, and returns them, or why one could not be had.
func (c *conn) watched() (list []watch, fault string) {
	if !c.watching {
		return nil, ""
	}
	c.mu.Lock()
	waits := c.watches.asked > 0
	c.mu.Unlock()
	if waits {
		c.awaitEmpty()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.watches.keys, c.watches.fault
}

// unwatch forgets all that is watched.
func (c *conn) unwatch() {
	if !c.watching {
		return
	}
	c.watching = false
	c.mu.Lock()
	c.watches = watches{age: c.watches.age + 1}
	c.mu.Unlock()
}

// forgive forgets that a WATCH has failed once the client has been told: a transaction that it begins from then on it begins knowing that, or could have. One whose MULTI
// was under way when the error left is taken for such, and done unguarded, as Redis does it: nothing tells the two apart.
func (c *conn) forgive() {
	if c.watching && c.multi == nil && c.idle() {
		c.mu.Lock()
		c.watches.fault = ""
		c.mu.Unlock()
	}
}

func runUnwatch(r *request) {
	r.unwatch()
	r.ok()
}
