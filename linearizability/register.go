package linearizability

import (
	"cmp"
	"math"
	"slices"
)

// The register checker.
//
// If no two writes write the same value, each read names the write it saw. A write and its
// reads form a cluster; in a linearization a cluster's operations stand together, the write
// first. So the question is only whether the clusters can be put in an order. Let
//
//	f = the earliest return in the cluster      s = the latest call in the cluster
//
// Cluster A must come before B as soon as one of A's operations returned before one of B's
// was called, that is, if f(A) < s(B). Both ways at once is a contradiction, and Gibbons and
// Korach ("Testing Shared Memories", SIAM J. Comput. 26(4), 1997, section 4) show that
// contradictions between two clusters are the only ones. In pictures: a cluster with f < s
// holds its value through the whole forward zone [f, s]; one with s <= f needs just an
// instant in its backward zone [s, f]. A history is linearizable exactly if
//
//  1. every read has a write, which was not called after the read returned,
//  2. no two forward zones overlap, and
//  3. no backward zone lies strictly inside a forward zone.
//
// All of it is sorting: O(n log n).
//
// The initial absence is a cluster whose write returned before everything. A write of
// unknown outcome has no return: unread, its zone [call, for ever] lies inside no other, so
// it is as if it never happened; read, it is a write with an open end. A failed write is
// nobody's cluster, and a read of its value is an error of its own.
//
// An eviction begins an absence that is a cluster of its own, with the reads that found nothing between it and the
// next one; and it is the last sight of the value that it removed.

// cluster is one value: its write and the reads that returned it.
type cluster struct {
	write *Operation // nil for the initial absence, and for an absence that stands alone; of a later absence its eviction
	first *Operation // has the earliest return
	last  *Operation // has the latest call
	f, s  int64
	lone  bool // an absence of unknown cause: a read that found nothing, or a delete
	lost  bool // a lone one: a sure loss, which no operation shows
}

const beginning int64 = math.MinInt64

func (c *cluster) forward() bool { return c.f < c.s }

// add puts an operation into the cluster.
func (c *cluster) add(op *Operation) {
	if op.Return < c.f {
		c.first, c.f = op, op.Return
	}
	if op.Call > c.s {
		c.last, c.s = op, op.Call
	}
}

// registers is a key's history as clusters.
type registers struct {
	k        KeyHistory
	clusters []cluster
	byValue  map[string]int32
	failed   map[string]*Operation
	orphans  []Verdict // reads that belong to no cluster
	eras     eras
	absences []int32          // by era: the absence that it begins with
	versions map[uint64]int32 // where there are evictions: clusters by the version of their value
}

// CheckRegister checks a key whose operations are reads, writes and evictions, no two writes (but
// failed ones) with the same value, for linearizability. It decides exactly, at any length
// and concurrency. ok is false if the history is not of that sort; then nothing is checked.
func CheckRegister(k KeyHistory, o Options) (verdicts []Verdict, ok bool) {
	return checkZones(k, o, false)
}

// checkZones is the register checker. With lone set, an absence may have causes that the
// history does not show (expiry, a delete), so every sight of it stands alone: what remains
// is sound but no longer complete. It still finds a value that comes back after it was gone.
func checkZones(k KeyHistory, o Options, lone bool) (verdicts []Verdict, ok bool) {
	o = o.withDefaults()
	r := registers{k: k}
	if !r.addWrites(lone) || !lone && !r.addAbsences() {
		return nil, false
	}
	r.addReads(lone)
	r.addEvictions()
	if lone {
		r.addLosses(o)
	}
	found := r.conflicts(o.ViolationsMax)
	verdicts = append(r.orphans, found...)
	return verdicts[:min(len(verdicts), o.ViolationsMax)], true
}

