package linearizability

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// cell is a key as these tests see it, written apart from the checkers' own model so that
// one can check the other. Time is the instant at which an operation takes effect.
type cell struct {
	value   Value
	version uint64
	expires int64 // 0 = never
	lease   uint64
	granted uint64 // the lease that was granted last, over or not
}

// do executes an operation and returns its answer; ok is false if it is answered with an error.
func (c *cell) do(op *Operation, at int64, clock *uint64) (out Output, ok bool) {
	if c.expires != 0 && at >= c.expires {
		*c = cell{}
	}
	put := func(v string) {
		*clock++
		c.lease = 0
		c.value, c.version = Some(v), *clock
		out.Version = *clock
	}
	switch op.Kind {
	case Read:
		return Output{Value: c.value, Version: c.version}, true
	case Write:
		put(op.In.Value)
		c.expires = 0
		if op.In.TTL > 0 {
			c.expires = at + int64(op.In.TTL)
		}
	case Touch:
		out.Applied = c.value.Found
		if out.Applied && op.In.TTL > 0 {
			c.expires = at + int64(op.In.TTL)
		} else if out.Applied {
			c.expires = 0
		}
		if out.Applied {
			*clock++
			c.version, out.Version = *clock, *clock
		}
	case Delete:
		out.Applied = c.value.Found
		*c = cell{granted: c.granted}
	case GetDel:
		out.Value = c.value
		*c = cell{granted: c.granted}
	case Lease:
		switch {
		case c.value.Found && c.version != op.In.Version:
			out.Value = c.value
		case c.lease == 0:
			*clock++
			c.lease, c.granted = *clock, *clock
			out.Applied, out.Number = true, int64(*clock)
		}
		out.Version = c.version
	case Evict:
		ok := c.value.Found
		*c = cell{lease: c.lease, granted: c.granted}
		return Output{}, ok
	case Fill:
		if out.Applied = c.lease != 0 && c.lease == op.In.Version; out.Applied {
			put(op.In.Value)
		}
		out.Version = c.version
	case SetNX:
		if !c.value.Found {
			out.Applied = true
			put(op.In.Value)
		}
	case CAS:
		met := c.value == op.In.Expect
		if op.In.ByVersion {
			met = c.version == op.In.Version
		}
		if met {
			out.Applied = true
			put(op.In.Value)
		}
	case Increment:
		old, _ := strconv.ParseInt(c.value.Text, 10, 64)
		if c.value.Found && strconv.FormatInt(old, 10) != c.value.Text {
			return Output{}, false
		}
		out.Number = old + op.In.Delta
		put(strconv.FormatInt(out.Number, 10))
	case Append:
		put(c.value.Text + op.In.Value)
		out.Number = int64(len(c.value.Text))
	}
	return out, true
}

// profile shapes generated histories.
type profile struct {
	kinds           []Kind // drawn from, with repetition as weight
	n               int
	spread          int64 // how far an interval reaches to either side of its effect
	unknown, failed int   // percent
	values          int   // 0 = unique, else how many different ones
	deltas          []int64
	ttl             time.Duration
	versions        bool
	double, lose    int // percent of mutations: applied twice, acknowledged but not applied
	delay           int64
	skew            int64 // how far the store's clock may be from the history's, either way
	evict           int   // percent: how often the key is evicted before an operation
}

// run executes operations one after the other and gives each an interval around the instant
// at which it took effect. Without double and lose the history is correct by construction.
func (p profile) run(rng *rand.Rand) *History {
	h, _ := p.runAndLose(rng, -1)
	return h
}

// runAndLose is run with the key vanishing before one of the operations.
func (p profile) runAndLose(rng *rand.Rand, lossAt int) (*History, Loss) {
	var loss Loss
	var c cell
	var clock uint64
	var at int64
	var ops []Operation
	for i := range p.n {
		at += rng.Int64N(4) + p.delay*rng.Int64N(2)
		if i == lossAt {
			c = cell{}
			loss = Loss{From: at - rng.Int64N(4), To: at + rng.Int64N(4)}
		}
		if c.value.Found && p.evict > 0 && rng.IntN(100) < p.evict {
			ops = append(ops, Operation{Call: at, Return: at, Kind: Evict, Key: "x", In: Input{Version: c.version}, Outcome: OK})
			c.do(&ops[len(ops)-1], at, &clock)
		}
		op := p.draw(rng, i, &c)
		op.Client = rng.IntN(4)
		op.Call = at - rng.Int64N(p.spread+1)
		op.Return = at + rng.Int64N(p.spread+1)
		switch op.Kind { // nobody fills under a lease before its number was answered
		case Lease:
			op.Return = at
		case Fill:
			op.Call = at
		}
		at := at + rng.Int64N(2*p.skew+1) - p.skew // the store's clock from here on
		percent := rng.IntN(100)
		switch {
		case percent < p.failed:
			op.Outcome = Failed
		case percent < p.failed+p.unknown:
			op.Outcome, op.Return = Unknown, Open
			if rng.IntN(2) == 0 {
				granted := c.granted
				c.do(&op, at, &clock)
				c.granted = granted // nobody was told
			}
		default:
			before, answered := c, false
			op.Outcome = OK
			if op.Out, answered = c.do(&op, at, &clock); !answered {
				op.Outcome, op.Out = Failed, Output{}
			}
			if rng.IntN(100) < p.lose {
				c = before
			}
			if rng.IntN(100) < p.double {
				c.do(&op, at, &clock)
			}
		}
		if !p.versions {
			op.Out.Version = 0
		}
		ops = append(ops, op)
	}
	return numbered(ops), loss
}

