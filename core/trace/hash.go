package trace

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
)

// Hasher folds a stream of events into one hash. Two runs are the same run if and only if
// their hashes are equal.
type Hasher struct {
	sum    hash.Hash
	buf    []byte
	events uint64
}

// NewHasher returns an empty Hasher.
func NewHasher() *Hasher {
	return &Hasher{sum: sha256.New(), buf: make([]byte, 0, 8192)}
}

// Emit adds an event.
func (h *Hasher) Emit(e Event) {
	h.events++
	b := h.buf
	b = append(b, byte(e.Kind))
	for _, v := range [...]uint64{uint64(e.At), uint64(e.Node), uint64(e.Peer), uint64(e.Shard),
		uint64(e.Replica), e.Term, e.Index, e.A, e.B, uint64(len(e.Note))} {
		b = binary.AppendUvarint(b, v)
	}
	b = append(b, e.Note...)
	if len(b) > 4096 {
		h.sum.Write(b)
		b = b[:0]
	}
	h.buf = b
}

// Events returns how many events were added.
func (h *Hasher) Events() uint64 { return h.events }

// Sum returns the hash of all events so far as 64 hexadecimal digits.
func (h *Hasher) Sum() string {
	h.sum.Write(h.buf)
	h.buf = h.buf[:0]
	return hex.EncodeToString(h.sum.Sum(nil))
}
