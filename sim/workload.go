package sim

import (
	"strconv"
	"time"

	"torc/core/trace"
	"torc/core/wire"
	"torc/linearizability"
)

// flavour is what is done to a key. Each flavour has a checker of its own, and each sees
// what the others are blind to: registers stale reads, counters and appends doubled writes,
// expiring keys clocks.
type flavour uint8

const (
	flavourRegister flavour = iota // reads and writes of unique values
	flavourModel                   // also CAS, SETNX, GETDEL, delete: few operations per key
	flavourCounter                 // INCRBY
	flavourAppend                  // APPEND
	flavourExpiring                // SET PX, PEXPIRE, PERSIST, DEL
	flavourLease                   // leases and fills, with writes and deletes in between
	flavourCount
)

var flavourLetters = [flavourCount]string{"r", "m", "n", "a", "t", "l"}

// operationsOf says after how many operations a key of this flavour is left for a new one:
// the exhaustive checker's cost grows steeply, the others' hardly.
var operationsOf = [flavourCount]int{flavourRegister: 400, flavourModel: 36, flavourCounter: 250, flavourAppend: 120, flavourExpiring: 60, flavourLease: 48}

// series is a sequence of keys: one in use, replaced by the next when it is worn.
type series struct {
	flavour flavour
	number  int // among the flavour's series
	edition int // how many keys came before
	left    int // operations until the next key
	key     string
}

// operation is one operation as a client does it.
type operation struct {
	Op
	series *series // that drew it, if any; it may be at a later key by now
	shard  wire.ShardID
	number int  // in the history
	alone  bool // not in a batch, which is refused as a whole
	answer int  // in the script's answers, counted from 1; 0: it was drawn

	began   int64 // when it was called
	guarded bool  // by a guard of its batch, or it is one
	known   sight // a guard: what it stands for
}

// workload is what the clients do, and the record of it.
type workload struct {
	w        *World
	rand     Stream
	series   [flavourCount][]*series
	families []*family
	record   *linearizability.Recorder
	values   int // for unique values
	keys     []touched
	known    map[string]int      // keys' places in keys
	hashes   map[uint64]string   // by which victims are named
	seen     map[string]uint64   // a key's version that anybody saw last
	read     map[string]sight    // what anybody read of a key last
	doubted  map[string][]*doubt // by guarded key; only looked up
	leased   map[string]uint64   // a key's lease that anybody was granted last
	made     []Call              // what the clients did, in full
	answers  []Answer            // what the script's operations came to
	hot      int                 // how many faults want everybody at the same keys
	bytes    int                 // in all values that anybody gave
	held     int                 // reads that nodes answered from copies of hot keys
	oks      [3]int              // by wire.Outcome
	reasons  [32]int
}

// touched is a key that the workload has used.
type touched struct {
	key   string
	shard wire.ShardID
	asked asked
	tenure
}

func newWorkload(w *World) *workload {
	l := &workload{w: w, rand: NewStream(w.seed, "workload"), record: linearizability.NewRecorder(4096),
		known: map[string]int{}, hashes: map[uint64]string{}, seen: map[string]uint64{}, read: map[string]sight{}, doubted: map[string][]*doubt{}, leased: map[string]uint64{}}
	counts := [flavourCount]int{w.settings.Registers, w.settings.Models, w.settings.Counters, w.settings.Appends, w.settings.Expiring, w.settings.Leases}
	for f, count := range counts {
		for i := range count {
			s := &series{flavour: flavour(f), number: i}
			l.renew(s)
			l.series[f] = append(l.series[f], s)
		}
	}
	for i := range w.settings.Transactions {
		f := &family{number: i}
		l.renewFamily(f)
		l.families = append(l.families, f)
	}
	return l
}

// renew puts a fresh key into use, on a shard that is drawn.
func (l *workload) renew(s *series) {
	shards := l.w.settings.Shards
	want := wire.ShardID(1 + l.rand.IntN(shards))
	s.edition++
	s.left = operationsOf[s.flavour]/2 + l.rand.IntN(operationsOf[s.flavour])
	base := flavourLetters[s.flavour] + strconv.Itoa(s.number) + "." + strconv.Itoa(s.edition)
	for try := 0; ; try++ {
		s.key = base + "." + strconv.Itoa(try)
		if shardOf(s.key, shards) == want {
			return
		}
	}
}

func shardOf(key string, shards int) wire.ShardID {
	return wire.ShardOf(wire.Slot([]byte(key)), shards)
}

// touch notes a key, to be read back in the end.
func (l *workload) touch(key string) wire.ShardID {
	if i, known := l.known[key]; known {
		return l.keys[i].shard
	}
	shard := shardOf(key, l.w.settings.Shards)
	l.known[key] = len(l.keys)
	l.hashes[l.w.placement.HashOf([]byte(key))] = key
	l.keys = append(l.keys, touched{key: key, shard: shard})
	return shard
}

// weights is how often each flavour is chosen, in hundredths; leases see leaseRate.
var weights = [flavourCount]int{40, 12, 16, 14, 18}

