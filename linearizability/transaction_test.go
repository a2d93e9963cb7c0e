package linearizability

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// shelf is the sequential model of a few append-only texts.
type shelf map[string]string

func (s shelf) clone() shelf {
	c := shelf{}
	for k, v := range s {
		c[k] = v
	}
	return c
}

// versions makes a shelf give versions, which it keeps beside the keys.
func (s shelf) versions() { s["#"] = "0" }

func (s shelf) version(key string) (version uint64) {
	version, _ = strconv.ParseUint(s["#"+key], 10, 64)
	return version
}

func (s shelf) do(op *Operation) (out Output) {
	_, versions := s["#"]
	switch {
	case op.Kind == Evict && op.Key == everything:
		clear(s)
		return Output{}
	case op.Kind == Evict:
		delete(s, op.Key)
		delete(s, "#"+op.Key)
		return Output{}
	case op.Kind == Append && versions:
		s["#"] = strconv.FormatUint(s.version("")+1, 10)
		s["#"+op.Key] = s["#"]
	}
	if op.Kind == Append {
		s[op.Key] += op.In.Value
		return Output{Number: int64(len(s[op.Key])), Version: s.version(op.Key)}
	}
	text, found := s[op.Key]
	return Output{Value: Value{text, found}, Version: s.version(op.Key)}
}

// fault is what goes wrong with a batch.
type fault string

const (
	tornWrite fault = "torn write" // the second half takes effect later
	tornRead  fault = "torn read"  // the first half is read from an older state
	staleRead fault = "stale read" // all of it is read from an older state
	lostHalf  fault = "lost half"  // the second half never takes effect, though acknowledged
	doubled   fault = "doubled"    // the batch takes effect twice
	undone    fault = "undone"     // it takes effect, though reported as failed
)

var faults = []fault{tornWrite, tornRead, staleRead, lostHalf, doubled, undone}

// batchProfile shapes generated histories of batches.
type batchProfile struct {
	n, keys, width  int   // batches, keys, most operations of a batch
	spread          int64 // how far an interval reaches to either side of its effect
	unknown, failed int   // percent
	fault           fault
	faulty          int // percent
	evict           int // percent: how often a key is evicted before a batch; then there are versions, too
	lossAt          int // before this batch, if it is not the first, all keys are lost, at the time of loss
	loss            *Loss
}

// run executes batches one after the other, each at an instant of its interval, and lets some
// of them go wrong.
func (p batchProfile) run(rng *rand.Rand) (*History, shelf) {
	now, late := shelf{}, map[int][]*Operation{}
	if p.evict > 0 {
		now.versions()
	}
	past := []shelf{now.clone()}
	var ops []*Operation
	for i := range p.n {
		for _, op := range late[i] {
			now.do(op)
		}
		at := int64(10 * (i + 1))
		if key := string(rune('x' + rng.IntN(p.keys))); p.evict > 0 && rng.IntN(100) < p.evict && now[key] != "" {
			op := &Operation{Call: at, Return: at, Kind: Evict, Key: key, In: Input{Version: now.version(key)}, Outcome: OK}
			ops = append(ops, op)
			now.do(op)
		}
		if i == p.lossAt && i > 0 {
			clear(now)
			past = nil
			*p.loss = Loss{From: at - rng.Int64N(p.spread+1), To: at + rng.Int64N(p.spread+1), Sure: true}
			if p.evict > 0 {
				now.versions()
			}
		}
		call, end := at-rng.Int64N(p.spread+1), at+rng.Int64N(p.spread+1)
		reads, width := rng.IntN(2) == 0, 1+rng.IntN(p.width)
		var batch []*Operation
		for j := range width {
			op := &Operation{Client: i % 4, Call: call, Return: end, Kind: Append, Key: string(rune('x' + rng.IntN(p.keys))), Outcome: OK, Batch: i + 1}
			if reads && rng.IntN(8) > 0 {
				op.Kind = Read
			} else {
				op.In.Value = fmt.Sprintf("%02d%c;", i, 'a'+j)
			}
			if width == 1 {
				op.Batch = 0
			}
			batch = append(batch, op)
		}
		ops = append(ops, batch...)
		percent, wrong := rng.IntN(100), rng.IntN(100) < p.faulty
		switch {
		case percent < p.failed:
			for _, op := range batch {
				op.Outcome = Failed
				if wrong && p.fault == undone {
					now.do(op)
				}
			}
		case percent < p.failed+p.unknown:
			happens := rng.IntN(2) == 0
			for _, op := range batch {
				op.Outcome, op.Return = Unknown, Open
				if happens {
					now.do(op)
				}
			}
		default:
			old := now.clone()
			if len(past) > 0 {
				old = past[max(0, len(past)-1-rng.IntN(4))]
			}
			for j, op := range batch {
				second := j > 0 && j >= len(batch)/2
				switch {
				case !wrong:
					op.Out = now.do(op)
				case second && p.fault == tornWrite && op.Kind == Append:
					op.Out.Number = int64(len(now[op.Key] + op.In.Value))
					to := i + 1 + rng.IntN(2)
					late[to] = append(late[to], op)
				case op.Kind == Read && (p.fault == staleRead || p.fault == tornRead && !second):
					op.Out = old.do(op)
				case second && p.fault == lostHalf && op.Kind == Append:
					op.Out = now.clone().do(op)
				default:
					op.Out = now.do(op)
				}
				if wrong && p.fault == doubled && op.Kind == Append {
					now.do(op)
				}
			}
		}
		past = append(past, now.clone())
	}
	return collected(ops), now
}

