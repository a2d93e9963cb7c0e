package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"torc/core/trace"
	"torc/core/wire"
	"torc/linearizability"
)

// Oracle names a belief that a run is judged by, with the letters of the gallery of planted
// bugs.
type Oracle byte

// The oracles.
const (
	OracleLinearizable Oracle = 'L' // per key, one honest copy could have given the answers
	OracleOnce         Oracle = 'A' // a retry never applies twice
	OracleDurability   Oracle = 'D' // what was acknowledged is there in the end
	OracleState        Oracle = 'S' // replicas are equal at equal applied index
	OracleRaft         Oracle = 'I' // one leader per term, indexes never go back, majorities overlap
	OracleSanity       Oracle = 'N' // no panic, bounded memory, one answer per call
	OracleLiveness     Oracle = 'V' // after heal, and where a majority is connected, there is progress
	OracleTTL          Oracle = 'T' // nothing is served after its expiry or lost before it
	OracleSession      Oracle = 'G' // each client sees its own writes, and never an older value than before
	OracleBatch        Oracle = 'B' // what is said of each operation of a batch is true (batch.go)
	OracleRing         Oracle = 'R' // one cluster, one map under each epoch (ring.go), and no more of them than needed
	OracleQuality      Oracle = 'Q' // retries, breakers and leases keep within their bounds (quality.go, leases.go)
	OracleExpectation  Oracle = 'E' // a script's operations come to what it says
)

func (o Oracle) String() string { return string(o) }

// meanings is what a violation of an oracle says, in words.
var meanings = []struct {
	oracle  Oracle
	meaning string
}{
	{OracleLinearizable, "some answers cannot come from one honest copy of the data"},
	{OracleOnce, "an effect was applied twice, or an acknowledged effect is missing"},
	{OracleDurability, "something acknowledged is gone"},
	{OracleState, "two replicas differ at the same point of the log"},
	{OracleRaft, "consensus itself broke"},
	{OracleSanity, "a node failed its own checks"},
	{OracleLiveness, "the cluster did not serve when it should"},
	{OracleTTL, "a key outlived its expiry or died before it"},
	{OracleSession, "a client was shown less than it had written or seen before"},
	{OracleBatch, "a client was told of some operation what no node had said"},
	{OracleRing, "nodes held different maps to be the cluster's, or the map changed without need"},
	{OracleQuality, "clients or copies made things worse than they had to"},
	{OracleExpectation, "an operation of the script came to something else than the script says"},
}

// Meaning is what a violation of the oracle says, in words.
func (o Oracle) Meaning() string {
	for _, m := range meanings {
		if m.oracle == o {
			return m.meaning
		}
	}
	return "unknown oracle"
}

// Known says that there is such an oracle.
func (o Oracle) Known() bool { return o.Meaning() != "unknown oracle" }

// Oracles are the letters of all oracles.
func Oracles() (letters string) {
	for _, m := range meanings {
		letters += m.oracle.String()
	}
	return letters
}

// Violation is one finding.
type Violation struct {
	Oracle Oracle
	At     time.Duration
	Text   string
	Key    string // that a history checker accuses
	Stack  string // of a panic: its head
	// Operations are the history's operations that it is about (their IDs), the accused one first.
	Operations []int
}

// Verdict is what a run comes to.
type Verdict int

// The verdicts; the numbers are exit codes.
const (
	Pass       Verdict = 0
	Broken     Verdict = 1 // usage or internal error: there was no run
	LostTruth  Verdict = 2 // L A S I D T G B R
	NoProgress Verdict = 3 // V Q
	Crashed    Verdict = 4 // N
)

// Sentence says the verdict plainly.
func (v Verdict) Sentence() string {
	switch v {
	case Pass:
		return "PASS: every answer was consistent, nothing acknowledged was lost, and the cluster served again after the faults"
	case LostTruth:
		return "CONSISTENCY LOST: the cluster told some client something untrue"
	case NoProgress:
		return "NO PROGRESS: the cluster told nobody anything untrue, but did not serve as it should"
	case Crashed:
		return "CRASH: a node failed its own checks"
	}
	return "NO VERDICT: the run could not be made"
}