func (p profile) draw(rng *rand.Rand, i int, c *cell) Operation {
	op := Operation{Kind: p.kinds[rng.IntN(len(p.kinds))], Key: "x"}
	op.In.Value = "v" + strconv.Itoa(i) + ";"
	if p.values > 0 {
		op.In.Value = strconv.Itoa(rng.IntN(p.values))
	}
	switch op.Kind {
	case Read, Delete, GetDel:
		op.In.Value = ""
	case Lease:
		op.In = Input{Version: c.version * uint64(rng.IntN(2))}
	case Fill:
		op.In.Version = c.granted
	case Increment:
		op.In = Input{Delta: p.deltas[rng.IntN(len(p.deltas))]}
	case Touch:
		op.In = Input{TTL: p.ttl * time.Duration(rng.IntN(3))}
	case Write:
		op.In.TTL = p.ttl * time.Duration(rng.IntN(3))
	case CAS:
		op.In.Expect = c.value
		if rng.IntN(3) == 0 {
			op.In.Expect = Some(strconv.Itoa(rng.IntN(3)))
		}
		if p.versions && rng.IntN(2) == 0 {
			op.In.ByVersion, op.In.Expect, op.In.Version = true, Absent, c.version
			if rng.IntN(4) == 0 {
				op.In.Version = uint64(rng.IntN(5))
			}
		}
	}
	return op
}

func numbered(ops []Operation) *History {
	slices.SortStableFunc(ops, func(a, b Operation) int { return int(a.Call - b.Call) })
	for i := range ops {
		ops[i].ID = i + 1
	}
	return &History{Ops: ops}
}

// scramble changes the answers of a few reads to other values of the history.
func scramble(rng *rand.Rand, h *History, times int) {
	for range times {
		op := &h.Ops[rng.IntN(len(h.Ops))]
		other := &h.Ops[rng.IntN(len(h.Ops))]
		switch {
		case op.Outcome != OK:
		case op.Kind == Read && other.Kind.setsWhole():
			op.Out.Value = Some(other.In.Value)
		case op.Kind == Read && other.Kind == Read:
			op.Out.Value = other.Out.Value
		case op.Kind == Read:
			op.Out.Value = Absent
		case op.Kind == other.Kind:
			op.Out = other.Out
		}
	}
}

// bruteForce looks for a linearization by trying every order. It is for histories of a
// handful of operations and knows nothing of zones, ladders or porcupine.
func bruteForce(h *History) bool {
	var ops []*Operation
	for i := range h.Ops {
		if h.Ops[i].Outcome != Failed {
			ops = append(ops, &h.Ops[i])
		}
	}
	return permute(cell{}, ops)
}

func permute(c cell, left []*Operation) bool {
	if !slices.ContainsFunc(left, func(op *Operation) bool { return op.Outcome == OK }) {
		return true // what is left is unknown and may never happen
	}
	for i, op := range left {
		if slices.ContainsFunc(left, func(other *Operation) bool { return other.before(op) }) {
			continue
		}
		next := c
		var clock uint64
		out, answered := next.do(op, 0, &clock)
		out.Version = op.Out.Version
		if op.Outcome == OK && (!answered || out != op.Out) {
			continue
		}
		rest := append(append([]*Operation(nil), left[:i]...), left[i+1:]...)
		if permute(next, rest) {
			return true
		}
	}
	return false
}

func text(t testing.TB, h *History) string {
	t.Helper()
	var b strings.Builder
	if _, err := h.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func sentences(verdicts []Verdict) string {
	var lines []string
	for _, v := range verdicts {
		lines = append(lines, v.String())
	}
	return strings.Join(lines, "\n")
}

func timeOf(ns int64) time.Duration { return time.Duration(ns) }