func collected(ops []*Operation) *History {
	h := &History{}
	for i, op := range ops {
		op.ID = i + 1
		h.Ops = append(h.Ops, *op)
	}
	return h
}

// serializable tries every order of the batches.
func serializable(h *History) bool {
	var order []int
	batches := map[int][]*Operation{}
	for i := range h.Ops {
		op := &h.Ops[i]
		name := op.Batch
		if name == 0 {
			name = -op.ID
		}
		if op.Outcome == Failed || op.Outcome == Unknown && op.Kind == Read {
			continue
		}
		if batches[name] == nil {
			order = append(order, name)
		}
		batches[name] = append(batches[name], op)
	}
	var left [][]*Operation
	for _, name := range order {
		left = append(left, batches[name])
	}
	return arrange(shelf{}, left)
}

func arrange(s shelf, left [][]*Operation) bool {
	answered := func(batch []*Operation) bool {
		return slices.ContainsFunc(batch, func(op *Operation) bool { return op.Outcome == OK })
	}
	if !slices.ContainsFunc(left, answered) {
		return true
	}
	for i, batch := range left {
		if slices.ContainsFunc(left, func(other []*Operation) bool { return other[0].before(batch[0]) }) {
			continue
		}
		next, fits := s.clone(), true
		for _, op := range batch {
			out := next.do(op)
			out.Version = op.Out.Version
			fits = fits && (op.Outcome != OK || out == op.Out)
		}
		if fits && arrange(next, slices.Concat(left[:i], left[i+1:])) {
			return true
		}
	}
	return false
}

// TestTransactionsAgree: on small histories, good and bad, the checker agrees with trying
// every order. It may miss only what unknown appends that nobody saw could tell.
func TestTransactionsAgree(t *testing.T) {
	for _, f := range faults {
		t.Run(string(f), func(t *testing.T) {
			good, caught, missed := 0, 0, 0
			for seed := range uint64(4000) {
				rng := rand.New(rand.NewPCG(seed, 20))
				p := batchProfile{n: 3 + rng.IntN(4), keys: 2, width: 3, spread: rng.Int64N(20), fault: f, faulty: 40}
				if seed%2 == 0 || f == undone {
					p.unknown, p.failed = 20, 20
				}
				h, _ := p.run(rng)
				require.NoError(t, h.Validate())
				verdicts := Check(h, Options{})
				require.NotEqual(t, Undecided, Worst(CheckTransactions(h, Options{})), text(t, h))
				if serializable(h) {
					good++
					require.Empty(t, sentences(verdicts), "seed %d: a false alarm\n%s", seed, text(t, h))
					require.Empty(t, CheckTransactions(h, Options{}), text(t, h))
					continue
				}
				if Worst(verdicts) == Violation {
					caught++
					continue
				}
				missed++
				require.NotZero(t, p.unknown, "seed %d: missed without any unknown outcome\n%s", seed, text(t, h))
			}
			t.Logf("%d good; %d bad ones caught, %d missed", good, caught, missed)
			require.Greater(t, good, 400)
			require.Greater(t, caught, 200)
			require.Less(t, missed*50, caught, "what is missed is rare")
		})
	}
}

