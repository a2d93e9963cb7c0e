package sim

import (
	"slices"
	"strconv"

	"torc/linearizability"
)

// family is a few keys of one slot, on which clients append and read in atomic batches: a batch that
// writes is one request in its shard's log, a batch of reads one look at its state. Nobody may
// ever see half of one. The checker (linearizability.CheckTransactions, after Elle) looks for cycles.
//
// A guarded batch is done only if its keys still have the versions that were read last (wire.OpGuard). What was read with a version is known, so
// to the history each guard that was met is a read at the instant of its batch, and one that is not met makes the batch one that failed.
type family struct {
	number  int
	edition int
	left    int // batches until the next family takes over
	keys    []string
}

const (
	familyKeys      = 3
	familyBatches   = 80
	transactionRate = 800 // ten-thousandths of a client's calls, when there are families
)

// renewFamily puts fresh keys into use.
func (l *workload) renewFamily(f *family) {
	f.edition++
	f.left = familyBatches/2 + l.rand.IntN(familyBatches)
	tag := "{x" + strconv.Itoa(f.number) + "." + strconv.Itoa(f.edition) + "}"
	f.keys = f.keys[:0:0]
	for i := range familyKeys {
		f.keys = append(f.keys, tag+string(rune('a'+i)))
	}
}

// transaction draws an atomic batch on several keys of a family: reads, appends, some of both, or appends that are guarded.
func (l *workload) transaction(c *client) (ops []operation) {
	f := l.families[c.rand.IntN(len(l.families))]
	if f.left--; f.left < 0 {
		l.renewFamily(f)
	}
	keys := slices.Clone(f.keys)
	if c.rand.Bool() {
		keys = slices.Delete(keys, 0, 1)
	}
	read := func(key string) operation { return operation{Op: Op{Kind: linearizability.Read, Key: key}} }
	add := func(key string) operation {
		return operation{Op: Op{Kind: linearizability.Append, Key: key, In: linearizability.Input{Value: l.value() + ";"}}}
	}
	switch roll := c.rand.IntN(100); {
	case roll < 45:
		return each(keys, read)
	case roll < 65:
		return each(keys, add)
	case roll < 80:
		return append(each(keys, read), add(keys[0]))
	}
	guard := func(key string) operation { return operation{Op: Op{Kind: linearizability.Read, Key: key, Seen: true}} }
	return append(each(keys, guard), each(keys, add)...)
}

func each(keys []string, make func(string) operation) (ops []operation) {
	for _, key := range keys {
		ops = append(ops, make(key))
	}
	return ops
}

// guarded reports whether one of a batch's operations is a guard.
func guarded(ops []operation) bool {
	return slices.ContainsFunc(ops, func(op operation) bool { return op.guard() })
}

// sight is what somebody read of a key.
type sight struct {
	version uint64
	value   linearizability.Value
}

// invokeBatch records that an atomic batch begins.
func (l *workload) invokeBatch(c *client, ops []operation) {
	calls := make([]linearizability.Call, len(ops))
	for i := range ops {
		calls[i] = linearizability.Call{Kind: ops[i].Kind, Key: ops[i].Key, In: ops[i].told()}
	}
	first := l.record.InvokeBatch(c.index+1, l.w.now, calls)
	for i := range ops {
		ops[i].number = first + i
	}
}
