package evict

import "math/bits"

// record is what is remembered of one key, present or gone. It lies in five bytes of a bucket:
//
//	name 13 | last use 16 | gap 6 | uses 5
//
// name: bits of the key's hash. last use: the policy's clock, in the bucket's units, modulo 1<<lastBits. gap: the mean distance
// between its uses, in half doublings (ages.go). uses: how often, as a counter that grows ever more slowly (policy.go).
type record struct {
	last uint16
	gap  uint8
	uses uint8
}

const (
	nameBits = 12 // and one that marks how many of them are known
	lastBits = 16
	gapBits  = 6
	usesBits = 5
	nameLow  = 6 // records of whose names less is known are dropped

	usesMax  = 1<<usesBits - 1
	unitsMax = 7 << (lastBits - 3) // older records are dropped before the clock wraps
	noGap    = 1<<gapBits - 1      // used once, as far as is known
)

// bucket is a cache line of records. Units of time are 1<<shift uses: ages count by their ratio, and what is young
// where there are millions of keys is old where there are thousands.
type bucket struct {
	shift uint8
	_     [3]uint8
	names [bucketLen]uint16 // the name, and above it the last bits of uses; 0: no record
	lasts [bucketLen]uint16
	marks [bucketLen]uint8 // gap, and above it the first bits of uses
}

const bucketLen = 12

func (b *bucket) name(i int) uint16 { return b.names[i] & (2<<nameBits - 1) }

func (b *bucket) record(i int) record {
	return record{b.lasts[i], b.marks[i] & noGap, b.marks[i]>>gapBits | uint8(b.names[i]>>(nameBits+1))<<(8-gapBits)}
}

func (b *bucket) put(i int, name uint16, r record) {
	b.names[i] = name | uint16(r.uses>>(8-gapBits))<<(nameBits+1)
	b.lasts[i], b.marks[i] = r.last, r.gap|r.uses<<gapBits
}

// age is how many uses of other keys ago a record's key was used: the middle of what its units say.
func (b *bucket) age(last uint16, now uint32) uint32 {
	return uint32(uint16(now>>b.shift)-last)<<b.shift + 1<<b.shift>>1
}

// unit makes the bucket count time in longer units.
func (b *bucket) unit(shift uint8, now uint32) {
	for i, last := range b.lasts {
		units := uint16(now>>b.shift) - last
		b.lasts[i] = uint16(now>>shift) - units>>(shift-b.shift)
	}
	b.shift = shift
}

// records is a hash table of records in buckets. It grows a bucket at a time (linear hashing), so that no turn pays for more,
// and when it may not grow the record used longest ago in a bucket makes room. It is lossy: names are short, so keys may be taken
// for one another, seldom.
//
// A name is the bits of the hash above those that chose the bucket. When a bucket is split the lowest of them chooses
// between its halves, and is known from then on by where the record lies: the name has one bit less, until the key is used again.
// A mark (a 1 above the highest) tells how many there are.
type records struct {
	pages   []*[pageBuckets]bucket
	buckets uint32
	level   uint // buckets is at least 1<<level, and less than twice that
	shift   uint8
	hand    uint32
}

const (
	pageBits    = 9
	pageBuckets = 1 << pageBits
	bucketsMax  = 1 << 24 // for 67 million keys
	unitBits    = 12      // a unit is such a part of the uses of which records are kept, that is 1/2730 to 1/1365 of as many uses as there are keys
)

func newRecords() *records {
	return &records{pages: []*[pageBuckets]bucket{new([pageBuckets]bucket)}, buckets: pageBuckets, level: pageBits}
}

// bucket is a key's, and the bits of its hash that name it there.
func (t *records) bucket(hash uint64, now uint32) (b *bucket, name uint16) {
	i, level := uint32(hash)&(2<<t.level-1), t.level+1
	if i >= t.buckets {
		i &= 1<<t.level - 1
	}
	if i >= t.buckets&^(1<<t.level) && i < 1<<t.level {
		level = t.level // it is not split yet
	}
	return t.at(i, now), 1<<nameBits | uint16(hash>>level)&(1<<nameBits-1)
}

func (t *records) at(i, now uint32) *bucket {
	b := &t.pages[i>>pageBits][i&(pageBuckets-1)]
	if b.shift != t.shift {
		b.unit(t.shift, now)
	}
	return b
}

// spot is where a record is: a bucket, and which of its records; or none, but where it would be.
type spot struct {
	b    *bucket
	i    int // -1: none
	name uint16
}

func (t *records) find(hash uint64, now uint32) spot {
	b, name := t.bucket(hash, now)
	for i := range b.names {
		known := b.name(i)
		mark := uint16(1) << bits.Len16(known) >> 1
		if known != 0 && known == name&(mark-1)|mark {
			return spot{b, i, name}
		}
	}
	return spot{b, -1, name}
}

func (s spot) found() bool           { return s.i >= 0 }
func (s spot) record() record        { return s.b.record(s.i) }
func (s spot) age(now uint32) uint32 { return s.b.age(s.b.lasts[s.i], now) }
func (s spot) set(gap, uses uint8, now uint32) {
	s.b.put(s.i, s.name, record{uint16(now >> s.b.shift), gap, uses})
}

// add puts a record for a key that has none, and returns the one that made room, with its age.
func (s spot) add(now uint32) (lost record, age uint32, full bool) {
	oldest := 0
	for i, name := range s.b.names {
		if name == 0 {
			s.i = i
			s.set(noGap, 1, now)
			return record{}, 0, false
		}
		if now := uint16(now >> s.b.shift); now-s.b.lasts[i] > now-s.b.lasts[oldest] {
			oldest = i
		}
	}
	s.i = oldest
	lost, age = s.record(), s.age(now)
	s.set(noGap, 1, now)
	return lost, age, true
}

// grow splits one bucket, if the table is to have room for that many records and does not.
func (t *records) grow(records int, now uint32) (grew bool) {
	if int(t.buckets)*bucketLen >= records || t.buckets >= bucketsMax {
		return false
	}
	if t.buckets&(pageBuckets-1) == 0 {
		t.pages = append(t.pages, new([pageBuckets]bucket))
	}
	from, to := t.at(t.buckets&^(1<<t.level), now), t.at(t.buckets, now)
	for i := range from.names {
		name := from.name(i)
		if name == 0 {
			continue
		}
		r, b := from.record(i), from
		if name&1 != 0 {
			b = to
		}
		from.names[i] = 0
		if name >= 2<<nameLow {
			b.put(i, name>>1, r)
		}
	}
	if t.buckets++; t.buckets == 2<<t.level {
		t.level++
	}
	t.shift = uint8(max(0, bits.Len(uint(t.buckets*bucketLen))-1-unitBits))
	return true
}

// next walks around the buckets.
func (t *records) next(now uint32) *bucket {
	if t.hand++; t.hand >= t.buckets {
		t.hand = 0
	}
	return t.at(t.hand, now)
}
