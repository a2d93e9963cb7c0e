package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"torc/core/trace"
	"torc/core/wire"
)

// Liveness mode (after TigerBeetle's): healing everything at the end of a run hides whatever makes
// no progress while something is still broken, which outside of a simulator is always. So first only
// a core is healed: a drawn majority of the nodes, their processes, clocks, memory and the links
// among them. The others stay faulty for as long as that lasts: down, frozen, cut off, deaf, mute,
// or in touch with some of the core only. Then the core has to serve.
//
// What it owes, precisely. A data shard must serve within coreFactor election timeouts, and go on
// with few elections, when of the voters of its newest configuration (of each half, if a joint
// change is under way) a majority is alive on core nodes. Then and only then some member of the core
// can be elected and commit:
//
//   - A majority of voters that hear each other holds every committed entry somewhere among them and
//     elects whoever has the longest log; nobody outside is needed.
//   - A leader outside keeps its leadership only as long as it hears a majority (CheckQuorum), and
//     then it commits; else it steps down within two election timeouts. Pre-votes from outside are
//     refused while the core has a leader.
//   - Learners count on neither side. Replicas of former lives are dead, though their nodes are up.
//   - The meta group owes nothing by itself, and the data shards need nothing of it: they serve by the
//     maps that their nodes have. Without it no replica is replaced, so wholeness is not asked for
//     here. If it has its own majority in the core it may move replicas away from nodes that it
//     declares down, so a few elections, by transfer, are fair.
//   - A preferred leader outside that is still in touch with the leader may be offered the leadership
//     and fail to get a majority. That costs an election each time; core/cluster's patience between
//     offers bounds how often.
//   - A change of voters that was in the log when the core was healed may lead out of it, and rightly:
//     who must serve is asked again at the end.
//   - Memory: a shard that was lost for good before (a declared loss) owes nothing.
//
// The prober's links are whole all the time and lose nothing, so whoever leads can be asked. (A client
// whose question is lost waits for its timeout: two in a row would look like a pause of the shard.)

const (
	coreFactor    = 30               // elections within which a shard of the core must serve
	corePress     = 10 * time.Second // how long it must go on
	coreGap       = 10               // elections that a shard of the core may pause meanwhile
	coreElections = 6                // leaders that it may have meanwhile
	coreTerms     = 20               // by which its term may grow meanwhile
)

// healCore heals a core and demands progress of what it can serve.
func (w *World) healCore() {
	if w.ended {
		return
	}
	w.faults.on = false
	w.await(20*time.Second, 50*time.Millisecond, func() bool { return !w.faults.leaving.on() }) // a polite stop goes on to its end
	r := NewStream(w.seed, "core")
	core := w.drawCore(&r)
	w.faults.settleCore(core)
	w.tell(trace.Fault, "heal a core: %s", w.beset(&r, core))
	must, some := w.owed(core)
	if slices.Contains(must[1:], false) {
		w.reached(branchCoreSpared)
	}
	limit := coreFactor * w.settings.election()
	silent := w.silent(must, limit)
	still, _ := w.owed(core)
	for _, shard := range silent {
		if !still[shard] {
			continue // a change that was under way has led out of the core
		}
		w.violateUnlessEnded(OracleLiveness, "shard %d took no write within %v (%d election timeouts) after the core was healed, which holds a majority of its voters: %s",
			shard, limit, coreFactor, w.diagnose())
	}
	if !some || w.ended {
		return
	}
	w.reached(branchCore)
	must = still
	terms := w.newestTerms()
	w.watch.require(corePress, coreGap*w.settings.election(), coreElections, must)
	w.until(time.Duration(w.now) + corePress + time.Millisecond)
	for shard, term := range w.newestTerms() {
		if must[shard] && term > terms[shard]+coreTerms {
			w.violateUnlessEnded(OracleLiveness, "shard %d: its term grew from %d to %d in %v though a core of its voters was healed", shard, terms[shard], term, corePress)
		}
	}
}

