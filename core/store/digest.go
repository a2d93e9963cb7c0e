package store

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// sums are the parts of the digest: for each kind of thing the sum of all their hashes, modulo
// 2^64. A sum does not depend on the order in which things came and went, and is kept up to date by one
// addition or subtraction for each change.
type sums struct {
	keys, sessions, outcomes, leases uint64
}

// Digest returns a fingerprint of the whole replicated state: keys, values, versions, expiries,
// sessions and their outcomes, leases, counters and log time. Two stores are in the same state if and (but for
// chance, once in 2^64) only if their digests are equal. It takes constant time.
//
// It is made to find faults, not to withstand an adversary: xxhash is not a cryptographic hash.
func (s *Store) Digest() uint64 {
	d := hashNumbers(uint64(s.time), s.version, s.uses,
		uint64(s.keys.count), uint64(s.sessions.Len()), uint64(s.outcomes.Len()),
		s.sums.keys, s.sums.sessions, s.sums.outcomes)
	if s.leases.Len() > 0 {
		d = hashNumbers(d, uint64(s.leases.Len()), s.sums.leases)
	}
	if s.caching != 0 {
		d = hashNumbers(d, uint64(s.caching))
	}
	return d
}

func (e *entry) digest() uint64 {
	return hashParts([3]uint64{e.version, uint64(e.expireAt), uint64(len(e.key))}, e.key, e.value)
}

// entryDigest is the digest of an entry whose value is only being written.
type entryDigest struct{ xxhash.Digest }

func digestOf(key []byte, version uint64, expireAt int64) (d entryDigest) {
	d.Reset()
	var form [24]byte
	for i, n := range [3]uint64{version, uint64(expireAt), uint64(len(key))} {
		binary.LittleEndian.PutUint64(form[8*i:], n)
	}
	_, _ = d.Write(form[:])
	_, _ = d.Write(key)
	return d
}

// takeStep is how much of a value is copied before it is hashed. It fits into the cache that is nearest to a processor: of 1 MiB that is copied
// first the beginning is out of all but the farthest again when it is to be hashed, and both together take half as long again.
const takeStep = 8 << 10

// take copies the next part of the value to where it stays, unless it lies there, and adds it.
func (d *entryDigest) take(to, from []byte) {
	for len(from) > 0 {
		n := min(len(from), takeStep)
		if &to[0] != &from[0] {
			copy(to, from[:n])
		}
		_, _ = d.Write(to[:n])
		to, from = to[n:], from[n:]
	}
}

func (e *session) digest() uint64 {
	return hashNumbers(e.client, e.floor, e.use, uint64(e.usedAt))
}

func (o *outcome) digest() uint64 {
	return hashParts([3]uint64{o.client, o.seq, uint64(len(o.results))}, o.results, nil)
}

func (l *lease) digest() uint64 {
	return hashParts([3]uint64{l.token, uint64(l.until), uint64(len(l.key))}, l.key, nil)
}

func hashParts(head [3]uint64, a, b []byte) uint64 {
	const short = 256 // to hash a copy in one go is faster than in parts
	if 24+len(a)+len(b) <= short {
		var space [short]byte
		form := space[:0]
		for _, n := range head {
			form = binary.LittleEndian.AppendUint64(form, n)
		}
		return xxhash.Sum64(append(append(form, a...), b...))
	}
	var h xxhash.Digest
	h.Reset()
	var form [24]byte
	for i, n := range head {
		binary.LittleEndian.PutUint64(form[8*i:], n)
	}
	_, _ = h.Write(form[:])
	_, _ = h.Write(a)
	_, _ = h.Write(b)
	return h.Sum64()
}

func hashNumbers(numbers ...uint64) uint64 {
	var form [9 * 8]byte
	b := form[:0]
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return xxhash.Sum64(b)
}