// TestTransactionsAndEvictions: evictions are transactions like others. What trying every order (which knows nothing
// of versions) cannot explain is caught.
func TestTransactionsAndEvictions(t *testing.T) {
	good, caught, missed := 0, 0, 0
	for seed := range uint64(6000) {
		rng := rand.New(rand.NewPCG(seed, 23))
		p := batchProfile{n: 3 + rng.IntN(4), keys: 2, width: 3, spread: rng.Int64N(20), evict: 40}
		if seed%3 > 0 {
			p.fault, p.faulty = []fault{tornRead, staleRead, doubled}[rng.IntN(3)], 40
		} else if seed%2 > 0 {
			p.n, p.keys = 30, 3
		}
		if seed%2 > 0 {
			p.unknown, p.failed = 10, 10
		}
		h, _ := p.run(rng)
		require.NoError(t, h.Validate())
		verdicts := append(Check(h, Options{}), CheckTransactions(h, Options{})...)
		switch {
		case seed%3 == 0:
			require.Empty(t, sentences(verdicts), "seed %d: a false alarm\n%s", seed, text(t, h))
			good++
		case serializable(h): // as far as can be told without versions
		case Worst(verdicts) == Violation:
			caught++
		default:
			missed++
			require.NotZero(t, p.unknown, "seed %d: missed without any unknown outcome\n%s\n%s", seed, text(t, h), sentences(verdicts))
		}
	}
	t.Logf("%d good; %d bad ones caught, %d missed", good, caught, missed)
	require.Greater(t, caught, 500)
	require.Less(t, missed*50, caught, "what is missed is rare")
}

// TestBatchesThatHappenedAreAccepted, on longer histories of any shape.
func TestBatchesThatHappenedAreAccepted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, _ := drawBatches(t)
		require.NoError(t, h.Validate())
		require.Empty(t, sentences(Check(h, Options{})))
		require.Empty(t, sentences(CheckTransactions(h, Options{})))
	})
}

func drawBatches(t *rapid.T) (*History, shelf) {
	p := batchProfile{
		n:       rapid.IntRange(0, 80).Draw(t, "batches"),
		keys:    rapid.IntRange(1, 5).Draw(t, "keys"),
		width:   rapid.IntRange(1, 6).Draw(t, "width"),
		spread:  rapid.Int64Range(0, 60).Draw(t, "spread"),
		unknown: rapid.IntRange(0, 20).Draw(t, "unknown percent"),
		failed:  rapid.IntRange(0, 20).Draw(t, "failed percent"),
	}
	return p.run(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 21)))
}

// TestBrokenBatchesAreRejected: a good history, then a batch, readers before and after it, and
// something certainly wrong with one of them. All of it is caught, whatever came before.
func TestBrokenBatchesAreRejected(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(e *ending)
		want  string
	}{
		"half seen":        {func(e *ending) { e.after.y = e.before.y }, "G1b: "},
		"half dropped":     {func(e *ending) { e.after.y, e.last.y = e.before.y, e.before.y }, ""},
		"nothing seen":     {func(e *ending) { e.after = e.before }, "G-single-realtime: "},
		"swapped readers":  {func(e *ending) { e.after, e.before = e.before, e.after }, ""},
		"seen, then gone":  {func(e *ending) { e.last = e.before }, ""},
		"aborted and seen": {func(e *ending) { e.outcome = Failed }, "G1a: "},
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				h, now := drawBatches(t)
				e := newEnding(now, endOf(h))
				sound := e.append(h)
				require.Empty(t, sentences(Check(sound, Options{})), "before it is spoilt")
				c.spoil(&e)
				bad := e.append(h)
				require.Equal(t, Violation, Worst(Check(bad, Options{})))
				verdicts := CheckTransactions(bad, Options{})
				require.Equal(t, Violation, Worst(verdicts))
				require.Contains(t, verdicts[0].Sentence, c.want)
			})
		})
	}
}

// ending is a batch that appends to x and y, with readers of both around it.
type ending struct {
	at                  int64
	before, after, last pair
	outcome             Outcome
	numbers             [2]int64
}

// pair is what a reader finds in x and y.
type pair struct{ x, y Value }

const endX, endY = "endx;", "endy;"

func newEnding(now shelf, at int64) ending {
	read := func() pair {
		return pair{now.do(&Operation{Kind: Read, Key: "x"}).Value, now.do(&Operation{Kind: Read, Key: "y"}).Value}
	}
	e := ending{at: at, outcome: OK, before: read()}
	e.numbers[0] = now.do(&Operation{Kind: Append, Key: "x", In: Input{Value: endX}}).Number
	e.numbers[1] = now.do(&Operation{Kind: Append, Key: "y", In: Input{Value: endY}}).Number
	e.after, e.last = read(), read()
	return e
}

