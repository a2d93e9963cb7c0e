package linearizability

import (
	"cmp"
	"slices"
	"strconv"
)

// The transaction checker, after Elle (Kingsbury and Alvaro, "Elle: Inferring Isolation
// Anomalies from Experimental Observations", VLDB 2020) for lists that are only appended to.
//
// Each key by itself may be linearizable while a batch over two keys is torn: a reader sees
// one half and not the other. Trying the orders of all batches costs exponential time. But an
// append-only text tells its own history: a read of "1;2;" says that "1;" came first, that
// the reader came after "2;", and before whatever follows it. So draw an arrow between two
// batches wherever one must come before the other:
//
//	ww   its token stands right before the other's in some text      (write, write)
//	wr   the other read its token as the last one                    (write, read)
//	rw   it read a text to which the other's token was added next    (read, write)
//	time it had finished before the other was called
//
// One honest copy that does each batch at an instant gives an order that all arrows follow.
// So a cycle of arrows is a proof that there is no such copy, and its arrows are the reasons:
//
//	        wr: r saw a's token in x
//	  a,b -----------------------------> r        a and b are appends of one batch,
//	   ^                                 |        r one batch that reads x and y
//	   +---------------------------------+
//	        rw: r read y without b
//
// Cycles are found by strongly connected components (Tarjan 1972), in linear time. Arrows of
// the first three sorts are at most a few for each operation, because texts and answers give
// every token its place and only neighbours need one. Those of time would be one for each
// pair; a chain of time nodes replaces them (graph.go).
//
// The names of cycles are Adya's ("Weak Consistency", 1999), as Elle uses them:
//
//	G0        ww only: two batches overwrote each other in turn
//	G1a       a token was seen that belongs to a batch reported as failed
//	G1b       some of a batch was seen and the rest was not: an intermediate state, half a batch
//	G1c       ww and wr: a circle of information
//	G-single  exactly one rw: one batch saw something and missed something older
//	G2-item   more than one rw: each missed what another did
//	...-realtime  the same with the help of time: legal if only order counted, but stale
//	internal  a batch does not agree with itself

// transaction is a batch, or an operation that is alone. Failed operations and reads
// without an answer are in none.
type transaction struct {
	head      *Operation // the first by ID
	call, end int64      // it took effect between its last call and its first answer
	many      bool       // it is a batch of several operations
	happened  bool       // an answer or a reader proves it
}

// micro is an operation of a transaction.
type micro struct {
	op  *Operation
	txn int32
}

// transactions is a history as this checker sees it: only the keys that batches of several
// operations use. The other keys are independent of these, and have checkers of their own.
type transactions struct {
	h     *History
	o     Options
	many  []bool  // which operations are part of batches of several
	keyOf []int32 // of those, the key's number from 1 on
	// scattered says that operations of other batches stand between those of one.
	scattered bool
	index     map[string]int32
	keys      []*versions
	list      []transaction // in order of call
	found     []anomaly
	// former is where in a key's operations each transaction had its last one (checkInternal).
	former []int32
}

// anomaly is a verdict, and whether it could be seen by looking at its key alone.
type anomaly struct {
	verdict Verdict
	local   bool
}

// CheckTransactions checks that each batch of several operations was done as one, at an
// instant between its call and its return (strict serializability), on keys that are only
// appended to, read and evicted and whose tokens can be told apart. Other keys that occur in batches
// are Undecided. Of keys that were lost for sure each generation is checked by itself (lost.go); those that were perhaps lost are left out.
//
// Every violation is one: a cycle of reasons, the shortest that was found. Without violation
// there is an order of all batches that explains every answer, but for the appends of unknown
// outcome that nobody saw: they are taken not to have happened.
func CheckTransactions(h *History, o Options) (verdicts []Verdict) {
	for _, a := range checkTransactions(h, o) {
		verdicts = append(verdicts, a.verdict)
	}
	return verdicts
}

