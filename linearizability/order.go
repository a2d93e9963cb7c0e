package linearizability

import (
	"cmp"
	"slices"
	"sort"
	"strconv"
)

// CheckWriteOrder checks the two session guarantees of Terry et al. (1994) that concern the
// order in which others see a client's writes, on all keys that have only reads and writes of
// unique values:
//
//   - monotonic writes: who has seen a client's later write sees its earlier ones too;
//   - writes follow reads: who has seen a client's write also sees what that client had seen
//     before it wrote.
//
// "Sees" is asked of the observer's later reads, of any key: they may not return a value that
// is older than the one in question. As for CheckSession, a write is older than another if it
// had returned when the other was called, and absence is older than any write. So whatever is
// found here breaks linearizability of the key that was read, too; the use of this checker is
// the story: whose writes were seen in the wrong order, and by whom.
func CheckWriteOrder(h *History, o Options) []Verdict {
	return checkWriteOrder(h.ByKey(), o, func(string) bool { return true })
}

// checkWriteOrder looks at reads of suspect keys. Keys that a declared loss covers are left out.
func checkWriteOrder(keys []KeyHistory, o Options, suspect func(key string) bool) (verdicts []Verdict) {
	w := writeOrder{writers: map[string]map[string]*Operation{}, past: map[author][]sight{}, suspect: suspect}
	for _, k := range keys {
		writers, ok := uniqueWriters(k)
		if !ok || len(o.lossesOf(k.Key)) > 0 {
			continue
		}
		w.writers[k.Key] = writers
		w.ops = append(w.ops, k.Ops...)
	}
	o = o.withDefaults()
	w.remember()
	for _, ops := range byClient(KeyHistory{Ops: w.ops}) {
		slices.SortFunc(ops, byCall)
		for _, v := range w.observer(ops) {
			if len(verdicts) < o.ViolationsMax {
				verdicts = append(verdicts, v)
			}
		}
	}
	return verdicts
}

// writeOrder is what each client had written and seen, and when.
type writeOrder struct {
	ops     []*Operation
	writers map[string]map[string]*Operation // by key and value
	past    map[author][]sight
	suspect func(key string) bool
}

// author is a client and a key.
type author struct {
	client int
	key    string
}

// sight is a write that a client made or saw. The latest-called write among a client's
// operations on a key that had returned by some time is its floor at that time.
type sight struct {
	by    *Operation // the client's own operation: the write itself, or the read that saw it
	write *Operation
}

// remember collects the floors of all clients on suspect keys, in order of return.
func (w *writeOrder) remember() {
	for _, op := range w.ops {
		if op.Outcome != OK || !w.suspect(op.Key) {
			continue
		}
		if write := writeBehind(op, w.writers[op.Key]); write != nil {
			a := author{op.Client, op.Key}
			w.past[a] = append(w.past[a], sight{op, write})
		}
	}
	for _, list := range w.past { // in any order: each list by itself
		slices.SortFunc(list, func(x, y sight) int { return byReturn(x.by, y.by) })
		for i := 1; i < len(list); i++ {
			if list[i].write.Call <= list[i-1].write.Call {
				list[i] = list[i-1] // the newest so far
			}
		}
	}
}

// floor is the newest write on a key that a client had surely made or seen before a time.
func (w *writeOrder) floor(client int, key string, before int64) (s sight, known bool) {
	list := w.past[author{client, key}]
	n := sort.Search(len(list), func(i int) bool { return list[i].by.Return >= before })
	if n == 0 {
		return s, false
	}
	return list[n-1], true
}

// seen is a foreign write that an observer saw, and the read that showed it.
type seen struct{ read, write *Operation }

// observer walks a client's operations in order of call, and keeps the latest write of each
// other client that it has seen.
func (w *writeOrder) observer(ops []*Operation) (verdicts []Verdict) {
	returned := slices.Clone(ops)
	slices.SortFunc(returned, byReturn)
	var known []seen // by the writing client
	for _, op := range ops {
		for len(returned) > 0 && returned[0].before(op) {
			known = w.learn(known, returned[0])
			returned = returned[1:]
		}
		if op.Kind != Read || !w.suspect(op.Key) {
			continue
		}
		if v, wronged := w.judge(op, known); wronged {
			verdicts = append(verdicts, v)
		}
	}
	return verdicts
}

func (w *writeOrder) learn(known []seen, read *Operation) []seen {
	write := writeBehind(read, w.writers[read.Key])
	if read.Kind != Read || write == nil || write.Client == read.Client || write.Call > read.Return {
		return known
	}
	i, again := slices.BinarySearchFunc(known, write.Client, func(s seen, client int) int { return cmp.Compare(s.write.Client, client) })
	switch {
	case !again:
		return slices.Insert(known, i, seen{read, write})
	case known[i].write.Call < write.Call:
		known[i] = seen{read, write}
	}
	return known
}

// judge finds the newest floor that a read should have respected and did not.
func (w *writeOrder) judge(op *Operation, known []seen) (v Verdict, wronged bool) {
	got := writeBehind(op, w.writers[op.Key])
	if got == nil && op.Out.Value.Found {
		return v, false // a value that nobody wrote is the register checker's affair
	}
	var floor sight
	var source seen
	for _, s := range known {
		f, any := w.floor(s.write.Client, op.Key, s.write.Call)
		if any && (floor.write == nil || f.write.Call > floor.write.Call) {
			floor, source = f, s
		}
	}
	if floor.write == nil || got != nil && !got.before(floor.write) {
		return v, false
	}
	s := who(op) + " " + answer(op) + ", but the same client's " + evidence(source.read) + " in " + quoted(source.read.Key) + ", which client " +
		strconv.Itoa(source.write.Client)
	if floor.by == floor.write {
		s += " wrote after its own " + deed(floor.write) + " had been acknowledged: its writes were seen in the wrong order (monotonic writes)"
	} else {
		s += " wrote after its " + evidence(floor.by) + ": the write was seen without what it followed (writes follow reads)"
	}
	return violation(OracleSession, KeyHistory{Key: op.Key}, s, distinct(op, source.read, source.write, floor.by, floor.write, got)...), true
}
