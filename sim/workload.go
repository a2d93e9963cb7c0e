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
	flavourCount
)

var flavourLetters = [flavourCount]string{"r", "m", "n", "a", "t"}

// operationsOf says after how many operations a key of this flavour is left for a new one:
// the exhaustive checker's cost grows steeply, the others' hardly.
var operationsOf = [flavourCount]int{flavourRegister: 400, flavourModel: 36, flavourCounter: 250, flavourAppend: 120, flavourExpiring: 60}

// series is a sequence of keys: one in use, replaced by the next when it is worn.
type series struct {
	flavour flavour
	number  int // among the flavour's series
	edition int // how many keys came before
	left    int // operations until the next key
	key     []byte
	text    string
	shard   wire.ShardID
	version uint64 // the last one that anybody saw
}

// operation is one operation as a client does it.
type operation struct {
	command wire.Command
	kind    linearizability.Kind
	in      linearizability.Input
	series  *series // it may be at a later key by now:
	text    string  // the key that this operation is on
	edition int
	shard   wire.ShardID
	number  int // in the history
}

// workload is what the clients do, and the record of it.
type workload struct {
	w       *World
	rand    Stream
	series  [flavourCount][]*series
	record  *linearizability.Recorder
	values  int // for unique values
	keys    []touched
	oks     [3]int // by wire.Outcome
	reasons [32]int
}

// touched is a key that the workload has used.
type touched struct {
	key     string
	shard   wire.ShardID
	flavour flavour
}

func newWorkload(w *World) *workload {
	l := &workload{w: w, rand: NewStream(w.seed, "workload"), record: linearizability.NewRecorder(4096)}
	counts := [flavourCount]int{w.settings.Registers, w.settings.Models, w.settings.Counters, w.settings.Appends, w.settings.Expiring}
	for f, count := range counts {
		for i := range count {
			s := &series{flavour: flavour(f), number: i}
			l.renew(s)
			l.series[f] = append(l.series[f], s)
		}
	}
	return l
}

// renew puts a fresh key into use, on a shard that is drawn.
func (l *workload) renew(s *series) {
	shards := l.w.settings.Shards
	want := wire.ShardID(1 + l.rand.IntN(shards))
	s.edition++
	s.left = operationsOf[s.flavour]/2 + l.rand.IntN(operationsOf[s.flavour])
	s.version = 0
	base := flavourLetters[s.flavour] + strconv.Itoa(s.number) + "." + strconv.Itoa(s.edition)
	for try := 0; ; try++ {
		s.text = base + "." + strconv.Itoa(try)
		s.key = []byte(s.text)
		s.shard = wire.ShardOf(wire.Slot(s.key), shards)
		if s.shard == want {
			break
		}
	}
	l.keys = append(l.keys, touched{s.text, s.shard, s.flavour})
}

// weights is how often each flavour is chosen, in hundredths.
var weights = [flavourCount]int{40, 12, 16, 14, 18}

// next draws a client's next operation.
func (l *workload) next(c *client) operation {
	f, roll := flavour(0), c.rand.IntN(100)
	for ; roll >= weights[f]; f++ {
		roll -= weights[f]
	}
	if len(l.series[f]) == 0 {
		f = flavourRegister
	}
	s := l.series[f][c.rand.IntN(len(l.series[f]))]
	if s.left--; s.left < 0 {
		l.renew(s)
	}
	op := operation{series: s, text: s.text, edition: s.edition, shard: s.shard}
	op.command.Key = s.key
	switch f {
	case flavourRegister:
		l.register(c, &op)
	case flavourModel:
		l.model(c, &op)
	case flavourCounter:
		l.counter(c, &op)
	case flavourAppend:
		l.append(c, &op)
	case flavourExpiring:
		l.expiring(c, &op)
	}
	return op
}

// value makes a value that was never written before.
func (l *workload) value() string {
	l.values++
	return "v" + strconv.Itoa(l.values)
}

func (op *operation) read() {
	op.kind, op.command.Op = linearizability.Read, wire.OpGet
}

func (op *operation) write(value string) {
	op.kind, op.command.Op = linearizability.Write, wire.OpSet
	op.in.Value, op.command.Value = value, []byte(value)
}

func (l *workload) register(c *client, op *operation) {
	if c.rand.Bool() {
		op.read()
		return
	}
	op.write(l.value())
}