// next draws a client's next operation.
func (l *workload) next(c *client) operation {
	f := flavourLease
	if len(l.series[flavourLease]) == 0 || !c.rand.Chance(leaseRate) { // nothing is drawn where there are no leases
		f = l.flavour(c)
	}
	if len(l.series[f]) == 0 {
		f = flavourRegister
	}
	s := l.series[f][c.rand.IntN(len(l.series[f]))]
	if l.hot > 0 {
		s = l.series[f][0]
	}
	if s.left--; s.left < 0 {
		l.renew(s)
	}
	op := operation{Op: Op{Key: s.key}, series: s}
	switch f {
	case flavourRegister:
		l.register(c, &op.Op)
	case flavourModel:
		l.model(c, &op.Op)
	case flavourCounter:
		l.counter(c, &op.Op, 1+int64(s.edition%3))
	case flavourAppend:
		l.append(c, &op.Op)
	case flavourExpiring:
		l.expiring(c, &op.Op)
	case flavourLease:
		l.lease(c, &op.Op)
	}
	return op
}

// fondRate is how often, in ten-thousandths, the first thread of a client that keeps what it reads reads the one key that it is fond of. While
// its other threads wait for a leader that is gone, this one goes on with what it has kept.
const fondRate = 9500

// hotRate is the same of a Redis client where nodes hold copies of hot keys: it reads through one node for a while.
const hotRate = 7500

// fond is a thread's read of the key that its client is fond of, if it is such a thread.
func (l *workload) fond(c *client, thread int) (operation, bool) {
	keys, rate := l.series[flavourRegister], 0
	switch {
	case c.caches:
		rate = fondRate
	case c.brain == nil && l.w.settings.HotReads > 0:
		rate = hotRate
	}
	if rate == 0 || thread != 0 || !c.rand.Chance(rate) {
		return operation{}, false
	}
	s := keys[c.index%len(keys)]
	return operation{Op: Op{Key: s.key, Kind: linearizability.Read}, series: s}, true
}

// leaseRate is how often, in ten-thousandths, an operation is on a key with leases, where there are some.
const leaseRate = 2500

func (l *workload) flavour(c *client) flavour {
	f, roll := flavour(0), c.rand.IntN(100)
	for ; roll >= weights[f]; f++ {
		roll -= weights[f]
	}
	return f
}

// value makes a value that was never written before.
func (l *workload) value() string {
	l.values++
	return "v" + strconv.Itoa(l.values)
}

func (l *workload) write(op *Op) { op.Kind, op.In.Value = linearizability.Write, l.value() }

func (l *workload) register(c *client, op *Op) {
	op.Kind = linearizability.Read
	writes := !c.rand.Bool()
	if l.w.settings.HotReads > 0 && writes { // nobody holds a copy of what is always being written
		writes = c.rand.Chance(3000)
	}
	if writes {
		l.write(op)
	}
}

func (l *workload) model(c *client, op *Op) {
	switch roll := c.rand.IntN(100); {
	case roll < 40:
		op.Kind = linearizability.Read
	case roll < 55:
		l.write(op)
	case roll < 75:
		l.write(op)
		op.Kind, op.In.ByVersion, op.Seen = linearizability.CAS, true, true
	case roll < 85:
		l.write(op)
		op.Kind = linearizability.SetNX
	case roll < 93:
		op.Kind = linearizability.Delete
	default:
		op.Kind = linearizability.GetDel
	}
}

// counter adds the same on one key always: sums of different increments whose outcomes are unknown
// are what no checker can take apart.
func (l *workload) counter(c *client, op *Op, delta int64) {
	op.Kind = linearizability.Read
	if !c.rand.Chance(3000) {
		op.Kind, op.In.Delta = linearizability.Increment, delta
	}
}

func (l *workload) append(c *client, op *Op) {
	op.Kind = linearizability.Read
	if !c.rand.Chance(3000) {
		op.Kind, op.In.Value = linearizability.Append, l.value()+";"
	}
}

func (l *workload) expiring(c *client, op *Op) {
	ttl := func() time.Duration { return time.Duration(200+c.rand.IntN(4800)) * time.Millisecond }
	switch roll := c.rand.IntN(100); {
	case roll < 60:
		op.Kind = linearizability.Read
	case roll < 85:
		l.write(op)
		op.In.TTL = ttl()
	case roll < 88:
		l.write(op)
	case roll < 93:
		op.Kind, op.In.TTL = linearizability.Touch, ttl()
	case roll < 95:
		op.Kind = linearizability.Touch // PERSIST
	default:
		op.Kind = linearizability.Delete
	}
}

// lease is what clients do that load what they miss, and those that change what is loaded.
func (l *workload) lease(c *client, op *Op) {
	switch roll := c.rand.IntN(100); {
	case roll < 30:
		op.Kind = linearizability.Read
	case roll < 55:
		op.Kind, op.Seen = linearizability.Lease, true
	case roll < 80:
		l.write(op)
		op.Kind, op.Seen = linearizability.Fill, true
	case roll < 90:
		op.Kind = linearizability.Delete
	default:
		l.write(op)
	}
}