// addWrites makes the clusters and reports whether the values are unique and the kinds known.
func (r *registers) addWrites(lone bool) bool {
	r.byValue = make(map[string]int32, len(r.k.Ops)/2)
	r.clusters = make([]cluster, 0, len(r.k.Ops)/2+1)
	if !lone {
		r.clusters = append(r.clusters, cluster{f: beginning, s: beginning})
	}
	for _, op := range r.k.Ops {
		switch {
		case op.Kind == Read || op.Kind == Evict || lone && (op.Kind == Delete || op.Kind == Touch):
			continue
		case op.Outcome == Failed:
			if r.failed == nil {
				r.failed = make(map[string]*Operation)
			}
			if op.Kind.setsWhole() {
				r.failed[op.In.Value] = op
			}
			continue
		case op.Kind != Write || op.In.TTL != 0 && !lone:
			return false
		}
		if _, twice := r.byValue[op.In.Value]; twice {
			return false
		}
		r.byValue[op.In.Value] = int32(len(r.clusters))
		r.clusters = append(r.clusters, cluster{write: op, first: op, last: op, f: op.Return, s: op.Call})
	}
	return true
}

// addAbsences makes a cluster of what each eviction leaves. It is not ok if nobody can say in which order they came.
func (r *registers) addAbsences() (ok bool) {
	r.eras, ok = erasOf(r.k)
	r.absences = append(r.absences, 0)
	for _, op := range r.eras.ends {
		r.absences = append(r.absences, int32(len(r.clusters)))
		r.clusters = append(r.clusters, cluster{write: op, first: op, last: op, f: op.Return, s: op.Call})
	}
	if len(r.eras.ends) > 0 {
		r.versions = map[uint64]int32{}
	}
	return ok
}

// addEvictions shows each eviction the value that it removed, if anybody knows which that was.
func (r *registers) addEvictions() {
	for _, op := range r.eras.ends {
		if i, known := r.versions[op.In.Version]; known {
			r.clusters[i].add(op)
		}
	}
}

// addLosses makes an absence that stands alone of each sure loss: what was there before it does not come back.
func (r *registers) addLosses(o Options) {
	for _, loss := range o.lossesOf(r.k.Key) {
		if loss.Sure {
			op := absenceOf(loss)
			r.clusters = append(r.clusters, cluster{first: op, last: op, f: loss.To, s: loss.From, lone: true, lost: true})
		}
	}
}

// absenceOf stands for what a sure loss leaves. It is no operation of the history.
func absenceOf(loss Loss) *Operation {
	return &Operation{Kind: Delete, Call: loss.From, Return: loss.To}
}

func (r *registers) addReads(lone bool) {
	for _, op := range r.k.Ops {
		switch {
		case op.Outcome != OK:
			continue
		case op.Kind == Read && op.Out.Value.Found:
			r.addRead(op)
		case lone && (op.Kind == Delete || op.Kind == Read || op.Kind == Evict):
			r.clusters = append(r.clusters, cluster{first: op, last: op, f: op.Return, s: op.Call, lone: true})
		case op.Kind == Read:
			if era := r.eras.of(op); era >= 0 {
				r.clusters[r.absences[era]].add(op)
			}
		case op.Kind == Write && r.versions != nil && op.Out.Version != 0:
			r.versions[op.Out.Version] = r.byValue[op.In.Value]
		}
	}
}

func (r *registers) addRead(op *Operation) {
	i, written := r.byValue[op.Out.Value.Text]
	if !written {
		r.orphans = append(r.orphans, orphan(r.k, op, r.failed[op.Out.Value.Text]))
		return
	}
	c := &r.clusters[i]
	if op.Return < c.write.Call {
		r.orphans = append(r.orphans, violation(OracleRegister, r.k, who(op)+" "+answer(op)+", but "+
			deed(c.write)+" was only called "+seconds(c.write.Call-op.Return)+" later", op, c.write))
		return
	}
	c.add(op)
	if r.versions != nil && op.Out.Version != 0 {
		r.versions[op.Out.Version] = i
	}
}

