package resp

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"torc/core/wire"
	"torc/net/script"
)

// A script runs on the node that was asked, away from the log, on copies of its keys; what it has written is then asked for in one request that depends on the
// keys' versions (wire.OpGuard):
//
//	read      one Call: values, versions, lifetimes of the keys        <----------+
//	run       Lua; redis.call is done to a store of the copies (eval_call.go)     |  a key was changed meanwhile, or the
//	commit    one Call: guards on the keys it touched, its writes      -----------+  script wants a key that was not read
//
// So a script is done whole or not at all, with nothing in between, as in Redis, and no replica runs any Lua. An error that the script does not
// catch leaves nothing of it, where Redis leaves what was written before. A script that has written nothing is over after it has run: all its keys
// were read at one point of time.

const (
	attemptsMost = 100 // of a script whose keys are changed by others each time
	strangersMax = 32  // keys that are not in KEYS, each of which begins the script anew
	backoffMost  = 8   // times backoff
	backoff      = 200 * time.Microsecond
)

// evaluation is one script that is being run.
type evaluation struct {
	*request
	program  *script.Program
	keys     [][]byte // KEYS
	argv     [][]byte // ARGV
	readOnly bool
	slot     int // of its keys; noSlot: there are none

	seq       uint64
	deadline  int64 // Server.now
	job       *evalJob
	known     map[string]int // keys that are read, by their places in order
	order     [][]byte
	strangers int
	copies    *copies // of the present run
}

func newEvaluation(r *request, p *script.Program, keys, argv [][]byte) *evaluation {
	e := &evaluation{request: r, program: p, keys: keys, argv: argv, slot: noSlot, known: make(map[string]int, len(keys))}
	for _, key := range keys {
		e.slot = int(wire.Slot(key))
		e.know(key)
	}
	return e
}

// know adds a key to those that are read.
func (e *evaluation) know(key []byte) {
	if _, ok := e.known[string(key)]; !ok {
		e.known[string(key)] = len(e.order)
		e.order = append(e.order, key)
	}
}

// run answers the request. The reader waits for it: what its client has sent behind it comes later.
func (e *evaluation) run() {
	e.lookNow()
	if most := e.srv.opts.shardKeysMost() / partsOfKey; len(e.order) > most {
		e.fail(errShardKeys(most))
		return
	}
	if !e.roomForKeys(partsOfKey * len(e.order)) {
		return
	}
	e.in.keep()
	e.awaitEmpty() // what came before is done before
	e.in.dispatched()
	e.mu.Lock()
	e.reserve()
	seq, s := e.openSlot(e.spec)
	e.seq, e.deadline = seq, s.until
	e.job = &evalJob{tally: tally{command: e.spec.name, write: true}}
	s.job, s.left, s.alone = e.job, 1, true // the one is the script itself
	e.hold(s, 1)
	e.mu.Unlock()

	e.job.end(e.attempts())

	e.now = e.srv.now() // what is left of the batch has not waited for a shard yet
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dead {
		e.gone = true
		return
	}
	e.window.at(seq).left--
	if e.heavy {
		e.heavyParts--
	}
	e.settle()
	e.job.render(e.window.target(seq, &e.out), e.proto)
	e.window.complete(seq, &e.out)
	e.note()
}

// hold keeps the room that was claimed for very many keys until so many parts more are answered. Locked.
func (e *evaluation) hold(s *slot, parts int) {
	if e.heavy {
		s.room = roomClaim
		e.heavyParts += parts
	}
}

// attempts runs the script until what it has done took effect, and returns what it returns, or an error to answer instead.
func (e *evaluation) attempts() (script.Value, string) {
	if !e.readOnly && e.slot != noSlot {
		line := e.srv.scripts.line(uint16(e.slot))
		if !enter(line, e.left(), e.cut) {
			return script.Value{}, refusals[wire.ReasonDeadline]
		}
		defer leave(line)
	}
	for conflicts := 0; conflicts < attemptsMost; {
		v, text, next := e.attempt()
		switch {
		case next == isOver:
			return v, text
		case e.left() <= 0:
			return script.Value{}, refusals[wire.ReasonDeadline]
		case next == hasConflict:
			e.rest(rand.N(time.Duration(min(conflicts, backoffMost)+1) * backoff)) // others are at it, on other nodes
			conflicts++
		}
	}
	return script.Value{}, fmt.Sprintf("TRYAGAIN others have changed the script's keys at each of %d attempts: not applied, retry later", attemptsMost)
}

