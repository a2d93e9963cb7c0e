package evict

// record is what is remembered of one key, present or gone, in eight bytes:
//
//	63       41 40          15 14     8 7       0
//	+----------+--------------+--------+---------+
//	| name  23 | last use  26 | gap  7 | uses  8 |
//	+----------+--------------+--------+---------+
//
// name: bits of the key's hash. last use: the policy's clock, which counts uses of all keys, and wraps. gap: the
// mean distance between its uses, as an age class (ages.go). uses: how often, as a logarithmic counter. A record is
// never zero, because it has been used.
type record uint64

const (
	nameBits = 23
	lastBits = 26
	nameMask = 1<<nameBits - 1
	lastMask = 1<<lastBits - 1
	gapShift = 8

	ageMax = 1 << (lastBits - 1) // older records are dropped before the clock wraps

	noGap = 127 // used once, as far as is known
)

func makeRecord(name, last uint32, gap, uses uint8) record {
	return record(name)<<41 | record(last&lastMask)<<15 | record(gap)<<gapShift | record(uses)
}

// newRecord is that of a key that was never seen before.
func newRecord(hash uint64, now uint32) record { return makeRecord(nameOf(hash), now, noGap, 1) }

func (r record) name() uint32 { return uint32(r >> 41) }
func (r record) last() uint32 { return uint32(r>>15) & lastMask }
func (r record) gap() uint8   { return uint8(r>>gapShift) & 127 }
func (r record) uses() uint8  { return uint8(r) }

func (r record) age(now uint32) uint32 { return (now - r.last()) & lastMask }

// records is a hash table of records in buckets of eight (a cache line). It grows a bucket at a time
// (linear hashing), so that no turn pays for more, and when it may not grow the record used longest ago
// in a bucket makes room. It is lossy: names are short, so keys may be taken for one another, seldom.
type records struct {
	pages   []*[pageBuckets]bucket
	buckets uint32
	level   uint // buckets is at least 1<<level, and less than twice that
	hand    uint32
}

type bucket [8]record

const (
	pageBits    = 9
	pageBuckets = 1 << pageBits
	bucketsMax  = 1 << (pageBits + nameBits - 8) // then eight bits of a name still tell keys of a bucket apart
)

func newRecords() *records {
	return &records{pages: []*[pageBuckets]bucket{new([pageBuckets]bucket)}, buckets: pageBuckets, level: pageBits}
}

func nameOf(hash uint64) uint32 { return uint32(hash>>pageBits) & nameMask }

func (t *records) bucket(hash uint64) *bucket {
	i := uint32(hash) & (2<<t.level - 1)
	if i >= t.buckets {
		i &= 1<<t.level - 1
	}
	return t.at(i)
}

func (t *records) at(i uint32) *bucket { return &t.pages[i>>pageBits][i&(pageBuckets-1)] }

// find returns where a key's record is; nil: nowhere.
func (t *records) find(hash uint64) *record {
	b, name := t.bucket(hash), nameOf(hash)
	for i := range b {
		if b[i] != 0 && b[i].name() == name {
			return &b[i]
		}
	}
	return nil
}

// add puts a record for a key that has none, and returns the one that made room (0: none had to).
func (t *records) add(hash uint64, r record, now uint32) (lost record) {
	b := t.bucket(hash)
	oldest := 0
	for i := range b {
		if b[i] == 0 {
			b[i] = r
			return 0
		}
		if b[i].age(now) > b[oldest].age(now) {
			oldest = i
		}
	}
	lost, b[oldest] = b[oldest], r
	return lost
}

// grow splits one bucket, if the table is to have room for that many records and does not.
func (t *records) grow(records int) (grew bool) {
	if int(t.buckets)*len(bucket{}) >= records || t.buckets >= bucketsMax {
		return false
	}
	if t.buckets&(pageBuckets-1) == 0 {
		t.pages = append(t.pages, new([pageBuckets]bucket))
	}
	from, to := t.at(t.buckets&^(1<<t.level)), t.at(t.buckets)
	for i, r := range from {
		if r != 0 && r.name()>>(t.level-pageBits)&1 != 0 {
			to[i], from[i] = r, 0
		}
	}
	if t.buckets++; t.buckets == 2<<t.level {
		t.level++
	}
	return true
}

// next walks around the buckets.
func (t *records) next() *bucket {
	if t.hand++; t.hand >= t.buckets {
		t.hand = 0
	}
	return t.at(t.hand)
}