func checkTransactions(h *History, o Options) (found []anomaly) {
	parts := betweenLosses(h, o)
	o.Losses = nil
	for _, part := range parts {
		found = append(found, checkPart(part, o)...)
	}
	return found
}

func checkPart(h *History, o Options) []anomaly {
	t := &transactions{h: h, o: o.withDefaults()}
	if !t.findKeys() {
		return nil
	}
	t.gather()
	t.sort()
	for _, v := range t.keys {
		t.order(v)
	}
	if len(t.found) < t.o.ViolationsMax {
		t.cycles()
	}
	return t.found
}

// findKeys collects the keys of batches of more than one operation.
func (t *transactions) findKeys() bool {
	if !t.measure() {
		return false
	}
	t.index = map[string]int32{}
	t.keyOf = make([]int32, len(t.h.Ops))
	for i, many := range t.many {
		if !many {
			continue
		}
		key := t.h.Ops[i].Key
		k, known := t.index[key]
		if !known {
			k = int32(len(t.keys))
			t.index[key] = k
			t.keys = append(t.keys, &versions{key: key})
		}
		t.keyOf[i] = k + 1
	}
	return len(t.keys) > 0
}

// measure finds out which operations are part of batches of several. Batches mostly stand
// together, with growing numbers; then no table of them is needed.
func (t *transactions) measure() (any bool) {
	ops, last := t.h.Ops, 0
	for i := 0; i < len(ops); {
		end := i + 1
		for ; end < len(ops) && ops[end].Batch == ops[i].Batch; end++ {
		}
		if batch := ops[i].Batch; batch != 0 {
			if t.many == nil {
				t.many = make([]bool, len(ops))
			}
			t.scattered = t.scattered || batch <= last
			last = batch
			for j := i; j < end; j++ {
				t.many[j] = end-i > 1
			}
		}
		i = end
	}
	if t.scattered {
		sizes := map[int]int{}
		for i := range ops {
			sizes[ops[i].Batch]++
		}
		for i := range ops {
			t.many[i] = ops[i].Batch != 0 && sizes[ops[i].Batch] > 1
		}
	}
	return t.many != nil
}

// gather makes the transactions and deals their operations out to the keys.
func (t *transactions) gather() {
	byBatch := map[int]int32{}
	t.list = make([]transaction, 0, len(t.h.Ops)/4)
	batch, txn := 0, int32(0)
	for i := range t.h.Ops {
		op := &t.h.Ops[i]
		k, used := t.keyOf[i]-1, true
		if k < 0 {
			k, used = t.index[op.Key]
		}
		switch {
		case !used || op.Kind == Read && op.Outcome != OK:
			continue
		case op.Outcome == Failed:
			t.keys[k].failed = append(t.keys[k].failed, op)
			continue
		}
		if op.Batch == 0 || op.Batch != batch {
			batch, txn = op.Batch, t.begin(op, t.many[i], byBatch)
		}
		t.list[txn].add(op)
		t.keys[k].ops = append(t.keys[k].ops, micro{op, txn})
	}
}

// begin finds the transaction that an operation is part of, or makes it.
func (t *transactions) begin(op *Operation, many bool, byBatch map[int]int32) int32 {
	lookedUp := t.scattered && many
	if txn, begun := byBatch[op.Batch]; lookedUp && begun {
		return txn
	}
	txn := int32(len(t.list))
	t.list = append(t.list, transaction{head: op, call: op.Call, end: Open, many: many})
	if lookedUp {
		byBatch[op.Batch] = txn
	}
	return txn
}

func (txn *transaction) add(op *Operation) {
	txn.call = max(txn.call, op.Call)
	if op.Outcome == OK {
		txn.end, txn.happened = min(txn.end, op.Return), true
	}
}