// verdictOf is the worst that the violations say; lost consistency before a crash before no
// progress, because that is the order in which users would be hurt.
func verdictOf(violations []Violation) Verdict {
	verdict := Pass
	for _, v := range violations {
		switch v.Oracle {
		case OracleSanity:
			if verdict != LostTruth {
				verdict = Crashed
			}
		case OracleLiveness, OracleQuality:
			if verdict == Pass {
				verdict = NoProgress
			}
		default:
			verdict = LostTruth
		}
	}
	return verdict
}

// OracleOf translates the history checkers' names.
func OracleOf(name string) Oracle {
	switch name {
	case linearizability.OracleCounter, linearizability.OracleAppend:
		return OracleOnce
	case linearizability.OracleTransaction:
		return OracleBatch
	case linearizability.OracleDurability:
		return OracleDurability
	case linearizability.OracleTTL:
		return OracleTTL
	case linearizability.OracleSession:
		return OracleSession
	}
	return OracleLinearizable
}

// judge gives the history to the checkers. A checker that cannot decide has failed the run.
func (w *World) judge(finalFrom time.Duration, losses []linearizability.Loss) {
	verdicts := linearizability.Check(w.work.record.History(), linearizability.Options{
		TTLEpsilon: w.ttlTolerance(), FinalFrom: int64(finalFrom), Losses: losses, ViolationsMax: 2})
	for _, v := range verdicts {
		if v.Result == linearizability.Undecided && OracleOf(v.Oracle) == OracleDurability && w.lost != nil && w.lost[shardOf(v.Key, w.settings.Shards)] {
			continue // its shard is lost, and stays down: nobody reads it any more
		}
		text := "key " + v.Key + ": " + v.Sentence
		if v.Result == linearizability.Undecided {
			text = "undecided: " + text
		}
		before := len(w.violations)
		w.violate(OracleOf(v.Oracle), "%s", text)
		if len(w.violations) > before {
			w.violations[before].Key = v.Key
			w.violations[before].accuse(v.Operations)
		}
	}
	w.judgeQuality()
}

// accuse names the operations that a violation is about.
func (v *Violation) accuse(ops []linearizability.Operation) {
	for i := range ops {
		v.Operations = append(v.Operations, ops[i].ID)
	}
}

// ttlTolerance is how far a key's expiry may be from what the world's clock says: the
// largest difference that the nodes' wall clocks ever had (one stamps the write, another the
// expiry), their drift over the longest TTL, and two ticks, because log time advances by them.
func (w *World) ttlTolerance() time.Duration {
	return w.faults.wallSpread() + 5*time.Second*time.Duration(w.settings.DriftUsed)/1000 + 2*w.settings.Tick
}

// watch is the oracles that look while things happen: they read what core tells (trace).
type watch struct {
	w         *World
	leaders   map[shardTerm]wire.ReplicaID
	newest    []leadership                    // by shard
	digests   [][]digest                      // by shard, then applied index
	replicas  map[replicaKey]*mark            // where each replica stands
	homes     map[replicaKey]wire.NodeID      // where each replica is, or was
	lifeOf    map[replicaKey]wire.Incarnation // of its node, for those that have told anything
	confs     []shardConf                     // by shard: the newest configuration applied
	ring      rings
	fence     fence
	copies    uint64 // snapshots that were sent
	demands   []demand
	unmourned map[life]bool // that were told of
	ears      ears
}

type shardTerm struct {
	shard wire.ShardID
	term  uint64
}

type replicaKey struct {
	shard   wire.ShardID
	replica wire.ReplicaID
}

// leadership is who led a shard last, as far as anybody said so.
type leadership struct {
	node    wire.NodeID
	life    wire.Incarnation
	term    uint64
	at      int64 // since when, by the node's own clock
	changes int
	born    int  // changes before the shard's present group began
	accused bool // of campaigns that nobody can win
}

