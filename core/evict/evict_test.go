package evict

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// shelf is a Source that is a plain list.
type shelf struct{ held []Candidate }

func (s *shelf) Len() int { return len(s.held) }

func (s *shelf) Find(hash uint64) (Candidate, bool) {
	i := slices.IndexFunc(s.held, func(c Candidate) bool { return c.Hash == hash })
	if i < 0 {
		return Candidate{}, false
	}
	return s.held[i], true
}

func (s *shelf) Sample(at uint64, n int, volatile bool, into []Candidate) []Candidate {
	for i := range min(n, len(s.held)) {
		c := s.held[(at%uint64(len(s.held))+uint64(i))%uint64(len(s.held))]
		if c.ExpireAt != 0 || !volatile {
			into = append(into, c)
		}
	}
	return into
}

func (s *shelf) Soonest(n int, into []Candidate) []Candidate {
	var due []Candidate
	for _, c := range s.held {
		if c.ExpireAt != 0 {
			due = append(due, c)
		}
	}
	slices.SortFunc(due, func(a, b Candidate) int { return int(a.ExpireAt - b.ExpireAt) })
	return append(into, due[:min(n, len(due))]...)
}

func (s *shelf) drop(hash uint64) {
	s.held = slices.DeleteFunc(s.held, func(c Candidate) bool { return c.Hash == hash })
}

func none(uint64) bool { return false }

// fill holds n keys, used in order.
func fill(p *Policy, n int) *shelf {
	s := new(shelf)
	for i := range n {
		s.held = append(s.held, Candidate{Hash: uint64(i + 1), Version: uint64(i + 1), Size: 1})
		p.Use(uint64(i+1), len(s.held))
	}
	return s
}

func TestNamesAreRedis(t *testing.T) {
	for _, name := range Names() {
		kind, err := Parse(name)
		require.NoError(t, err)
		require.Equal(t, name, kind.String())
	}
	kind, err := Parse("AllKeys-LRU")
	require.NoError(t, err)
	require.Equal(t, AllKeysLRU, kind)
	_, err = Parse("lru")
	require.ErrorContains(t, err, "want one of noeviction, allkeys-adaptive")
}

// TestAgeClasses: classes follow one another without a gap, and are as wide as they say.
func TestAgeClasses(t *testing.T) {
	start, class := uint64(0), 0
	for class = range ages - 1 {
		require.Equal(t, class, ageClass(uint32(start)))
		require.Equal(t, class, ageClass(uint32(start+width(class)-1)))
		start += width(class)
	}
	require.Equal(t, ages-1, ageClass(lastMask))
	require.Less(t, ages, noGap, "a gap is an age class, or noGap")
	require.Equal(t, lastBits, octave(ages-1))
}

// TestRecordsGrow: what was added is found again however often the table grows, when no bucket is full.
func TestRecordsGrow(t *testing.T) {
	table := newRecords()
	const n = 30000
	lost := 0
	for i := range uint64(n) {
		for table.grow(4 * int(i)) {
		}
		h := mix(i)
		if table.find(h) == nil && table.add(h, newRecord(h, uint32(i+1)), uint32(i+1)) != 0 {
			lost++
		}
	}
	found := 0
	for i := range uint64(n) {
		if r := table.find(mix(i)); r != nil && r.last() == uint32(i+1) {
			found++
		}
	}
	require.GreaterOrEqual(t, found+lost, n-5, "names are short, so a few keys may be taken for others")
	require.Less(t, lost, n/100)
}

// TestFullBucketLosesTheOldest is what makes the table forget in order.
func TestFullBucketLosesTheOldest(t *testing.T) {
	table, now := newRecords(), uint32(100)
	for i := range uint32(8) {
		require.Zero(t, table.add(uint64(i)<<20, newRecord(uint64(i)<<20, 50+(i+3)%8), now))
	}
	lost := table.add(uint64(9)<<20, newRecord(uint64(9)<<20, now), now)
	require.Equal(t, uint32(50), lost.last())
}

// TestClockWraps: ages are right when the clock has gone round.
func TestClockWraps(t *testing.T) {
	r := newRecord(1, lastMask-1)
	require.Equal(t, uint32(4), r.age(2))
}

func TestPoliciesRank(t *testing.T) {
	pick := func(kind Kind, prepare func(p *Policy, s *shelf)) uint64 {
		p := New(kind, 1, NewLearner())
		s := fill(p, 10)
		prepare(p, s)
		c, found := p.Pick(s, none)
		require.True(t, found)
		return c.Hash
	}
	use := func(p *Policy, s *shelf, hashes ...uint64) {
		for _, hash := range hashes {
			p.Use(hash, s.Len())
		}
	}
	require.EqualValues(t, 3, pick(AllKeysLRU, func(p *Policy, s *shelf) { use(p, s, 1, 2, 4, 5) }), "used longest ago")
	require.EqualValues(t, 7, pick(AllKeysLFU, func(p *Policy, s *shelf) { use(p, s, 1, 2, 3, 4, 5, 6, 8, 9, 10) }), "used least often")
	expires := func(_ *Policy, s *shelf) { s.held[4].ExpireAt, s.held[7].ExpireAt = 2000, 1000 }
	require.EqualValues(t, 8, pick(VolatileTTL, expires), "expires first")
	require.EqualValues(t, 5, pick(VolatileLRU, expires), "of those that expire, used longest ago")
	require.EqualValues(t, 8, pick(VolatileLFU, func(p *Policy, s *shelf) { expires(p, s); use(p, s, 5) }), "of those that expire, used least often")
	require.Contains(t, []uint64{5, 8}, pick(VolatileRandom, expires))
	require.EqualValues(t, 6, pick(Adaptive, func(_ *Policy, s *shelf) { s.held[5].Size = 1000 }), "equally likely to be used, but large")
}

