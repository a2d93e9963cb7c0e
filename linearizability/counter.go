package linearizability

import (
	"slices"
	"sort"
	"strconv"
)

// CheckCounter checks a key that is only incremented and read, and evicted: every acknowledged increment
// counts exactly once, every unknown one at most once, failed ones never.
//
// Any deltas: what a read returned lies between the sum of what it must have seen and the
// sum of what it may have seen. Positive deltas: also the exact order, see ladder. exact
// says that nothing remains for the model checker: without violations the key is
// linearizable. ok is false, and nothing is checked, if there are other kinds.
func CheckCounter(k KeyHistory, o Options) (verdicts []Verdict, exact, ok bool) {
	c := counter{k: k, growing: true}
	if !c.sort() {
		return nil, false, false
	}
	c.lostUntil, c.lossy = o.goneUntil(k)
	o = o.withDefaults()
	for _, read := range c.reads {
		if v, wrong := c.checkSum(read); wrong && len(verdicts) < o.ViolationsMax {
			verdicts = append(verdicts, v)
		}
	}
	if len(verdicts) > 0 {
		return verdicts, true, true
	}
	if !c.growing {
		return nil, false, true
	}
	l, ok := c.ladder()
	if !ok {
		return nil, false, true
	}
	v, wrong, exact := l.climb()
	if _, declared := o.lostUntil(k.Key); wrong && declared {
		return nil, false, true // the loss may be the reason
	}
	if wrong {
		verdicts = append(verdicts, v)
	}
	return verdicts, exact, true
}

// counter is the history of a key that is only incremented and read.
type counter struct {
	k         KeyHistory
	acked     []*Operation // by return
	all       []*Operation // acknowledged and unknown, by call
	reads     []*Operation
	growing   bool // every delta is positive
	lossy     bool // a declared loss covers the key, or it was evicted, until
	lostUntil int64

	mustSum, mustNegative, mayPositive, mayNegative []int64 // prefix sums over acked, acked, all, all
}

func (c *counter) sort() bool {
	for _, op := range c.k.Ops {
		if op.Kind != Read && op.Kind != Increment && op.Kind != Evict && op.Outcome != Failed {
			return false
		}
		switch {
		case op.Outcome == Failed:
			continue
		case op.Kind == Read && op.Outcome == OK:
			c.reads = append(c.reads, op)
		case op.Kind == Increment:
			c.growing = c.growing && op.In.Delta > 0 && op.Out.Number-op.In.Delta < op.Out.Number
			c.all = append(c.all, op)
			if op.Outcome == OK {
				c.acked = append(c.acked, op)
			}
		}
	}
	slices.SortFunc(c.acked, byReturn)
	c.sums()
	return true
}

func (c *counter) sums() {
	c.mustSum, c.mustNegative = []int64{0}, []int64{0}
	for i, op := range c.acked {
		c.mustSum = append(c.mustSum, c.mustSum[i]+op.In.Delta)
		c.mustNegative = append(c.mustNegative, c.mustNegative[i]+min(op.In.Delta, 0))
	}
	c.mayPositive, c.mayNegative = []int64{0}, []int64{0}
	for i, op := range c.all {
		c.mayPositive = append(c.mayPositive, c.mayPositive[i]+max(op.In.Delta, 0))
		c.mayNegative = append(c.mayNegative, c.mayNegative[i]+min(op.In.Delta, 0))
	}
}

