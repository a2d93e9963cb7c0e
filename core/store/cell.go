package store

import (
	"encoding/binary"

	"torc/core/slab"
)

// An entry lies in one cell of the slab:
//
//	flags | expireAt 5 or 8 (only if it expires) | sum 8 (only if it is long) | key length | value length | version | key | value
//
// (the three numbers are uvarints). An expiry takes five bytes, counted from expireBase, if it is in the 34 years after it. The first byte
// tells an entry from a leaf of the index and from parts of the wheel (due.go), which lie in the same heap.
const (
	flagExpires = 1 << iota // it has an expiry, and is among those that do
	flagRetired             // it is out of the index; only snapshots know it
	flagLeaf                // no entry but a leaf,
	flagNode                // a node of the wheel,
	flagBucket              // a bucket of it
	flagLong                // an entry that is long: it keeps its digest
	flagFar                 // its expiry takes eight bytes
)

const (
	sumSize  = 8
	sumLeast = 4 << 10 // bytes of key and value of a long entry
)

// expireBase is the first moment of 2020, in Unix milliseconds.
const (
	expireBase = 1_577_836_800_000
	nearSize   = 5
	farSize    = 8
)

// expiresFar reports whether an expiry must be written in full.
func expiresFar(at int64) bool { return uint64(at-expireBase)>>(8*nearSize) != 0 }

// entry is what a cell holds, taken apart. Its key and value are the cell's own bytes: they are
// gone with the next change to the store, so whatever leaves the store is a copy.
type entry struct {
	key, value []byte
	order      uint64 // see Seed.order; only where it is said to be set
	version    uint64
	expireAt   int64 // Unix milliseconds; 0 = never
	ref        slab.Ref
	retired    bool
	sum        []byte // of a long entry: where its digest is kept, for that is dear to compute again
}

// read takes a cell apart. It leaves the order alone.
func (e *entry) read(r slab.Ref, b []byte) {
	flags, at := b[0], 1
	e.ref, e.expireAt, e.retired = r, 0, flags&flagRetired != 0
	switch {
	case flags&flagFar != 0:
		e.expireAt = int64(binary.LittleEndian.Uint64(b[1:]))
		at += farSize
	case flags&flagExpires != 0:
		e.expireAt = expireBase + int64(binary.LittleEndian.Uint32(b[1:])) + int64(b[5])<<32
		at += nearSize
	}
	sum := at
	if flags&flagLong != 0 {
		at += sumSize
	}
	e.sum = b[sum:at:at]
	keyLength, n := binary.Uvarint(b[at:])
	at += n
	valueLength, n := binary.Uvarint(b[at:])
	at += n
	version, n := binary.Uvarint(b[at:])
	at += n
	e.version = version
	end := at + int(keyLength)
	e.key = b[at:end:end]
	last := end + int(valueLength)
	e.value = b[end:last:last]
}

// cellSize is how long an entry's cell must be.
func cellSize(key, value int, version uint64, expireAt int64) int {
	n := 1 + uvarintSize(uint64(key)) + uvarintSize(uint64(value)) + uvarintSize(version) + key + value
	switch {
	case expireAt == 0:
	case expiresFar(expireAt):
		n += farSize
	default:
		n += nearSize
	}
	if key+value >= sumLeast {
		n += sumSize
	}
	return n
}

func uvarintSize(v uint64) (n int) {
	for n = 1; v >= 0x80; n++ {
		v >>= 7
	}
	return n
}

// write puts an entry together in a cell and leaves e as what is there. The value comes in two parts; own says that
// the first is what the cell holds already, or a part of that.
func (e *entry) write(r slab.Ref, b []byte, key, value, more []byte, own bool, version uint64, expireAt int64) {
	length := len(value) + len(more)
	at := cellSize(len(key), length, version, expireAt) - length
	to := b[at : at+length : at+length]
	if own {
		if len(value) > 0 && &to[0] != &value[0] { // else it is there already: it was appended to
			copy(to, value) // first, for it may lie where the rest will
		}
		value = to[:len(value)]
	}
	var digest uint64
	if len(key)+length >= sumLeast {
		d := digestOf(key, version, expireAt)
		d.take(to, value)
		d.take(to[len(value):], more)
		digest = d.Sum64()
	} else {
		copy(to, value)
		copy(to[len(value):], more)
	}
	e.key, e.value = b[at-len(key):at:at], to
	copy(e.key, key)
	head := b[:1]
	head[0] = 0
	switch {
	case expireAt == 0:
	case expiresFar(expireAt):
		head[0] = flagExpires | flagFar
		head = binary.LittleEndian.AppendUint64(head, uint64(expireAt))
	default:
		head[0] = flagExpires
		after := uint64(expireAt - expireBase)
		head = append(binary.LittleEndian.AppendUint32(head, uint32(after)), byte(after>>32))
	}
	sum := len(head)
	if len(key)+length >= sumLeast {
		b[0] |= flagLong
		head = binary.LittleEndian.AppendUint64(head, digest)
	}
	e.sum = b[sum:len(head):len(head)]
	head = binary.AppendUvarint(head, uint64(len(key)))
	head = binary.AppendUvarint(head, uint64(length))
	binary.AppendUvarint(head, version)
	e.ref, e.version, e.expireAt, e.retired = r, version, expireAt, false
}