// rest waits for a while, unless the connection is cut off.
func (e *evaluation) rest(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-e.cut:
	}
}

// left is how much time there is.
func (e *evaluation) left() time.Duration { return time.Duration(e.deadline - e.srv.now()) }

// outcome is how an attempt ended.
type outcome uint8

const (
	isOver      outcome = iota
	hasConflict         // somebody has changed a key meanwhile
	wantsMore           // the script uses a key that was not read
)

func (e *evaluation) attempt() (v script.Value, text string, next outcome) {
	if text = e.read(); text != "" {
		return v, text, isOver
	}
	v, err := e.execute()
	var raised *script.Raised
	var wants wantsKey
	var unread refusal
	switch {
	case errors.As(err, &unread):
		return v, string(unread), isOver
	case errors.As(err, &raised):
		return script.Value{Kind: script.Error, Text: raised.Text}, "", isOver
	case errors.As(err, &wants):
		if text = e.admit(wants); text != "" {
			return v, text, isOver
		}
		return v, "", wantsMore
	case err != nil:
		return v, "ERR " + err.Error() + ": nothing of it was done", isOver
	case len(e.copies.writes) == 0:
		return v, "", isOver
	}
	text, next = e.commit()
	return v, text, next
}

// admit adds a key that is none of KEYS to those that are read.
func (e *evaluation) admit(key wantsKey) (text string) {
	if e.strangers++; e.strangers > strangersMax {
		return fmt.Sprintf("ERR the script uses more than %d keys that it was not given: name them in KEYS. Nothing of it was done", strangersMax)
	}
	e.know([]byte(key))
	return ""
}

const (
	scriptBytesLeast = 8 << 20
	scriptBytesMax   = 64 << 20
	buffersPart      = 4 // BuffersMax is a quarter of that part
)

// scriptBytes is how many bytes of strings and tables a script may make: as many as clients' part of the memory has, within bounds.
func (o *Options) scriptBytes() int {
	if o.BuffersMax <= 0 {
		return scriptBytesMax
	}
	return min(max(buffersPart*o.BuffersMax, scriptBytesLeast), scriptBytesMax)
}

// refusal is why the keys could not be read, in words for the client.
type refusal string

func (r refusal) Error() string { return string(r) }

// waitingMost is how many bytes of values a script holds that waits for its turn to run.
const waitingMost = 64 << 10

// execute runs the script once on copies of its keys, when it is its turn. Only so many may do that at a time: it takes memory that no connection is held to.
func (e *evaluation) execute() (script.Value, error) {
	turn := e.srv.scripts.run
	if !enter(turn, 0, nil) {
		if err := e.await(turn); err != nil {
			return script.Value{}, err
		}
	}
	defer leave(turn)
	e.copies = newCopies(e)
	return e.program.Run(e.copies, e.keys, e.argv, script.Limits{Bytes: e.srv.opts.scriptBytes()})
}

// errTurn is for a script whose turn has not come in time.
var errTurn = errors.New("other scripts have taken too long")

// await waits for a turn. Scripts that wait must not have that memory either, and there may be thousands: one with long values forgets them meanwhile, and reads
// them again when it is among the next. When it has its turn would be too late: all others would wait for its shard.
func (e *evaluation) await(turn chan struct{}) error {
	s := &e.srv.scripts
	s.waiting.Add(1)
	defer s.waiting.Add(-1)
	if e.job.bytes > waitingMost {
		e.job.begin(0)
		if !enter(s.next, e.left(), e.cut) {
			return errTurn
		}
		defer leave(s.next)
		if text := e.read(); text != "" {
			return refusal(text)
		}
	}
	if !enter(turn, e.left(), e.cut) {
		return errTurn
	}
	return nil
}
