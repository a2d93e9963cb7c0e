package evict

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// plain is a cache of one shard under a policy, with a curve beside it, as a lane has.
type plain struct {
	*Policy
	*Curve
	shelf *table
	room  int64
	hits  int
}

// table is a Source that finds quickly.
type table struct {
	held []Candidate
	at   map[uint64]int
}

func (t *table) Len() int { return len(t.held) }
func (t *table) Find(hash uint64) (Candidate, bool) {
	at, has := t.at[hash]
	if !has {
		return Candidate{}, false
	}
	return t.held[at], true
}
func (t *table) Soonest(_ int, into []Candidate) []Candidate { return into }
func (t *table) Sample(at uint64, n int, _ bool, into []Candidate) []Candidate {
	for i := range min(n, len(t.held)) {
		into = append(into, t.held[(at%uint64(len(t.held))+uint64(i))%uint64(len(t.held))])
	}
	return into
}

func newPlain(kind Kind, room int64) *plain {
	p := &plain{New(kind, 1, NewLearner()), NewCurve(), &table{at: map[uint64]int{}}, room, 0}
	p.Fit(room)
	return p
}

func (p *plain) request(hash uint64) {
	c, found := p.shelf.Find(hash)
	p.Count()
	if p.Sampled(hash) {
		p.Read(p.Policy, hash, c, found, 0)
	}
	if found {
		p.hits++
	} else {
		for int64(p.shelf.Len()) >= p.room {
			v, _ := p.Pick(p.shelf, none)
			at, last := p.shelf.at[v.Hash], p.shelf.held[len(p.shelf.held)-1]
			p.shelf.held[at], p.shelf.at[last.Hash] = last, at
			p.shelf.held = p.shelf.held[:len(p.shelf.held)-1]
			delete(p.shelf.at, v.Hash)
		}
		c = Candidate{Hash: hash, Version: 1, Size: 1}
		p.shelf.at[hash] = len(p.shelf.held)
		p.shelf.held = append(p.shelf.held, c)
		if p.Sampled(hash) {
			p.Wrote(p.Policy, c)
		}
	}
	p.Use(hash, p.shelf.Len())
}

// TestCurveForetells: the hit rates that a small cache's curve gives for other sizes are about those that caches of
// those sizes have.
func TestCurveForetells(t *testing.T) {
	const keys, requests = 60_000, 60_000
	run := func(kind Kind, room int64) *plain {
		p := newPlain(kind, room)
		for i := range uint64(requests) {
			r := mix(i) % (1 << 20)
			p.request(r * r / (1 << 20) * r / (1 << 20) * keys / (1 << 20)) // some are asked for much more often
		}
		return p
	}
	for _, kind := range []Kind{AllKeysLRU, Adaptive} {
		points := run(kind, 3000).Points()
		for i, half := range CurveSizes {
			is := float64(run(kind, 1500*half).hits) / requests
			said := float64(points[i].Hits) / float64(points[i].Reads)
			t.Logf("%v at %d/2: %.3f foretold, %.3f it is", kind, half, said, is)
			require.InDelta(t, is, said, 0.05, "%v at %d/2", kind, half)
		}
	}
}

func TestCurveIsBounded(t *testing.T) {
	p := newPlain(AllKeysLRU, 1_000_000)
	for i := range uint64(100_000) {
		p.request(i)
	}
	require.LessOrEqual(t, len(p.minis[3].keys), curveKeys)
	require.Positive(t, p.shift)
	for i := range p.minis {
		require.Len(t, p.minis[i].at, len(p.minis[i].keys))
		require.EqualValues(t, len(p.minis[i].keys), p.minis[i].used)
	}
	p.Leave(p.Policy)
	require.Empty(t, p.minis[3].keys)
	require.Zero(t, p.minis[3].used)
}

func TestCurveForgetsWhatIsGone(t *testing.T) {
	c, p := NewCurve(), New(AllKeysLRU, 1, NewLearner())
	require.Equal(t, Point{}, c.Points()[0])
	c.Fit(100)
	c.Wrote(p, Candidate{Hash: 1, Size: 1, ExpireAt: 50})
	c.Wrote(p, Candidate{Hash: 2, Size: 1})
	read := func(hash uint64, now int64) { c.Count(); c.Read(p, hash, Candidate{}, false, now) }
	read(1, 49)
	read(2, 49)
	require.Equal(t, Point{2, 2}, c.Points()[1])
	read(1, 50)
	c.Removed(2)
	read(2, 50)
	require.Equal(t, Point{4, 2}, c.Points()[1])
}