type digest struct {
	sum  uint64
	node wire.NodeID
	set  bool
}

// shardConf is a configuration of a shard; with outgoing voters it is a joint one.
type shardConf struct {
	index                      uint64
	voters, outgoing, learners []wire.ReplicaID
}

// mark is how far one replica has come.
type mark struct {
	commit, applied, term uint64
	leads                 bool
}

func newWatch(w *World) watch {
	n := w.settings.Shards + 1
	return watch{w: w, leaders: map[shardTerm]wire.ReplicaID{}, newest: make([]leadership, n), digests: make([][]digest, n),
		replicas: map[replicaKey]*mark{}, homes: map[replicaKey]wire.NodeID{}, lifeOf: map[replicaKey]wire.Incarnation{}, confs: make([]shardConf, n), unmourned: map[life]bool{}}
}

// see takes an event that a node told.
func (o *watch) see(e *trace.Event) {
	if int(e.Shard) >= len(o.newest) {
		return
	}
	if e.Kind == trace.Lost {
		o.w.losses.lost(o.w, e)
		return
	}
	if o.w.losses.former(e.Shard, e.Replica) && e.Replica != 0 {
		if e.Kind == trace.Role && e.A == 2 {
			o.w.violate(OracleRaft, "shard %d replica %d on %v: it leads, though its group was given up as lost", e.Shard, e.Replica, e.Node)
		}
		return
	}
	switch e.Kind {
	case trace.Apply:
		o.applied(e)
	case trace.Commit:
		m := o.mark(e)
		if e.Index < m.commit {
			o.w.violate(OracleRaft, "shard %d replica %d on %v: its commit index went back from %d to %d", e.Shard, e.Replica, e.Node, m.commit, e.Index)
		}
		m.commit = e.Index
	case trace.Role:
		o.role(e)
	case trace.Conf:
		o.configured(e)
		o.fence.configured(o.w, e)
	case trace.Evict:
		o.w.evictions.see(o.w, e)
	case trace.Snapshot:
		if e.A == 0 {
			o.copies++
		}
	case trace.Founded, trace.Map:
		o.ring.see(o.w, e)
	}
}

func (o *watch) mark(e *trace.Event) *mark {
	key := replicaKey{e.Shard, e.Replica}
	m := o.replicas[key]
	if m == nil {
		m = new(mark)
		o.replicas[key] = m
		o.homes[key] = e.Node
		o.lifeOf[key] = o.w.nodes[e.Node-1].incarnation
	}
	return m
}

// applied compares a replica's digest with what any replica had at the same index.
func (o *watch) applied(e *trace.Event) {
	m := o.mark(e)
	if e.Index <= m.applied {
		o.w.violate(OracleRaft, "shard %d replica %d on %v: it applied index %d after index %d", e.Shard, e.Replica, e.Node, e.Index, m.applied)
	}
	m.applied = e.Index
	if e.Term < m.term && e.Term > 1 {
		o.w.reached(branchOlderTerm)
	}
	if e.Index > 1<<24 {
		return
	}
	list := o.digests[e.Shard]
	for uint64(len(list)) <= e.Index {
		list = append(list, digest{})
	}
	o.digests[e.Shard] = list
	d := &list[e.Index]
	if d.set && d.sum != e.A {
		o.w.violate(OracleState, "shard %d index %d: the replica on %v has digest %x, the one on %v had %x", e.Shard, e.Index, e.Node, e.A, d.node, d.sum)
		return
	}
	*d = digest{e.A, e.Node, true}
}

