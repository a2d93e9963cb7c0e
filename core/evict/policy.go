package evict

// Candidate is a key that might go, as the store knows it.
type Candidate struct {
	Hash     uint64
	Version  uint64
	Size     int64 // bytes that its removal gives back
	ExpireAt int64 // Unix milliseconds; 0: never
}

// Source is the store, as far as it is asked.
type Source interface {
	// Sample appends up to n keys that chance chooses by at; of those that expire, when volatile.
	Sample(at uint64, n int, volatile bool, into []Candidate) []Candidate
	// Soonest appends the n keys that expire soonest.
	Soonest(n int, into []Candidate) []Candidate
	// Find returns the key of a hash.
	Find(hash uint64) (Candidate, bool)
	// Len is how many keys there are.
	Len() int
}

const (
	sampleMax = 16 // keys looked at for each victim
	poolMax   = 16 // of those looked at before, how many are kept in mind
	ghosts    = 3  // records for each key present: so many uses of keys that are gone are known
	leastKept = 4096
	gapWeight = 3 // of the mean gap before, beside a new one
)

// Policy is a shard's: it is told of uses and asked for victims. Use it from one logical thread.
type Policy struct {
	kind    Kind
	learner *Learner
	records *records
	now     uint32 // counts uses of all keys
	keys    int    // present
	chance  uint64
	pool    []uint64 // the hashes of the worst keys seen
	looked  []Candidate
}

// New returns a policy that has seen nothing. Chance comes from the seed.
func New(kind Kind, seed uint64, l *Learner) *Policy {
	p := &Policy{kind: kind, learner: l, records: newRecords(), chance: seed}
	l.buckets += int(p.records.buckets)
	return p
}

// Close takes the policy's share out of its Learner's sums.
func (p *Policy) Close() {
	p.learner.buckets -= int(p.records.buckets)
	p.learner.records -= p.keys
	p.keys = 0
}

// SetKind changes the policy. What was seen is kept: every kind ranks by the same records.
func (p *Policy) SetKind(kind Kind) {
	if kind != p.kind {
		p.kind, p.pool = kind, p.pool[:0]
	}
}

// Kind is the policy.
func (p *Policy) Kind() Kind { return p.kind }

func (p *Policy) random() uint64 {
	p.chance += 0x9e3779b97f4a7c15
	return mix(p.chance)
}

// mix spreads a number's bits (splitmix64).
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Pass tells that other keys were used so often, whose names nobody told.
func (p *Policy) Pass(uses uint32) { p.now += min(uses, 1<<16) }

// Use tells of a use of a key that is present: a read that found it, or a write.
func (p *Policy) Use(hash uint64, keys int) {
	p.count(keys)
	p.now++
	if s := p.records.find(mix(hash), p.now); s.found() {
		age := s.age(p.now)
		p.learner.reused(s.record(), age)
		gap, uses := p.used(s.record(), age)
		s.set(gap, uses, p.now)
	} else if lost, age, full := s.add(p.now); full {
		p.learner.gone(lost, age)
	}
	p.sweep()
	p.learner.tick()
}

// count follows how many keys are present.
func (p *Policy) count(keys int) {
	p.learner.records += keys - p.keys
	p.keys = keys
	if p.records.grow(max(leastKept, ghosts*keys), p.now) {
		p.learner.buckets++
	}
}

// used is what a record says after a use at an age.
func (p *Policy) used(r record, age uint32) (gap, uses uint8) {
	gap, uses = gapOf(age), p.usesNow(r, age)
	if r.gap != noGap {
		weight := min(r.uses, gapWeight)
		gap = (r.gap*weight + gap + (weight+1)/2) / (weight + 1)
	}
	if p.counts(uses) {
		uses++
	}
	return gap, uses
}

// counts decides by chance whether a use counts: the first twelve do, then one in 2, 3, 4, 6, 8, 12 and so on, so that five
// bits are enough.
func (p *Policy) counts(uses uint8) bool {
	const all = 12
	switch {
	case uses < all:
		return true
	case uses == usesMax:
		return false
	}
	twice := uint64(4+(uses-all)&1*2) << ((uses - all) / 2)
	return p.random()%twice < 2
}