// orphan accuses a read of a value that nobody wrote, or only a write that failed.
func orphan(k KeyHistory, op, failed *Operation) Verdict {
	if failed != nil {
		return violation(OracleRegister, k, who(op)+" "+answer(op)+", but "+deed(failed)+
			" had been reported as failed: a failed write must never be seen", op, failed)
	}
	return violation(OracleRegister, k, who(op)+" "+answer(op)+", but nobody ever wrote that value", op)
}

// conflicts finds clusters that must each come before the other.
func (r *registers) conflicts(most int) (verdicts []Verdict) {
	var zones []*cluster
	for i := range r.clusters {
		if r.clusters[i].forward() {
			zones = append(zones, &r.clusters[i])
		}
	}
	slices.SortFunc(zones, func(a, b *cluster) int {
		if a.f != b.f {
			return cmp.Compare(a.f, b.f)
		}
		return cmp.Compare(a.last.ID, b.last.ID)
	})
	reach := make([]*cluster, len(zones)) // the zone that ends last among zones[0..i]
	for i, z := range zones {
		reach[i] = z
		if i == 0 {
			continue
		}
		reach[i] = reach[i-1]
		if z.f < reach[i-1].s && len(verdicts) < most {
			verdicts = append(verdicts, r.contradiction(reach[i-1], z))
		}
		if z.s > reach[i-1].s {
			reach[i] = z
		}
	}
	for i := range r.clusters {
		b := &r.clusters[i]
		if b.forward() || b.last == nil || len(verdicts) >= most {
			continue
		}
		n, _ := slices.BinarySearchFunc(zones, b.s, func(z *cluster, s int64) int { return cmp.Compare(z.f, s) })
		if n > 0 && b.f < reach[n-1].s {
			verdicts = append(verdicts, r.contradiction(reach[n-1], b))
		}
	}
	return verdicts
}

// contradiction words why a and b must each come before the other: f(a) < s(b), f(b) < s(a).
func (r *registers) contradiction(a, b *cluster) Verdict {
	stale, fresh := a, b
	if b.olderThan(a) {
		stale, fresh = b, a
	}
	accused, proof := stale.last, fresh.first
	shows := evidence(proof)
	if fresh.lost {
		shows, proof = "what the key held had been declared lost", nil
	}
	s := who(accused) + " " + answer(accused) + ", but " + shows + " " + seconds(accused.Call-fresh.f) + " before it began"
	switch {
	case stale.isInitial():
		s += " and nothing deleted the key"
	case fresh.lone:
		s += ", after " + shown(stale.write.In.Value) + " was in place, and nothing wrote " + shown(stale.write.In.Value) + " again: what was gone came back"
	case stale.write.Kind == Evict:
		s += " and nothing removed the key after it"
	case stale.write.before(fresh.write):
		s += " and nothing wrote " + shown(stale.write.In.Value) + " after it"
	default:
		s += ", and " + shown(stale.write.In.Value) + " is the older value: " + evidence(stale.first) + " by " +
			seconds(stale.f) + ", before " + deed(fresh.last) + " began at " + seconds(fresh.s)
	}
	witnesses := []*Operation{accused, proof, stale.first, fresh.last, stale.write, fresh.write}
	if fresh.lost {
		witnesses[3] = nil
	}
	return violation(OracleRegister, r.k, s, distinct(witnesses...)...)
}

// olderThan chooses which of two contradicting clusters is called the stale one. The latest
// call of that one is always a read, so there is a read to accuse: were it the write, the
// other cluster would have returned before its own write was called, and addRead would have
// found that.
func (c *cluster) olderThan(d *cluster) bool {
	switch {
	case c.lone || d.isInitial():
		return false
	case c.isInitial():
		return true
	}
	return c.write.before(d.write) || !d.write.before(c.write) && d.last.Kind == Write
}

func (c *cluster) isInitial() bool { return c.write == nil && !c.lone }

// distinct drops nils and repetitions, keeping the order.
func distinct(ops ...*Operation) (list []*Operation) {
	for _, op := range ops {
		if op != nil && !slices.Contains(list, op) {
			list = append(list, op)
		}
	}
	return list
}
