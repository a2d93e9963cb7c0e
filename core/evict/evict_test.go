package evict

import (
	"math"
	"math/bits"
	"slices"
	"testing"
	"unsafe"

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
	require.Equal(t, ages-1, ageClass(ageMax))
	require.Equal(t, ages-1, ageClass(1<<32-1))
	require.Less(t, gapOf(ageMax), uint8(noGap), "a gap is an age, or noGap")
	for _, age := range []uint32{0, 1, 2, 3, 4, 6, 8, 1000, 1 << 20} {
		require.Equal(t, bits.Len32(age), octave(gapOf(age)), age)
		require.Less(t, gapOf(age), gapOf(age*3/2+1), age)
	}
	require.Equal(t, ageBits, octave(gapOf(ageMax)))
}

// TestRecordsGrow: what was added is found again however often the table grows, with what it said, when no bucket is full.
func TestRecordsGrow(t *testing.T) {
	table := newRecords()
	const n = 60_000
	lost := 0
	for i := range uint32(n) {
		now := 20 * i
		for table.grow(4*int(i), now) {
		}
		if s := table.find(mix(uint64(i)), now); !s.found() {
			if _, _, full := s.add(now); full {
				lost++
			}
		}
	}
	require.Positive(t, table.shift, "units are longer in a large table")
	found, now := 0, uint32(20*n)
	for i := range uint32(n) {
		s := table.find(mix(uint64(i)), now)
		if s.found() && math.Abs(float64(s.age(now))-float64(20*(n-i))) <= float64(uint32(2)<<table.shift) {
			found++
		}
	}
	require.GreaterOrEqual(t, found+lost, n*98/100, "names are short, so a few keys are taken for others")
	require.Less(t, lost, n/100)
}

// TestNamesShorten: a record that is not used while the table grows is known by ever fewer bits, and then dropped; with a use it is
// known by all again.
func TestNamesShorten(t *testing.T) {
	table := newRecords()
	kept, left := mix(1), mix(2)
	for _, h := range []uint64{kept, left} {
		table.find(h, 0).add(0)
	}
	for doubling := range nameBits - nameLow + 1 {
		s := table.find(left, 0)
		require.True(t, s.found())
		require.Equal(t, nameBits-doubling, bits.Len16(s.b.name(s.i))-1)
		s = table.find(kept, 0)
		s.set(3, 7, 0)
		require.Equal(t, record{0, 3, 7}, table.find(kept, 0).record())
		for want := 2 * int(table.buckets); int(table.buckets) < want; {
			require.True(t, table.grow(want*bucketLen, 0))
		}
	}
	require.False(t, table.find(left, 0).found())
	require.True(t, table.find(kept, 0).found())
}

// TestFullBucketLosesTheOldest is what makes the table forget in order.
func TestFullBucketLosesTheOldest(t *testing.T) {
	table := newRecords()
	for i := range uint32(bucketLen) {
		_, _, full := table.find(uint64(i)<<pageBits, 50).add(50 + (i+3)%bucketLen)
		require.False(t, full)
	}
	lost, age, full := table.find(bucketLen<<pageBits, 100).add(100)
	require.True(t, full)
	require.EqualValues(t, 50, age)
	require.Equal(t, record{50, noGap, 1}, lost)
}

// TestRecordsHoldWhatTheySay: no field spills into another.
func TestRecordsHoldWhatTheySay(t *testing.T) {
	var b bucket
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.Uint16Range(1, 2<<nameBits-1).Draw(t, "name")
		r := record{rapid.Uint16().Draw(t, "last"), rapid.Uint8Range(0, noGap).Draw(t, "gap"), rapid.Uint8Range(0, usesMax).Draw(t, "uses")}
		b.put(5, name, r)
		require.Equal(t, r, b.record(5))
		require.Equal(t, name, b.name(5))
	})
	require.EqualValues(t, 64, unsafe.Sizeof(b), "a cache line")
}

// TestClockWraps: ages are right when the clock has gone round.
func TestClockWraps(t *testing.T) {
	for _, start := range []uint32{1<<lastBits - 2, 1<<32 - 2} {
		table := newRecords()
		s := table.find(1, start)
		s.add(start)
		require.Equal(t, uint32(4), table.find(1, start+4).age(start+4))
	}
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
	c := classOf(record{gap: gapOf(500), uses: usesMax})
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
	require.Equal(t, l.seen(0, classes), l.seenOfAll())
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