// usesNow is the counter after it was idle for a while: it loses one for each ten times as many uses of
// other keys as there are keys.
func (p *Policy) usesNow(r record, age uint32) uint8 {
	idle := age / uint32(max(1024, 10*p.keys))
	return uint8(max(1, int(r.uses)-int(min(idle, usesMax))))
}

// sweep looks at one bucket: what is too old to be told from what is young is forgotten, the rest counted as waiting.
func (p *Policy) sweep() {
	b := p.records.next(p.now)
	for i, name := range b.names {
		switch {
		case name == 0:
		case uint16(p.now>>b.shift)-b.lasts[i] > unitsMax:
			b.names[i] = 0
		default:
			p.learner.waits(b.record(i), b.age(b.lasts[i], p.now))
		}
	}
	p.learner.sweptBucket()
}

// Pick chooses a victim, but none that skip reports (it may be on its way out already). None is found
// when the policy forbids all there are.
func (p *Policy) Pick(src Source, skip func(hash uint64) bool) (Candidate, bool) {
	p.count(src.Len())
	switch p.kind {
	case NoEviction:
		return Candidate{}, false
	case VolatileTTL:
		return p.soonest(src, skip)
	}
	p.looked = src.Sample(p.random(), sampleMax, p.kind.volatile(), p.looked[:0])
	for _, hash := range p.pool {
		if c, ok := src.Find(hash); ok && (c.ExpireAt != 0 || !p.kind.volatile()) {
			p.looked = append(p.looked, c)
		}
	}
	return p.worst(skip)
}

// soonest is exact: the key that expires first.
func (p *Policy) soonest(src Source, skip func(hash uint64) bool) (Candidate, bool) {
	for n, seen := 1, 0; ; n *= 4 {
		p.looked = src.Soonest(n, p.looked[:0])
		for _, c := range p.looked[seen:] {
			if !skip(c.Hash) {
				return c, true
			}
		}
		if seen = len(p.looked); seen < n {
			return Candidate{}, false
		}
	}
}

// ranked are the worst keys of those looked at, the worst first.
type ranked struct {
	n    int
	best [poolMax + 1]struct {
		c     Candidate
		worth uint64
	}
}

func (r *ranked) offer(c Candidate, worth uint64) {
	at := r.n
	for i := range r.n {
		if r.best[i].c.Hash == c.Hash {
			return
		}
		if at == r.n && worth < r.best[i].worth {
			at = i
		}
	}
	if at == len(r.best) {
		return
	}
	r.n = min(r.n+1, len(r.best))
	copy(r.best[at+1:r.n], r.best[at:r.n-1])
	r.best[at].c, r.best[at].worth = c, worth
}

// worst takes the worst of the keys looked at; those after it stay in mind.
func (p *Policy) worst(skip func(hash uint64) bool) (Candidate, bool) {
	var r ranked
	for _, c := range p.looked {
		if !skip(c.Hash) {
			r.offer(c, p.Worth(c))
		}
	}
	p.pool = p.pool[:0]
	for i := 1; i < r.n; i++ {
		p.pool = append(p.pool, r.best[i].c.Hash)
	}
	return r.best[0].c, r.n > 0
}

// Worth ranks a key under the present policy: the least goes first. A key of which nothing is
// known counts as used once, long ago.
func (p *Policy) Worth(c Candidate) uint64 {
	r, age := record{gap: noGap, uses: 1}, uint32(ageMax)
	if s := p.records.find(mix(c.Hash), p.now); s.found() {
		r, age = s.record(), min(s.age(p.now), ageMax)
	}
	switch p.kind {
	case AllKeysLRU, VolatileLRU:
		return uint64(ageMax - age)
	case AllKeysLFU, VolatileLFU:
		return uint64(p.usesNow(r, age))<<32 | uint64(ageMax-age)
	case AllKeysRandom, VolatileRandom:
		return p.random()
	case VolatileTTL:
		return uint64(c.ExpireAt)
	}
	return p.learner.worth[classOf(r)][ageClass(age)] << 16 / uint64(max(1, c.Size))
}