// checkSum compares what a read returned with the increments that must and that may have
// come before it.
func (c *counter) checkSum(read *Operation) (v Verdict, wrong bool) {
	if v, wrong = c.checkLost(read, OracleCounter); wrong {
		return v, true
	}
	got, _ := number(read.Out.Value)
	_, high := c.bounds(read)
	musts, _ := c.counts(read)
	switch {
	case got > high:
		return violation(OracleCounter, c.k, who(read)+" "+answer(read)+", but all increments called by then, those of unknown outcome included, bring it to "+
			strconv.FormatInt(high, 10)+" at most: an increment was applied twice, or one that was reported as failed was applied", read), true
	case got == 0 && read.Out.Value.Found && c.growing:
		return violation(OracleCounter, c.k, who(read)+" "+answer(read)+", but nothing ever left 0 there: the key is absent until its first increment", read), true
	case !read.Out.Value.Found && musts > 0 && !c.lossy:
		return violation(OracleCounter, c.k, who(read)+" "+answer(read)+", but "+evidence(c.acked[musts-1])+" "+
			seconds(read.Call-c.acked[musts-1].Return)+" before it began", read, c.acked[musts-1]), true
	}
	return v, false
}

// checkLost is the half of checkSum that durability asks for as well.
func (c *counter) checkLost(read *Operation, oracle string) (v Verdict, wrong bool) {
	got, isNumber := number(read.Out.Value)
	if !isNumber {
		return violation(oracle, c.k, who(read)+" "+answer(read)+", but the key is only incremented", read), true
	}
	if low, _ := c.bounds(read); got < low {
		musts, _ := c.counts(read)
		return violation(oracle, c.k, who(read)+" "+answer(read)+", but the "+count(musts, "increment")+" acknowledged before it began add up to "+
			strconv.FormatInt(c.mustSum[musts], 10)+" and the value could not be less than "+strconv.FormatInt(low, 10)+": an acknowledged increment was lost", read), true
	}
	return v, false
}

// counts says how many increments had been acknowledged before a read began (the first of
// acked), and how many had been called by the time it returned (the first of all).
func (c *counter) counts(read *Operation) (musts, mays int) {
	musts = sort.Search(len(c.acked), func(i int) bool { return c.acked[i].Return >= read.Call })
	mays = sort.Search(len(c.all), func(i int) bool { return c.all[i].Call > read.Return })
	return musts, mays
}

// bounds are the least and the most that a read may return.
func (c *counter) bounds(read *Operation) (low, high int64) {
	if c.lossy {
		return c.boundsAfterLoss(read)
	}
	musts, mays := c.counts(read)
	low = c.mustSum[musts] + c.mayNegative[mays] - c.mustNegative[musts]
	high = c.mustNegative[musts] + c.mayPositive[mays]
	return low, high
}

// boundsAfterLoss is for a key that may have been lost: only increments called after the
// loss must still be there, any earlier ones may be missing.
func (c *counter) boundsAfterLoss(read *Operation) (low, high int64) {
	for _, op := range c.all {
		if op.Call > read.Return {
			break
		}
		if op.acknowledged() && op.before(read) && op.Call > c.lostUntil {
			low, high = low+op.In.Delta, high+op.In.Delta
			continue
		}
		low, high = low+min(op.In.Delta, 0), high+max(op.In.Delta, 0)
	}
	return low, high
}

// ladder is not ok if there are evictions and somebody was not told a version.
func (c *counter) ladder() (l *ladder, ok bool) {
	l = &ladder{k: c.k, oracle: OracleCounter, noun: "value"}
	eras, ok := erasOf(c.k)
	if !ok {
		return nil, false
	}
	parts := make([][]rung, len(eras.ends)+1)
	add := func(op *Operation, from, to int64) {
		switch era := eras.of(op); era {
		case unplaced:
			ok = false
		case explained:
		default:
			parts[era] = append(parts[era], rung{op: op, from: from, to: to})
		}
	}
	var spare []*Operation
	for _, op := range c.all {
		if op.Outcome == OK {
			add(op, op.Out.Number-op.In.Delta, op.Out.Number)
		} else {
			spare = append(spare, op)
		}
	}
	for _, op := range c.reads {
		n, _ := number(op.Out.Value)
		add(op, n, n)
	}
	l.stack(parts, eras.ends)
	l.setSpare(spare, func(op *Operation) int64 { return op.In.Delta })
	return l, ok
}