// append adds reader, batch, reader, reader to a history, one after the other.
func (e *ending) append(h *History) *History {
	ops := slices.Clone(h.Ops)
	at := e.at
	add := func(kind Kind, outcome Outcome, ins [2]string, outs [2]Output) {
		first := len(ops) + 1
		for i, key := range []string{"x", "y"} {
			ops = append(ops, Operation{ID: first + i, Client: 9, Call: at + 1, Return: at + 2, Kind: kind, Key: key,
				In: Input{Value: ins[i]}, Outcome: outcome, Out: outs[i], Batch: 1000 + first})
		}
		at += 2
	}
	read := func(p pair) { add(Read, OK, [2]string{}, [2]Output{{Value: p.x}, {Value: p.y}}) }
	read(e.before)
	add(Append, e.outcome, [2]string{endX, endY}, [2]Output{{Number: e.numbers[0]}, {Number: e.numbers[1]}})
	read(e.after)
	read(e.last)
	return &History{Ops: ops}
}

// endOf is when the last operation of a history returned or was called.
func endOf(h *History) (at int64) {
	for i := range h.Ops {
		at = max(at, h.Ops[i].Call)
		if h.Ops[i].Return != Open {
			at = max(at, h.Ops[i].Return)
		}
	}
	return at
}

// TestScatteredBatches: it does not matter how batches are numbered, nor that operations of
// others stand between those of one.
func TestScatteredBatches(t *testing.T) {
	bad := 0
	for seed := range uint64(600) {
		rng := rand.New(rand.NewPCG(seed, 22))
		p := batchProfile{n: 30, keys: 3, width: 4, spread: 15, unknown: 5, failed: 5, fault: faults[seed%uint64(len(faults))], faulty: int(seed%2) * 15}
		h, _ := p.run(rng)
		want := CheckTransactions(h, Options{})
		queues, numbers := [][]Operation{}, rng.Perm(p.n+1)
		for i, op := range h.Ops {
			if i == 0 || op.Batch == 0 || op.Batch != h.Ops[i-1].Batch {
				queues = append(queues, nil)
			}
			queues[len(queues)-1] = append(queues[len(queues)-1], op)
		}
		again := &History{}
		for len(queues) > 0 {
			q := rng.IntN(min(3, len(queues)))
			op := queues[q][0]
			op.ID = len(again.Ops) + 1
			if op.Batch != 0 {
				op.Batch = numbers[op.Batch] + 1
			}
			again.Ops = append(again.Ops, op)
			if queues[q] = queues[q][1:]; len(queues[q]) == 0 {
				queues = slices.Delete(queues, q, q+1)
			}
		}
		require.NoError(t, again.Validate())
		got := CheckTransactions(again, Options{})
		require.Equal(t, Worst(want), Worst(got), "seed %d\n%s", seed, text(t, h))
		if Worst(want) == Violation {
			bad++
		}
	}
	require.Greater(t, bad, 100)
}

// TestTransactionsAndLosses: batches on keys that were lost for sure are judged before the loss and after it; what really happened is
// accused of nothing, and what cannot be explained by any order, with the loss in it, is mostly found.
func TestTransactionsAndLosses(t *testing.T) {
	caught, missed := 0, 0
	for seed := range uint64(4000) {
		rng := rand.New(rand.NewPCG(seed, 83))
		loss := Loss{}
		p := batchProfile{n: 4 + rng.IntN(2), keys: 1 + rng.IntN(3), width: 2, spread: rng.Int64N(18), unknown: rng.IntN(20), failed: rng.IntN(10), loss: &loss}
		p.lossAt = 1 + rng.IntN(p.n-1)
		if seed%2 == 1 {
			p.fault, p.faulty = faults[rng.IntN(len(faults))], 50
		}
		h, _ := p.run(rng)
		require.NoError(t, h.Validate())
		found := sentences(CheckTransactions(h, Options{Losses: []Loss{loss}}))
		explained := seed%2 == 0 || serializable(&History{Ops: append([]Operation{{Kind: Evict, Key: everything, Call: loss.From, Return: loss.To, Outcome: OK}}, h.Ops...)})
		switch {
		case found != "":
			require.False(t, explained, "seed %d: a false alarm, loss %v\n%s\n%s", seed, loss, text(t, h), found)
			caught++
		case !explained:
			missed++
		}
	}
	t.Logf("%d bad histories caught, %d missed", caught, missed)
	require.Greater(t, caught, missed)
}

// everything is the key of what empties a shelf.
const everything = "*"
