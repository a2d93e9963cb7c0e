package sim

import (
	"slices"
	"strconv"

	"torc/linearizability"
)

// family is a few keys of one slot, on which clients append and read in atomic batches: a batch of
// writes on one shard is one entry of its log, a batch of reads one look at its state. Nobody may
// ever see half of one. The checker (linearizability.CheckTransactions, after Elle) looks for cycles.
type family struct {
	number  int
	edition int
	left    int // batches until the next family takes over
	keys    []string
}

const (
	familyKeys      = 3
	familyBatches   = 80
	transactionRate = 800 // ten-thousandths of a session client's calls, when there are families
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

// transaction draws an atomic batch: appends to several keys of a family, or reads of them.
func (l *workload) transaction(c *client) (ops []operation) {
	f := l.families[c.rand.IntN(len(l.families))]
	if f.left--; f.left < 0 {
		l.renewFamily(f)
	}
	keys := slices.Clone(f.keys)
	if c.rand.Bool() {
		keys = slices.Delete(keys, 0, 1)
	}
	reads := c.rand.Chance(5000)
	for _, key := range keys {
		op := operation{Op: Op{Kind: linearizability.Read, Key: key}}
		if !reads {
			op.Kind, op.In.Value = linearizability.Append, l.value()+";"
		}
		ops = append(ops, op)
	}
	return ops
}

// invokeBatch records that an atomic batch begins.
func (l *workload) invokeBatch(c *client, ops []operation) {
	calls := make([]linearizability.Call, len(ops))
	for i := range ops {
		calls[i] = linearizability.Call{Kind: ops[i].Kind, Key: ops[i].Key, In: ops[i].In}
	}
	first := l.record.InvokeBatch(c.index+1, l.w.now, calls)
	for i := range ops {
		ops[i].number = first + i
	}
}
