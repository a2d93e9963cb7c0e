package late

import (
	"slices"
	"time"

	"torc/core/mutant"
	"torc/core/wire"
)

// Rules are what makes a node slow. Zero fields take the defaults named beside them.
type Rules struct {
	Floor   time.Duration // who answers sooner is well whatever the others do; 12.5 ms
	Times   int           // how much later than the others; 4
	Bad     int           // rounds on end until a node is slow; 4
	Well    int           // well rounds until it is well again; 33
	Setback int           // how many of those a bad one takes back; 8
	Longest int           // how often Well doubles at most; 2
}

func (r Rules) withDefaults() Rules {
	def := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	def(&r.Times, 4)
	def(&r.Bad, 4)
	def(&r.Well, 33)
	def(&r.Setback, 8)
	def(&r.Longest, 2)
	if r.Floor <= 0 {
		r.Floor = 12500 * time.Microsecond
	}
	return r
}

// Node is one life of a node that is judged.
type Node struct {
	ID   wire.NodeID
	Life wire.Incarnation
}

// Judge holds the table of who finds whom how late, and the verdicts. Make it with New.
type Judge struct {
	rules Rules
	nodes []judged      // by ID
	floor time.Duration // the longest that counts now
}

// judged is what is known of one node.
type judged struct {
	Node
	says  []wire.Lateness // of the others,
	age   int             // so many rounds ago
	floor time.Duration   // and within which time it calls nobody late
	late  time.Duration   // by the others' words,
	known bool            // if they have any
	usual time.Duration   // and in the long run
	admit bool            // it says of itself that it is slow
	verdict
}

// verdict is whether a node is slow.
type verdict struct {
	slow   bool
	count  int // rounds that speak against the present verdict
	since  int // rounds since it was last slow
	longer int // how often the time until it is well has doubled
}

// longRun is how many rounds it takes for what is usual to follow. A node is compared with what the others are in the long run, too: where all
// links are bad one or the other of them is lucky at any moment.
const longRun = 32

// New makes a judge.
func New(rules Rules) *Judge {
	rules = rules.withDefaults()
	return &Judge{rules: rules, floor: rules.Floor}
}

// Floor is the longest within which anybody who was heard lately calls nobody late, this judge's own included. What nodes say of each
// other is compared, so they must count by the same one; while they are set differently each has what all tell.
func (j *Judge) Floor() time.Duration { return j.floor }

// HearFloor takes within what time a node calls nobody late.
func (j *Judge) HearFloor(from wire.NodeID, floor time.Duration) {
	if n := j.find(from); n != nil {
		n.floor = floor
	}
}

// Keep says which nodes there are. Of others nothing is remembered, nor of former lives.
func (j *Judge) Keep(nodes []Node) {
	kept := make([]judged, 0, len(nodes))
	for _, n := range nodes {
		if old := j.find(n.ID); old != nil && old.Life == n.Life {
			kept = append(kept, *old)
			continue
		}
		kept = append(kept, judged{Node: n, age: silentMost, verdict: verdict{since: relapseMost * j.rules.Well}})
	}
	slices.SortFunc(kept, func(a, b judged) int { return compare(a.ID, b.ID) })
	j.nodes = slices.CompactFunc(kept, func(a, b judged) bool { return a.ID == b.ID })
}

func compare(a, b wire.NodeID) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (j *Judge) find(id wire.NodeID) *judged {
	at, found := slices.BinarySearchFunc(j.nodes, id, func(n judged, id wire.NodeID) int { return compare(n.ID, id) })
	if !found {
		return nil
	}
	return &j.nodes[at]
}

// Hear takes what a node says of the others, in the place of what it said before. That it says anything of itself means that it finds itself
// slow (Admits). What it says of nobody that is known is left out.
func (j *Judge) Hear(from wire.NodeID, says []wire.Lateness) {
	n := j.find(from)
	if n == nil {
		return
	}
	n.says, n.age, n.admit = n.says[:0], 0, false
	for _, s := range says {
		n.admit = n.admit || s.Node == from
		if s.Node != from && len(n.says) < len(j.nodes) && j.find(s.Node) != nil {
			n.says = append(n.says, s)
		}
	}
}

// Admits reports whether a node has said lately that it finds itself slow. Whoever has just begun knows less of it than it does itself, and would
// offer it what it gives away again.
func (j *Judge) Admits(id wire.NodeID) bool {
	n := j.find(id)
	return n != nil && n.admit && n.age < silentMost
}