// sort puts the transactions into the order of their calls and the keys into theirs.
func (t *transactions) sort() {
	slices.SortFunc(t.keys, func(a, b *versions) int { return cmp.Compare(a.key, b.key) })
	for i, v := range t.keys {
		v.number = int32(i)
	}
	byCall := func(a, b int32) int {
		if c := cmp.Compare(t.list[a].call, t.list[b].call); c != 0 {
			return c
		}
		return cmp.Compare(a, b)
	}
	order := make([]int32, len(t.list))
	for i := range order {
		order[i] = int32(i)
	}
	if slices.IsSortedFunc(order, byCall) {
		return
	}
	slices.SortFunc(order, byCall)
	sorted, place := make([]transaction, len(order)), make([]int32, len(order))
	for to, from := range order {
		sorted[to], place[from] = t.list[from], int32(to)
	}
	t.list = sorted
	for _, v := range t.keys {
		for i := range v.ops {
			v.ops[i].txn = place[v.ops[i].txn]
		}
	}
}

// order finds the order of a key's tokens, or says why there is none.
func (t *transactions) order(v *versions) {
	switch v.build(t.list) {
	case ordered:
		t.checkInternal(v)
		return
	case foreign:
		t.undecided(v, "batches use the key for "+kindsOf(v.operations())+", but only batches of reads and appends can be judged")
	case unversioned:
		t.undecided(v, "the key was evicted, and some answers do not tell versions, which alone would say what came before and what after it")
	case ambiguous:
		t.undecided(v, "appends of unknown outcome were seen that cannot be told apart by their text: append tokens that are unique and none a prefix of another")
	case aborted:
		t.report(v.abortedRead(t), v.culprit.Batch == 0)
	case torn:
		t.contradicted(v)
	}
	v.ops, v.list = nil, nil
}

// contradicted lets the append checker say why a key's texts and answers give no one order.
func (t *transactions) contradicted(v *versions) {
	k := KeyHistory{Key: v.key}
	for i := range t.h.Ops {
		if t.h.Ops[i].Key == v.key {
			k.Ops = append(k.Ops, &t.h.Ops[i])
		}
	}
	slices.SortFunc(k.Ops, byCall)
	found, _, _ := CheckAppend(k, t.o)
	if len(found) == 0 {
		t.undecided(v, "the texts that were read and the lengths that were answered give no one order of the tokens")
	}
	for _, f := range found {
		f.Oracle = OracleTransaction
		f.Sentence = "no one order of the tokens: " + f.Sentence
		t.report(f, true)
	}
}

func (t *transactions) report(v Verdict, local bool) {
	if len(t.found) < t.o.ViolationsMax {
		t.found = append(t.found, anomaly{v, local})
	}
}

func (t *transactions) undecided(v *versions, why string) {
	t.found = append(t.found, anomaly{undecided(OracleTransaction, KeyHistory{Key: v.key}, why), false})
}

// checkInternal: nothing comes between the operations of a batch, so each finds the key as
// the one before it left it.
func (t *transactions) checkInternal(v *versions) {
	if t.former == nil {
		t.former = make([]int32, len(t.list))
	}
	for i, m := range v.all {
		if !t.list[m.txn].many {
			continue
		}
		f := int(t.former[m.txn]) // left by another key it is no place of this transaction before i
		t.former[m.txn] = int32(i)
		if f >= i || v.all[f].txn != m.txn {
			continue
		}
		before := v.all[f].op
		if before.Outcome != OK || m.op.Outcome != OK || lengthAfter(before) == lengthBefore(m.op) {
			continue
		}
		t.report(violation(OracleTransaction, KeyHistory{Key: v.key}, "internal: "+who(m.op)+" "+answer(m.op)+", so it found "+
			strconv.FormatInt(lengthBefore(m.op), 10)+" bytes, but "+deed(before)+" of the same batch, right before it, left "+
			strconv.FormatInt(lengthAfter(before), 10)+": something came between", m.op, before), false)
	}
}

func lengthAfter(op *Operation) int64 {
	if op.Kind == Append {
		return op.Out.Number
	}
	return int64(len(op.Out.Value.Text))
}

func lengthBefore(op *Operation) int64 {
	if op.Kind == Append {
		return op.Out.Number - int64(len(op.In.Value))
	}
	return int64(len(op.Out.Value.Text))
}