func (l *workload) model(c *client, op *operation) {
	switch roll := c.rand.IntN(100); {
	case roll < 40:
		op.read()
	case roll < 55:
		op.write(l.value())
	case roll < 75:
		op.write(l.value())
		op.kind = linearizability.CAS
		op.in.ByVersion, op.in.Version = true, op.series.version
		op.command.Flags, op.command.Version = wire.FlagVersion, op.series.version
	case roll < 85:
		op.write(l.value())
		op.kind, op.command.Flags = linearizability.SetNX, wire.FlagNX
	case roll < 93:
		op.kind, op.command.Op = linearizability.Delete, wire.OpDelete
	default:
		op.kind, op.command.Op = linearizability.GetDel, wire.OpGetDelete
	}
}

func (l *workload) counter(c *client, op *operation) {
	if c.rand.Chance(3000) {
		op.read()
		return
	}
	op.kind, op.command.Op = linearizability.Increment, wire.OpIncr
	op.in.Delta = 1 + int64(c.rand.IntN(3))
	op.command.Delta = op.in.Delta
}

func (l *workload) append(c *client, op *operation) {
	if c.rand.Chance(3000) {
		op.read()
		return
	}
	op.kind, op.command.Op = linearizability.Append, wire.OpAppend
	op.in.Value = l.value() + ";"
	op.command.Value = []byte(op.in.Value)
}

func (l *workload) expiring(c *client, op *operation) {
	switch roll := c.rand.IntN(100); {
	case roll < 60:
		op.read()
	case roll < 85:
		op.write(l.value())
		op.ttl(200 + c.rand.IntN(4800))
	case roll < 88:
		op.write(l.value())
	case roll < 93:
		op.kind, op.command.Op = linearizability.Touch, wire.OpExpire
		op.ttl(200 + c.rand.IntN(4800))
	case roll < 95:
		op.kind, op.command.Op = linearizability.Touch, wire.OpPersist
	default:
		op.kind, op.command.Op = linearizability.Delete, wire.OpDelete
	}
}

func (op *operation) ttl(milliseconds int) {
	op.in.TTL = time.Duration(milliseconds) * time.Millisecond
	op.command.TTLKind, op.command.TTL = wire.TTLRelative, int64(milliseconds)
}

// invoke records that an operation begins.
func (l *workload) invoke(c *client, op *operation) {
	op.number = l.record.Invoke(c.index, l.w.now, op.kind, op.text, op.in)
	l.w.emit(trace.Event{Kind: trace.Invoke, Node: l.w.idOf(c.endpoint), Shard: op.shard, A: uint64(op.number),
		B: printOf(op.command.Key) ^ printOf(op.command.Value), Term: uint64(op.kind), Note: op.text})
}

// finish records what an operation came to.
func (l *workload) finish(c *client, op *operation, outcome wire.Outcome, reason wire.Reason, r *wire.Result) {
	e := trace.Event{Kind: trace.Return, Node: l.w.idOf(c.endpoint), Shard: op.shard, A: uint64(op.number),
		Term: uint64(outcome), Index: uint64(reason)}
	word, out := outcomeOf(op, outcome, r)
	if word == linearizability.OK {
		e.B = printOf(r.Value) ^ uint64(r.Int)<<8 ^ r.Version<<32 ^ uint64(r.Kind)
		if op.series.edition == op.edition && r.Version != 0 {
			op.series.version = r.Version
		}
	}
	l.w.emit(e)
	l.oks[outcome]++
	if s := op.series; outcome == wire.OutcomeUnknown && op.kind != linearizability.Read && s.edition == op.edition && s.flavour != flavourRegister {
		s.left -= operationsOf[s.flavour] / 5 // it may take effect at any later time: a few of these are all that the exhaustive checkers bear
	}
	if outcome != wire.OutcomeOK {
		l.reasons[reason&31]++
	}
	l.record.Return(op.number, l.w.now, word, out)
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
		if op.kind == linearizability.CAS && r.Code == wire.CodeVersion {
			return linearizability.OK, out // not applied
		}
		return linearizability.Failed, out // decided by the log: no effect
	}
	switch op.kind {
	case linearizability.Read, linearizability.GetDel:
		out.Value = linearizability.Value{Text: string(r.Value), Found: r.Kind == wire.KindBytes}
	case linearizability.Increment, linearizability.Append:
		out.Number = r.Int
	case linearizability.Delete, linearizability.Touch:
		out.Applied = r.Int == 1
	case linearizability.CAS, linearizability.SetNX:
		out.Applied = r.Kind == wire.KindOK
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