// role checks that a term has one leader, and remembers who leads.
func (o *watch) role(e *trace.Event) {
	m := o.mark(e)
	if e.Term < m.term {
		o.w.violate(OracleRaft, "shard %d replica %d on %v: its term went back from %d to %d", e.Shard, e.Replica, e.Node, m.term, e.Term)
	}
	if m.leads && e.A == 0 && e.Term == m.term {
		o.w.reached(branchSteppedDown)
	}
	m.term, m.leads = max(m.term, e.Term), e.A == 2
	if e.A != 2 {
		return
	}
	key := shardTerm{e.Shard, e.Term}
	if other, led := o.leaders[key]; led && other != e.Replica {
		o.w.violate(OracleRaft, "shard %d term %d: replica %d on %v leads, but replica %d led the same term", e.Shard, e.Term, e.Replica, e.Node, other)
	}
	o.leaders[key] = e.Replica
	if l := &o.newest[e.Shard]; e.Term > l.term {
		o.overlaps(e, l)
		l.node, l.term = e.Node, e.Term
		l.at, l.life = o.w.clockOf(e.Node), o.w.lifeAt(e.Node)
		l.changes++
		o.campaigns(e.Shard, l)
	}
}

// campaigns holds that terms are begun by those who can win them: PreVote asks first. A split vote
// now and then is nobody's fault, and where many packets are lost or late votes are, too. (In 370 swarm runs
// without a fault in the code no shard had more than seven terms without a leader, and most had
// one; without PreVote most have dozens.)
func (o *watch) campaigns(shard wire.ShardID, l *leadership) {
	changes := l.changes - l.born
	wasted, bound := int(l.term)-changes, 8+changes/2
	if o.w.faults.impeded {
		bound = 20 + changes
	}
	if wasted > bound && !l.accused {
		l.accused = true
		o.w.violate(OracleLiveness, "shard %d is at term %d after %d leaders: %d terms were begun by campaigns that nobody could win", shard, l.term, changes, wasted)
	}
}

// seedConfs notes the configurations that the cluster was founded with; of later ones core tells.
func (w *World) seedConfs() {
	m := w.newestMap()
	_, groups := w.living()
	for shard := range w.watch.confs {
		if m != nil {
			w.learnHomes(wire.ShardID(shard), m)
		}
		for i := range groups[shard] {
			if g := &groups[shard][i]; g.Role == "leader" && w.watch.confs[shard].voters == nil {
				w.watch.confs[shard] = shardConf{voters: g.Voters, learners: g.Learners}
				w.watch.fence.founded(wire.ShardID(shard), g.Voters)
			}
		}
	}
}

// lives notes where a replica is that has not told anything yet.
func (o *watch) lives(shard wire.ShardID, id wire.ReplicaID, on wire.NodeID) {
	if key := (replicaKey{shard, id}); o.homes[key] == 0 {
		o.homes[key] = on
	}
}

// configured checks that majorities of consecutive configurations overlap: one voter at a
// time, or joint consensus, which names both.
func (o *watch) configured(e *trace.Event) {
	former := o.confs[e.Shard]
	conf := parseConf(e.Note)
	if e.Index <= former.index || conf.voters == nil {
		return
	}
	conf.index = e.Index
	o.confs[e.Shard] = conf
	o.w.sawChange(e, &former, &conf)
	if former.voters == nil {
		return
	}
	if conf.outgoing != nil {
		// Joint consensus asks both majorities; what must hold is that it starts from the former voters.
		if !slices.Equal(former.voters, conf.outgoing) {
			o.w.violate(OracleRaft, "shard %d index %d: a joint change leaves %v, but the voters were %v", e.Shard, e.Index, conf.outgoing, former.voters)
		}
		return
	}
	common := 0
	for _, v := range conf.voters {
		if slices.Contains(former.voters, v) {
			common++
		}
	}
	// Two majorities can miss each other if together they fit into the union of the sets.
	union := len(former.voters) + len(conf.voters) - common
	if len(former.voters)/2+1+len(conf.voters)/2+1 <= union {
		o.w.violate(OracleRaft, "shard %d index %d: voters %v after %v: two majorities need not overlap", e.Shard, e.Index, conf.voters, former.voters)
	}
}

// parseConf reads a configuration as core words it: "[1 2 3] learners [4]", or a joint one
// "[1 2 4]&&[1 2 3] learners [3]".
func parseConf(note string) (c shardConf) {
	incoming, rest, joint := strings.Cut(note, "&&")
	c.voters = idsIn(incoming)
	if joint {
		c.outgoing = idsIn(rest)
	}
	if _, learners, any := strings.Cut(note, "learners"); any {
		c.learners = idsIn(learners)
	}
	return c
}