// invoke records that an operation begins, and gives it to nodes as a command.
func (l *workload) invoke(c *client, op *operation) wire.Command {
	op.shard, op.began = l.touch(op.Key), l.w.now
	switch {
	case op.guard():
		op.known = l.read[op.Key]
		op.In.Version = op.known.version
	case op.Seen && op.Kind == linearizability.Fill:
		op.In.Version = l.leased[op.Key]
	case op.Seen:
		op.In.Version = l.seen[op.Key]
	}
	l.keys[l.known[op.Key]].asked.note(op, &l.bytes)
	l.keys[l.known[op.Key]].called(op)
	l.w.coverage.invoked(op.Kind)
	if op.number == 0 { // not part of an atomic batch
		op.number = l.record.Invoke(c.index+1, l.w.now, op.Kind, op.Key, op.told())
	}
	command := op.command()
	l.w.emit(trace.Event{Kind: trace.Invoke, Node: l.w.idOf(c.endpoint), Shard: op.shard, A: uint64(op.number),
		B: printOf(command.Key) ^ printOf(command.Value), Term: uint64(op.Kind), Note: op.Key})
	return command
}

// told is what a history is told of an operation's input: of a guard nothing, to it that is a read.
func (op *Op) told() (in linearizability.Input) {
	if op.guard() {
		return in
	}
	return op.In
}

// finish records what an operation came to.
func (l *workload) finish(c *client, op *operation, outcome wire.Outcome, reason wire.Reason, r *wire.Result) {
	e := trace.Event{Kind: trace.Return, Node: l.w.idOf(c.endpoint), Shard: op.shard, A: uint64(op.number),
		Term: uint64(outcome), Index: uint64(reason)}
	word, out := outcomeOf(op, outcome, r)
	if word == linearizability.OK {
		e.B = printOf(r.Value) ^ uint64(r.Int)<<8 ^ r.Version<<32 ^ uint64(r.Kind)
		if r.Version != 0 {
			l.seen[op.Key] = r.Version
		}
		if op.Kind == linearizability.Read && !op.Seen {
			l.read[op.Key] = sight{r.Version, out.Value}
			l.readSince(op, r)
		}
		if op.Kind == linearizability.Lease && out.Applied {
			l.leased[op.Key] = uint64(out.Number)
		}
		l.w.answeredLease(op, &out)
	}
	l.w.emit(e)
	l.tenured(op, word, &out)
	l.w.coverage.returned(op.Kind)
	l.refused(op, outcome, reason)
	if outcome == wire.OutcomeOK {
		l.answeredError(op, r)
		l.answeredVersion(op, word, &out)
		l.answeredGuard(op, r)
	}
	l.oks[outcome]++
	if s := op.series; outcome == wire.OutcomeUnknown && op.Kind != linearizability.Read && s != nil && s.key == op.Key && s.flavour != flavourRegister {
		s.left -= operationsOf[s.flavour] / 5 // it may take effect at any later time: a few of these are all that the exhaustive checkers bear
	}
	if outcome != wire.OutcomeOK {
		l.reasons[reason&31]++
	}
	l.record.Return(op.number, l.w.now, word, out)
	l.w.answered(op, word, &out)
}

// answeredGuard notes how a guard went.
func (l *workload) answeredGuard(op *operation, r *wire.Result) {
	switch {
	case !op.guard():
	case r.Code == wire.CodeGuard:
		l.w.reached(branchGuardUnmet)
	default:
		l.w.reached(branchGuardMet)
	}
}

// outcomeOf translates an answer into a history's words.
func outcomeOf(op *operation, outcome wire.Outcome, r *wire.Result) (linearizability.Outcome, linearizability.Output) {
	var out linearizability.Output
	switch outcome {
	case wire.OutcomeRefused:
		return linearizability.Failed, out
	case wire.OutcomeUnknown:
		return linearizability.Unknown, out
	}
	out.Version = r.Version
	if r.Kind == wire.KindError {
		if op.Kind == linearizability.CAS && r.Code == wire.CodeVersion {
			return linearizability.OK, out // not applied
		}
		return linearizability.Failed, out // decided by the log: no effect
	}
	if op.guard() { // it was met
		out.Version, out.Value = op.known.version, op.known.value
		return linearizability.OK, out
	}
	switch op.Kind {
	case linearizability.Read, linearizability.GetDel:
		out.Value = linearizability.Value{Text: string(r.Value), Found: r.Kind == wire.KindBytes}
	case linearizability.Increment, linearizability.Append:
		out.Number = r.Int
	case linearizability.Delete, linearizability.Touch:
		out.Applied = r.Int == 1
	case linearizability.CAS, linearizability.SetNX, linearizability.Fill:
		out.Applied = r.Kind == wire.KindOK
	case linearizability.Lease:
		out.Value = linearizability.Value{Text: string(r.Value), Found: r.Kind == wire.KindBytes}
		if out.Applied = r.Kind == wire.KindInt && r.Int > 0; out.Applied {
			out.Number = r.Int
		}
	}
	return linearizability.OK, out
}

// printOf is a cheap print of bytes (FNV-1a).
func printOf(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, x := range b {
		h = (h ^ uint64(x)) * 1099511628211
	}
	return h
}
