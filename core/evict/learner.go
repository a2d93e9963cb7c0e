package evict

import "torc/core/invariant"

// What is added to what was counted, so that a class about which little is known is judged by its
// kin. In lives, that is, waits of a key for its next use.
const (
	kinLives = 128 // shaped as those of the classes with the same distance
	allLives = 16  // shaped as those of all classes
	anyLives = 4   // in which every age class is as likely as any other: the law of LRU
)

// unit is one life while densities are computed.
const unit = 1 << 10

// A class is what is known of a key's past: 0 is a key used once; then for each doubling of the
// mean distance between uses (29 of them) four classes, by how often it was used.
const (
	kin     = 4
	classes = kin + kin*(ageBits+1)
)

func classOf(r record) int {
	if r.gap == noGap {
		return 0
	}
	c := kin + kin*octave(r.gap)
	switch {
	case r.uses <= 2:
		return c
	case r.uses <= 4:
		return c + 1
	case r.uses <= 8:
		return c + 2
	}
	return c + 3
}

// lives counts waits by the age at which something was seen of them.
type lives [classes][ages]uint32

// Learner learns from uses how soon keys of each class come again, and so what it is worth to hold them.
// The policies of a lane share one: their shards see the same traffic.
type Learner struct {
	again   lives    // ended with a use
	lost    lives    // ended because the record had to go
	waiting [2]lives // not ended, when the sweep came by: one is being counted, the other is counted out
	turn    int      // which is being counted

	// The same of all classes together: whatever a class is computed for, it is compared with all of them.
	all struct {
		again, lost [ages]uint64
		waiting     [2][ages]uint64
	}

	worth [classes][ages]uint64

	records, buckets int // of all policies: keys present, and buckets
	swept            int // buckets since the turn began
	untilNext        int // uses until the next class is computed anew
	next             int
	untilFade        int
}

// NewLearner returns one that knows nothing yet: it ranks keys as LRU does.
func NewLearner() *Learner {
	l := new(Learner)
	l.compute(0)
	for c := range classes {
		l.worth[c] = l.worth[0] // nothing tells them apart yet
	}
	return l
}

func (l *Learner) reused(r record, age uint32) {
	a := ageClass(age)
	l.again[classOf(r)][a]++
	l.all.again[a]++
}

func (l *Learner) gone(r record, age uint32) {
	a := ageClass(age)
	l.lost[classOf(r)][a]++
	l.all.lost[a]++
}

func (l *Learner) waits(r record, age uint32) {
	a := ageClass(age)
	l.waiting[l.turn][classOf(r)][a]++
	l.all.waiting[l.turn][a]++
}

// sweptBucket counts a bucket that was walked. When as many were as there are, the waits counted meanwhile replace
// those counted before.
func (l *Learner) sweptBucket() {
	if l.swept++; l.swept >= l.buckets {
		l.swept = 0
		l.turn = 1 - l.turn
		l.waiting[l.turn], l.all.waiting[l.turn] = lives{}, [ages]uint64{}
	}
}

// tick is called once for each use: it computes one class anew now and then, and lets what was counted long ago
// fade.
func (l *Learner) tick() {
	if l.untilNext--; l.untilNext < 0 {
		l.untilNext = max(8, l.records/(2*classes))
		l.next = (l.next + 1) % classes
		l.compute(l.next)
	}
	if l.untilFade--; l.untilFade < 0 {
		l.untilFade = max(2048, 16*l.records)
		l.all.again, l.all.lost = l.again.fade(), l.lost.fade()
		l.check()
	}
}

// fade takes a part of everything away, and returns what is left of all classes.
func (w *lives) fade() (all [ages]uint64) {
	for c := range w {
		for a := range w[c] {
			w[c][a] -= (w[c][a] + 3) / 4
			all[a] += uint64(w[c][a])
		}
	}
	return all
}

// check holds that what is kept of all classes together is their sum.
func (l *Learner) check() {
	if !invariant.Expensive {
		return
	}
	sum, all := l.seen(0, classes), l.seenOfAll()
	invariant.Check(sum == all, "learner: the classes' lives are %v, those of all together %v", sum, all)
}

// tally is what is known of a class of keys, in units of lives.
type tally struct {
	used [ages]uint64 // ended with a use at this age
	cut  [ages]uint64 // not seen beyond this age
}

// seen is what was seen of some classes, in lives.
func (l *Learner) seen(first, end int) (sum tally) {
	for c := first; c < end; c++ {
		for a := range ages {
			sum.used[a] += uint64(l.again[c][a])
			sum.cut[a] += uint64(l.lost[c][a]) + uint64(l.waiting[1-l.turn][c][a])
		}
	}
	return sum
}

// seenOfAll is what was seen of all classes.
func (l *Learner) seenOfAll() (sum tally) {
	sum.used = l.all.again
	for a := range ages {
		sum.cut[a] = l.all.lost[a] + l.all.waiting[1-l.turn][a]
	}
	return sum
}

// add adds what was seen; lives > 0: scaled to that many.
func (t *tally) add(seen tally, lives uint64) {
	scale := uint64(unit << 8)
	if lives > 0 {
		var total uint64
		for a := range ages {
			total += seen.used[a] + seen.cut[a]
		}
		scale = lives * unit << 8 / (total + 1)
	}
	for a := range ages {
		t.used[a] += seen.used[a] * scale >> 8
		t.cut[a] += seen.cut[a] * scale >> 8
	}
}

// compute finds what keys of a class are worth at each age.
func (l *Learner) compute(c int) {
	var t tally
	own := l.seen(c, c+1)
	t.add(own, 0)
	if c >= kin {
		t.add(l.seen(c&^(kin-1), c&^(kin-1)+kin), kinLives)
	} else {
		t.add(own, kinLives)
	}
	t.add(l.seenOfAll(), allLives)
	for a := range ages {
		t.used[a] += anyLives * unit / ages
	}
	t.cut[ages-1] += anyLives * unit
	l.worth[c] = t.worth()
}
