package evict

// Curve estimates what the hit rate would be with less memory or more: the miss-ratio curve. It runs
// small caches beside the real one, under the same policy, which hold the keys of a sample chosen by hash and so much of
// memory as is the sample's part (SHARDS, FAST 2015; miniature simulation, ATC 2017). One for each lane; only shards that
// this node leads are in it.
//
// A sample that happens to hold too few or too many of the hottest keys is set right as SHARDS-adj does: what
// it lacks in reads counts as hits.
type Curve struct {
	shift uint // a key in 1<<shift is sampled
	all   uint64
	reads uint64 // of sampled keys
	minis [len(CurveSizes)]mini
	seed  uint64
}

// CurveSizes are the sizes of memory in the curve, in halves of the present one.
var CurveSizes = [4]int64{1, 2, 4, 8}

// Point is what would have become of the reads at one of the sizes.
type Point struct{ Reads, Hits uint64 }

const (
	curveKeys  = 4096    // in the largest of the small caches, at most
	curveReads = 1 << 16 // after so many sampled reads the old ones fade
)

// mini is a small cache.
type mini struct {
	keys     []miniKey
	at       map[uint64]int // by hash; for look-up, never ranged
	used     int64
	capacity int64
	hits     uint64
}

type miniKey struct {
	Candidate
	policy *Policy
}

// NewCurve returns one without memory: see Fit.
func NewCurve() *Curve {
	c := new(Curve)
	for i := range c.minis {
		c.minis[i].at = map[uint64]int{}
	}
	return c
}

// Fit says how much memory the shards led here may take.
func (c *Curve) Fit(bytes int64) {
	for i := range c.minis {
		m := &c.minis[i]
		m.capacity = bytes / 2 * CurveSizes[i] >> c.shift
		c.squeeze(m)
	}
	if c.reads > curveReads {
		c.all, c.reads = c.all/2, c.reads/2
		for i := range c.minis {
			c.minis[i].hits /= 2
		}
	}
}

// Sampled reports whether a key is in the sample. What follows is to be told of such keys only; but
// every read counts.
func (c *Curve) Sampled(hash uint64) bool { return sampled(hash, c.shift) }

func sampled(hash uint64, shift uint) bool { return mix(hash)>>(64-shift) == 0 } // a shift by 64 gives zero

// Count counts a read of any key.
func (c *Curve) Count() { c.all++ }

// Read tells of a read of a sampled key. held is what the store holds, if it found the key. now is log time.
func (c *Curve) Read(p *Policy, hash uint64, held Candidate, found bool, now int64) {
	c.reads++
	for i := range c.minis {
		m := &c.minis[i]
		at, has := m.at[hash]
		if has && m.keys[at].ExpireAt != 0 && m.keys[at].ExpireAt <= now {
			m.drop(at)
			has = false
		}
		if has {
			m.hits++
		} else if found {
			c.put(m, p, held) // its reader would have fetched and stored it
		}
	}
	c.thin()
}

// Wrote tells of a sampled key that was written.
func (c *Curve) Wrote(p *Policy, held Candidate) {
	for i := range c.minis {
		c.put(&c.minis[i], p, held)
	}
	c.thin()
}

// Removed tells of a sampled key that was deleted.
func (c *Curve) Removed(hash uint64) {
	for i := range c.minis {
		if at, has := c.minis[i].at[hash]; has {
			c.minis[i].drop(at)
		}
	}
}

// Leave forgets a shard's keys.
func (c *Curve) Leave(p *Policy) { c.keep(func(k *miniKey) bool { return k.policy != p }) }

// Points are the curve, by CurveSizes.
func (c *Curve) Points() (points [len(CurveSizes)]Point) {
	expected := max(c.all>>c.shift, 1)
	for i := range c.minis {
		hits := int64(c.minis[i].hits) + int64(expected) - int64(c.reads)
		points[i] = Point{expected, uint64(min(max(hits, 0), int64(expected)))}
		if c.all == 0 {
			points[i] = Point{}
		}
	}
	return points
}

func (c *Curve) put(m *mini, p *Policy, held Candidate) {
	if at, has := m.at[held.Hash]; has {
		m.used += held.Size - m.keys[at].Size
		m.keys[at].Candidate = held
	} else {
		m.at[held.Hash] = len(m.keys)
		m.keys = append(m.keys, miniKey{held, p})
		m.used += held.Size
	}
	c.squeeze(m)
}

// squeeze drops the worst of some keys until the rest fit.
func (c *Curve) squeeze(m *mini) {
	for m.used > m.capacity && len(m.keys) > 0 {
		c.seed += 0x9e3779b97f4a7c15
		first := int(mix(c.seed) % uint64(len(m.keys)))
		worst, least := len(m.keys)-1, ^uint64(0) // when none may go, what came last was never let in
		for i := range min(sampleMax, len(m.keys)) {
			at := (first + i) % len(m.keys)
			k := &m.keys[at]
			if k.policy.kind.volatile() && k.ExpireAt == 0 {
				continue
			}
			if worth := k.policy.Worth(k.Candidate); worth < least {
				worst, least = at, worth
			}
		}
		m.drop(worst)
	}
}

func (m *mini) drop(at int) {
	last := len(m.keys) - 1
	m.used -= m.keys[at].Size
	delete(m.at, m.keys[at].Hash)
	if at != last {
		m.keys[at] = m.keys[last]
		m.at[m.keys[at].Hash] = at
	}
	m.keys = m.keys[:last]
}

// thin halves the sample when it has become too large. What was counted is counted anew.
func (c *Curve) thin() {
	if len(c.minis[len(c.minis)-1].keys) <= curveKeys {
		return
	}
	c.shift++
	c.all, c.reads = 0, 0
	for i := range c.minis {
		c.minis[i].hits = 0
		c.minis[i].capacity /= 2
	}
	c.keep(func(k *miniKey) bool { return sampled(k.Hash, c.shift) })
}

func (c *Curve) keep(keep func(k *miniKey) bool) {
	for i := range c.minis {
		m := &c.minis[i]
		for at := len(m.keys) - 1; at >= 0; at-- {
			if !keep(&m.keys[at]) {
				m.drop(at)
			}
		}
	}
}