// drawCore draws a majority of the nodes, at times one more.
func (w *World) drawCore(r *Stream) (core []*node) {
	all := slices.Clone(w.nodes)
	for i := range all {
		j := i + r.IntN(len(all)-i)
		all[i], all[j] = all[j], all[i]
	}
	size := len(all)/2 + 1
	if size+1 < len(all) && r.Bool() {
		size++
	}
	core = all[:size]
	slices.SortFunc(core, func(a, b *node) int { return int(a.index - b.index) })
	return core
}

// settleCore ends all faults, as settle does, but starts no process outside of the core.
func (f *nemesis) settleCore(core []*node) {
	f.on, f.open = false, false
	f.healAll()
	f.w.network.mend()
	for _, n := range f.w.nodes {
		if slices.Contains(core, n) {
			f.w.mend(n)
		}
	}
}

// beset makes the nodes outside of the core faulty, and says how.
func (w *World) beset(r *Stream, core []*node) string {
	var names, words []string
	for _, n := range core {
		names = append(names, n.String())
	}
	for _, n := range w.nodes {
		if slices.Contains(core, n) {
			continue
		}
		w.faults.beset++
		word := "down"
		if n.state != stateDown {
			var end func()
			word, end = w.besetOne(r, n, core)
			if end != nil {
				w.faults.active = append(w.faults.active, end)
			}
		}
		words = append(words, n.String()+" "+word)
	}
	return strings.Join(names, ",") + "; outside " + strings.Join(words, ", ")
}

func (w *World) besetOne(r *Stream, n *node, core []*node) (string, func()) {
	self := Node(int(n.id))
	ways := []struct {
		word  string
		fault Fault
	}{
		{"isolated", Isolate{self}}, {"deaf", Deaf{Target: self}}, {"mute", Deaf{Target: self, Mute: true}},
		{"frozen", Pause{self}}, {"killed", Crash{Target: self}},
	}
	if i := r.IntN(len(ways) + 1); i < len(ways) {
		if said, end := ways[i].fault.strike(w); said != "" {
			return ways[i].word, end
		}
	}
	return w.tear(r, n, core)
}

// tear cuts some of a node's links with the core, each in one direction or both.
func (w *World) tear(r *Stream, n *node, core []*node) (string, func()) {
	c := &cutting{w: w}
	var words []string
	for _, other := range core {
		a, b := int(n.index), int(other.index)
		switch r.IntN(4) {
		case 0:
			c.oneWay(a, b)
			words = append(words, fmt.Sprintf("-/> %v", other))
		case 1:
			c.oneWay(b, a)
			words = append(words, fmt.Sprintf("</- %v", other))
		case 2:
			c.bothWays(a, b)
			words = append(words, fmt.Sprintf("-/- %v", other))
		}
	}
	return "torn (" + strings.Join(words, " ") + ")", c.mend
}

// owed says which data shards the core must serve.
func (w *World) owed(core []*node) (must []bool, some bool) {
	must = make([]bool, w.settings.Shards+1)
	for shard := 1; shard < len(must); shard++ {
		conf := &w.watch.confs[shard]
		must[shard] = w.inCore(wire.ShardID(shard), conf.voters, core) && (conf.outgoing == nil || w.inCore(wire.ShardID(shard), conf.outgoing, core))
		some = some || must[shard]
	}
	return must, some
}

// inCore reports whether a majority of voters lives on core nodes.
func (w *World) inCore(shard wire.ShardID, voters []wire.ReplicaID, core []*node) bool {
	alive := 0
	for _, n := range core {
		for _, l := range n.lanes {
			for _, g := range l.core.Status().Groups {
				if g.Shard == shard && slices.Contains(voters, g.Replica) {
					alive++
				}
			}
		}
	}
	return alive > len(voters)/2
}

// newestTerms are the greatest terms that any replica of each shard has told of.
func (w *World) newestTerms() []uint64 {
	terms := make([]uint64, w.settings.Shards+1)
	for key, m := range w.watch.replicas {
		terms[key.shard] = max(terms[key.shard], m.term)
	}
	return terms
}
