package store

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
	"github.com/tidwall/btree"
)

// A snapshot is one stream of bytes, whatever the sizes of the chunks in which it travels:
//
//	magic "TSN1" | Shard | Time | Version | Uses | keys | sessions | outcomes     header
//	key bytes | value bytes | version | expireAt                                  for each key, by (order, key)
//	client id | floor | use | usedAt                                              for each session, by client
//	client id | seq | results bytes                                               for each outcome, by (client, seq)
//	key bytes | token | until                                                     for each lease, by (order, key)
//	digest id                                                                     trailer
//
// (numbers are uvarints, an id is 8 bytes with the little end first, bytes have a uvarint length
// before them). A chunk is a piece of it, cut anywhere:
//
//	number | piece | checksum id
//
// Its checksum is the xxhash64 of the checksum before it (0 for the first), the number and
// the piece; so a chunk that is altered, lost, doubled or out of order is noticed at once,
// and a stream that ends early lacks its trailer. If there are leases the magic is "TSN2", and their
// number ends the header. If promises are given to caching clients it is "TSN3", and the number of leases and for how long
// promises are given end the header.
const (
	snapshotMagic        = "TSN1"
	snapshotMagicLeases  = "TSN2"
	snapshotMagicCaching = "TSN3"
)

// chunkMin is the least length of a piece (but for the last): a chunk's frame costs about ten bytes.
const chunkMin = 64

// Snapshot is the state at one moment, read chunk by chunk while the store goes on, on the store's own
// thread. What the store replaces meanwhile is kept until the snapshot has passed it (see keyspace). It must be
// closed.
type Snapshot struct {
	walk     walk
	sessions btree.IterG[*session]
	outcomes btree.IterG[*outcome]
	leases   btree.IterG[*lease]
	digest   uint64

	part     part
	head     []byte // encoded, not yet handed out
	value    []byte // what of a value follows head
	tail     []byte // what follows value
	number   uint64 // of the next chunk
	checksum uint64 // of the chunk before
	done     bool
}

// part is what of the stream is next.
type part int

const (
	partHeader part = iota
	partKeys
	partSessions
	partOutcomes
	partLeases
	partTrailer
	partEnd
)

// Snapshot returns the state as it is now, in constant time.
func (s *Store) Snapshot() *Snapshot {
	s.audit()
	sn := &Snapshot{
		walk:     walk{keys: s.keys, version: s.version},
		sessions: s.sessions.Copy().Iter(),
		outcomes: s.outcomes.Copy().Iter(),
		leases:   s.leases.Copy().Iter(),
		digest:   s.Digest(),
	}
	s.keys.begin(&sn.walk)
	magic, numbers := snapshotMagic, []uint64{uint64(s.cfg.Shard), uint64(s.time), s.version, s.uses,
		uint64(s.keys.count), uint64(s.sessions.Len()), uint64(s.outcomes.Len())}
	switch {
	case s.caching != 0:
		magic, numbers = snapshotMagicCaching, append(numbers, uint64(s.leases.Len()), uint64(s.caching))
	case s.leases.Len() > 0:
		magic, numbers = snapshotMagicLeases, append(numbers, uint64(s.leases.Len()))
	}
	sn.head = append(sn.head, magic...)
	for _, n := range numbers {
		sn.head = binary.AppendUvarint(sn.head, n)
	}
	return sn
}

// Next returns the next chunk, of about max bytes (at least 64, whatever max is), and whether
// it is the last. After the last one it returns nil and true. The stream depends on the state
// alone, and how it is cut on max alone; a large value is spread over chunks. The caller owns the chunk.
func (sn *Snapshot) Next(max int) (chunk []byte, done bool) {
	if sn.done {
		return nil, true
	}
	if sn.part == partKeys {
		sn.value = sn.walk.resume(sn.value)
	}
	if max < chunkMin {
		max = chunkMin
	}
	chunk = binary.AppendUvarint(nil, sn.number)
	end := len(chunk) + max
	for len(chunk) < end && sn.more() {
		chunk, sn.head = move(chunk, sn.head, end)
		chunk, sn.value = move(chunk, sn.value, end)
		chunk, sn.tail = move(chunk, sn.tail, end)
	}
	sn.number++
	sn.checksum = chunkSum(sn.checksum, chunk)
	sn.done = !sn.more()
	switch {
	case sn.part == partKeys:
		sn.walk.pause(len(sn.value))
	case sn.part > partKeys:
		sn.walk.end()
	}
	return binary.LittleEndian.AppendUint64(chunk, sn.checksum), sn.done
}

// Close gives back what the snapshot keeps. It has no more chunks then.
func (sn *Snapshot) Close() {
	if sn.walk.keys != nil {
		sn.walk.keys.end(&sn.walk)
	}
	*sn = Snapshot{part: partEnd, done: true}
}

func chunkSum(previous uint64, body []byte) uint64 {
	var h xxhash.Digest
	h.Reset()
	_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, previous))
	_, _ = h.Write(body)
	return h.Sum64()
}

// move takes from one slice to the other's end until that is end bytes long.
func move(to, from []byte, end int) (longer, rest []byte) {
	n := min(len(from), end-len(to))
	return append(to, from[:n]...), from[n:]
}

// more reports whether there is more of the stream, and encodes it if nothing waits.
func (sn *Snapshot) more() bool {
	for len(sn.head)+len(sn.value)+len(sn.tail) == 0 {
		if sn.part == partEnd {
			return false
		}
		if !sn.encodeNext() {
			sn.part++
		}
	}
	return true
}

// encodeNext encodes the next record of the present part; false: there is none.
func (sn *Snapshot) encodeNext() bool {
	switch sn.part {
	case partKeys:
		e := sn.walk.next()
		if e == nil {
			return false
		}
		head := append(binary.AppendUvarint(sn.head[:0], uint64(len(e.key))), e.key...)
		sn.head = binary.AppendUvarint(head, uint64(len(e.value)))
		sn.value = e.value
		sn.tail = binary.AppendUvarint(binary.AppendUvarint(sn.tail[:0], e.version), uint64(e.expireAt))
		return true
	case partSessions:
		if !sn.sessions.Next() {
			return false
		}
		e := sn.sessions.Item()
		head := binary.LittleEndian.AppendUint64(sn.head[:0], e.client)
		for _, n := range [...]uint64{e.floor, e.use, uint64(e.usedAt)} {
			head = binary.AppendUvarint(head, n)
		}
		sn.head = head
		return true
	case partOutcomes:
		if !sn.outcomes.Next() {
			return false
		}
		o := sn.outcomes.Item()
		head := binary.LittleEndian.AppendUint64(sn.head[:0], o.client)
		head = binary.AppendUvarint(head, o.seq)
		sn.head = binary.AppendUvarint(head, uint64(len(o.results)))
		sn.value = o.results
		return true
	case partLeases:
		if !sn.leases.Next() {
			return false
		}
		l := sn.leases.Item()
		head := append(binary.AppendUvarint(sn.head[:0], uint64(len(l.key))), l.key...)
		sn.head = binary.AppendUvarint(binary.AppendUvarint(head, l.token), uint64(l.until))
		return true
	case partTrailer:
		sn.part = partEnd
		sn.head = binary.LittleEndian.AppendUint64(sn.head[:0], sn.digest)
		return true
	}
	return false
}