func TestNothingMayGo(t *testing.T) {
	for _, kind := range []Kind{NoEviction, VolatileLRU, VolatileLFU, VolatileTTL, VolatileRandom} {
		p := New(kind, 1, NewLearner())
		_, found := p.Pick(fill(p, 10), none)
		require.False(t, found, "%v: no key expires", kind)
	}
	for kind := range Kind(Kinds) {
		_, found := New(kind, 1, NewLearner()).Pick(new(shelf), none)
		require.False(t, found, "%v: nothing is there", kind)
	}
}

// TestVolatileTTLLooksBehindThoseSkipped: it is exact, however many are on their way out.
func TestVolatileTTLLooksBehindThoseSkipped(t *testing.T) {
	p := New(VolatileTTL, 1, NewLearner())
	s := fill(p, 30)
	for i := range s.held {
		s.held[i].ExpireAt = int64(1000 - i)
	}
	c, found := p.Pick(s, func(hash uint64) bool { return hash > 5 })
	require.True(t, found)
	require.EqualValues(t, 5, c.Hash)
	_, found = p.Pick(s, func(uint64) bool { return true })
	require.False(t, found)
}

// TestLearnsLoops: around a loop that is larger than the cache, what was used last comes again last.
func TestLearnsLoops(t *testing.T) {
	l := NewLearner()
	p := New(Adaptive, 1, l)
	for range 60 {
		for i := range uint64(500) {
			p.Use(i, 100)
		}
	}
	c := classOf(makeRecord(0, 0, uint8(ageClass(500)), 200))
	require.Greater(t, l.worth[c][ageClass(400)], 2*l.worth[c][ageClass(10)], "near its next use")
	require.Less(t, l.worth[c][ageClass(1500)], l.worth[c][ageClass(400)], "it should have come")
}

// TestLearnsRecency: when keys come again soon or never, the older the worse.
func TestLearnsRecency(t *testing.T) {
	l := NewLearner()
	p := New(Adaptive, 1, l)
	for i := range uint64(60000) {
		p.Use(i/2-i%2*20, 100) // each key twice, 40 uses apart
	}
	require.Greater(t, l.worth[0][ageClass(20)], 20*l.worth[0][ageClass(400)])
}

// TestPickIsSound drives any policy with any uses: equal calls give equal choices, and a victim is
// always one that may go.
func TestPickIsSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := Kind(rapid.IntRange(0, Kinds-1).Draw(t, "kind"))
		p, twin, s := New(kind, 3, NewLearner()), New(kind, 3, NewLearner()), new(shelf)
		skipped := map[uint64]bool{}
		skip := func(hash uint64) bool { return skipped[hash] }
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			hash := rapid.Uint64Range(1, 40).Draw(t, "hash")
			switch rapid.SampledFrom([]string{"use", "use", "pick", "drop", "skip", "kind"}).Draw(t, "step") {
			case "use":
				if _, held := s.Find(hash); !held {
					s.held = append(s.held, Candidate{Hash: hash, Version: 1, Size: rapid.Int64Range(1, 100).Draw(t, "size"), ExpireAt: rapid.Int64Range(0, 2).Draw(t, "expires")})
				}
				p.Use(hash, s.Len())
				twin.Use(hash, s.Len())
			case "drop":
				s.drop(hash)
			case "skip":
				skipped[hash] = true
			case "kind":
				kind = Kind(rapid.IntRange(0, Kinds-1).Draw(t, "kind"))
				p.SetKind(kind)
				twin.SetKind(kind)
			case "pick":
				c, found := p.Pick(s, skip)
				again, foundAgain := twin.Pick(s, skip)
				require.Equal(t, c, again)
				require.Equal(t, found, foundAgain)
				if found {
					held, there := s.Find(c.Hash)
					require.True(t, there)
					require.Equal(t, held, c)
					require.False(t, skipped[c.Hash])
					require.False(t, kind.volatile() && c.ExpireAt == 0)
				}
			}
		}
	})
}

// TestLearnerSums: policies that come and go leave nothing behind in what they share.
func TestLearnerSums(t *testing.T) {
	l := NewLearner()
	a, b := New(Adaptive, 1, l), New(Adaptive, 1, l)
	fill(a, 3000)
	fill(b, 10)
	require.Equal(t, 3010, l.records)
	require.Equal(t, int(a.records.buckets+b.records.buckets), l.buckets)
	a.Close()
	b.Close()
	require.Zero(t, l.records)
	require.Zero(t, l.buckets)
}

func BenchmarkUse(b *testing.B) {
	p := New(Adaptive, 1, NewLearner())
	for i := range uint64(1_000_000) {
		p.Use(i, int(i))
	}
	b.ResetTimer()
	for i := range b.N {
		p.Use(mix(uint64(i))%1_000_000, 1_000_000)
	}
}