// Round judges every node once more.
func (j *Judge) Round() {
	j.floor = j.rules.Floor
	for i := range j.nodes {
		if n := &j.nodes[i]; n.age < silentMost {
			j.floor = max(j.floor, n.floor)
		}
	}
	for i := range j.nodes {
		n := &j.nodes[i]
		n.late, n.known = lowerMedian(j.wordsOf(n.ID), 2)
		n.usual += (n.late - n.usual) / longRun
	}
	for i := range j.nodes {
		n := &j.nodes[i]
		bad, well := j.look(n)
		n.step(&j.rules, bad, well)
	}
	for i := range j.nodes {
		j.nodes[i].age = min(j.nodes[i].age+1, silentMost)
	}
}

// wordsOf is what the others say of a node.
func (j *Judge) wordsOf(id wire.NodeID) (words []time.Duration) {
	for i := range j.nodes {
		if by := &j.nodes[i]; by.age < silentMost {
			for _, s := range by.says {
				if s.Node == id {
					words = append(words, s.After)
					break
				}
			}
		}
	}
	return words
}

// look compares a node with the others.
func (j *Judge) look(n *judged) (bad, well bool) {
	var others []time.Duration
	for i := range j.nodes {
		if o := &j.nodes[i]; o.ID != n.ID && o.known {
			others = append(others, max(o.late, o.usual))
		}
	}
	usual, any := lowerMedian(others, 1)
	r := &j.rules
	switch {
	case !n.known || !any:
		return false, true
	case mutant.On(mutant.YieldFlap): // it is late by itself, whatever the others are
		return n.late >= j.floor, n.late < j.floor
	}
	times := time.Duration(r.Times)
	return n.late >= j.floor && n.late >= times*usual, n.late < j.floor/2 || 2*n.late < times*usual
}

// lowerMedian is the median, the lower one of two; it is not known of fewer than least.
func lowerMedian(list []time.Duration, least int) (time.Duration, bool) {
	if len(list) < max(least, 1) {
		return 0, false
	}
	slices.Sort(list)
	return list[(len(list)-1)/2], true
}

// relapseMost is how many times Well a node must have been well for it to count as a good one again.
const relapseMost = 4

// step takes one round's look at a node.
func (v *verdict) step(r *Rules, bad, well bool) {
	if !v.slow {
		v.since = min(v.since+1, relapseMost*r.Well)
	}
	v.count = v.counted(r, bad, well)
	if v.count < v.needs(r) {
		return
	}
	v.count, v.slow = 0, !v.slow
	switch {
	case !v.slow:
		v.since = 0
	case v.since < relapseMost*r.Well:
		v.longer = min(v.longer+1, r.Longest)
	default:
		v.longer = 0
	}
}

// counted is how many rounds speak against the verdict after one more. It takes bad rounds on end to become slow, but not well ones on end to become
// well: where many packets are late, on all links alike, a node that is no worse than others is in between in a third of the rounds, and bad in one
// of a hundred, and would be called slow for ever. What is in between says nothing of a slow node. A node that is bad in one round of nine stays slow.
func (v *verdict) counted(r *Rules, bad, well bool) int {
	switch {
	case v.slow && well, !v.slow && bad:
		return v.count + 1
	case !v.slow:
		return 0
	case bad:
		return max(v.count-r.Setback, 0)
	}
	return v.count
}

// needs is how many rounds change the verdict.
func (v *verdict) needs(r *Rules) int {
	switch {
	case !v.slow:
		return r.Bad
	case mutant.On(mutant.YieldFlap):
		return 1
	}
	return r.Well << v.longer
}

// Slow says whether a node is slow.
func (j *Judge) Slow(id wire.NodeID) bool {
	n := j.find(id)
	return n != nil && n.slow
}

// Late is how late a node answers by the others' words, if they have any.
func (j *Judge) Late(id wire.NodeID) (after time.Duration, known bool) {
	if n := j.find(id); n != nil {
		return n.late, n.known
	}
	return 0, false
}

// AllSlow lists the nodes that are slow, in order.
func (j *Judge) AllSlow() (ids []wire.NodeID) {
	for i := range j.nodes {
		if j.nodes[i].slow {
			ids = append(ids, j.nodes[i].ID)
		}
	}
	return ids
}