// idsIn reads the first list in brackets.
func idsIn(text string) (ids []wire.ReplicaID) {
	_, text, _ = strings.Cut(text, "[")
	text, _, _ = strings.Cut(text, "]")
	for _, word := range strings.Fields(text) {
		if id, err := strconv.ParseUint(word, 10, 64); err == nil {
			ids = append(ids, wire.ReplicaID(id))
		}
	}
	return ids
}

// demand says that during an interval every shard must serve: without a pause longer than
// gap, and with no more than elections changes of leader per shard.
type demand struct {
	from, to  int64
	gap       time.Duration
	elections int
	of        []bool // which shards; nil = all
	last      []int64
	changes   []int
	accused   bool
}

// require adds a demand that begins now: the prober writes to every shard again and again.
func (o *watch) require(d time.Duration, gap time.Duration, elections int, of []bool) {
	de := demand{from: o.w.now, to: o.w.now + int64(d), gap: gap, elections: elections, of: of}
	for shard := range o.newest {
		de.last = append(de.last, o.w.now)
		de.changes = append(de.changes, o.newest[shard].changes)
	}
	o.demands = append(o.demands, de)
	index := len(o.demands) - 1
	for shard := 1; shard <= o.w.settings.Shards; shard++ {
		if de.asks(shard) {
			o.press(index, wire.ShardID(shard))
		}
	}
	o.w.after(d, func() { o.settle(index) })
}

// asks reports whether the demand is made of a shard.
func (d *demand) asks(shard int) bool { return d.of == nil || d.of[shard] }

// press writes to a shard, and when that has succeeded again a little later, until the demand
// ends.
func (o *watch) press(index int, shard wire.ShardID) {
	o.w.probeShard(shard, o.demands[index].to, func() {
		d := &o.demands[index]
		d.check(o, shard)
		d.last[shard] = o.w.now
		if o.w.now < d.to {
			o.w.after(200*time.Millisecond, func() { o.press(index, shard) })
		}
	})
}

func (d *demand) check(o *watch, shard wire.ShardID) {
	if pause := time.Duration(min(o.w.now, d.to) - d.last[shard]); pause > d.gap && !d.accused {
		d.accused = true
		o.w.violate(OracleLiveness, "shard %d served nothing for %v though a majority was connected (%v allowed)", shard, pause, d.gap)
	}
}

// settle ends a demand.
func (o *watch) settle(index int) {
	d := &o.demands[index]
	for shard := 1; shard < len(d.last); shard++ {
		if d.asks(shard) {
			d.check(o, wire.ShardID(shard))
		}
	}
	for shard := range d.changes {
		if !d.asks(shard) {
			continue
		}
		if n := o.newest[shard].changes - d.changes[shard]; n > d.elections && !d.accused {
			d.accused = true
			o.w.violate(OracleLiveness, "shard %d elected %d leaders in %v though a majority was connected (%d allowed)",
				shard, n, time.Duration(d.to-d.from), d.elections)
		}
	}
}

// bytesBudget bounds what a lane may hold in a simulated run: the workloads' data is small, so
// more is a queue or a log without bound.
const bytesBudget = 64 << 20

// inspect checks every lane's memory; it plans itself again.
func (w *World) inspect() {
	for _, n := range w.nodes {
		for _, l := range n.lanes {
			if s := l.core.Status(); s.Bytes > bytesBudget {
				w.violate(OracleSanity, "node %v lane %d holds %d bytes (%d allowed)", n, l.index, s.Bytes, bytesBudget)
			}
			if len(l.inbox) > 4*heldMax {
				w.violate(OracleSanity, "node %v lane %d has %d events waiting", n, l.index, len(l.inbox))
			}
		}
	}
	w.after(5*time.Second, w.inspect)
}

func (v Violation) String() string { return fmt.Sprintf("%v at %v: %s", v.Oracle, v.At, v.Text) }
