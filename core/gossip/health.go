package gossip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"torc/core/wire"
)

// Health is what a node says about itself, once a second: news for people and first guesses for
// routers. It may be old or a lie, so nothing that matters may rest on it.
type Health struct {
	Epoch       wire.Epoch     // of the newest cluster map it has
	Uptime      time.Duration  // in whole seconds
	RequestRate uint64         // requests answered a second
	Waiting     uint64         // requests in its inboxes and queues
	MemoryUsed  uint64         // bytes of keys and values
	MemoryMax   uint64         // their bound; 0: none
	HitRate     int            // thousandths of the reads that found their key; HitRateUnknown without reads
	Replicas    uint64         // replicas held, the meta group's among them
	LeadCount   uint64         // shards led, the meta group among them
	Term        uint64         // the newest term in which it leads
	Leads       []wire.ShardID // which shards it leads, in order; nil when they did not fit (LeadCount still counts)
}

// HitRateUnknown says that nothing was read lately.
const HitRateUnknown = -1

// healthVersion is the first byte of a digest. A node drops what it cannot read, so that nodes of
// two versions can live in a cluster: they show nothing of each other.
const healthVersion = 1

// healthNumbers is how many numbers follow it.
const healthNumbers = 10

// What is wrong with a digest.
var (
	ErrDigestVersion   = errors.New("gossip: the digest is of a version that this node does not read")
	ErrDigestMalformed = errors.New("gossip: the digest is malformed")
)

// Encode writes the digest: version, ten numbers, and a bitmap of the shards led (bit s%8 of
// byte s/8), which is left out when it does not fit. It has at most DigestMax bytes.
func (h *Health) Encode() []byte {
	b := []byte{healthVersion}
	for _, n := range h.numbers() {
		b = binary.AppendUvarint(b, n)
	}
	bitmap := bitmapOf(h.Leads)
	if whole := append(binary.AppendUvarint(b, uint64(len(bitmap))), bitmap...); len(whole) <= DigestMax {
		return whole
	}
	return append(b, 0)
}

// numbers are the fields in their order on the wire.
func (h *Health) numbers() [healthNumbers]uint64 {
	return [healthNumbers]uint64{uint64(h.Epoch), uint64(max(h.Uptime, 0) / time.Second), h.RequestRate, h.Waiting, h.MemoryUsed, h.MemoryMax,
		uint64(h.HitRate + 1), h.Replicas, h.LeadCount, h.Term}
}

func bitmapOf(shards []wire.ShardID) (bitmap []byte) {
	for _, s := range shards {
		for int(s/8) >= len(bitmap) {
			bitmap = append(bitmap, 0)
		}
		bitmap[s/8] |= 1 << (s % 8)
	}
	return bitmap
}

// DecodeHealth reads a digest. The error wraps ErrDigestVersion or ErrDigestMalformed.
func DecodeHealth(b []byte) (h Health, err error) {
	switch {
	case len(b) == 0:
		return h, fmt.Errorf("%w: it is empty", ErrDigestMalformed)
	case len(b) > DigestMax:
		return h, fmt.Errorf("%w: it has %d bytes, more than %d", ErrDigestMalformed, len(b), DigestMax)
	case b[0] != healthVersion:
		return h, fmt.Errorf("%w: %d, not %d", ErrDigestVersion, b[0], healthVersion)
	}
	b = b[1:]
	var numbers [healthNumbers]uint64
	for i := range numbers {
		n, size := binary.Uvarint(b)
		if size <= 0 {
			return h, fmt.Errorf("%w: number %d is cut off", ErrDigestMalformed, i)
		}
		numbers[i], b = n, b[size:]
	}
	size, n := binary.Uvarint(b)
	if n <= 0 || size != uint64(len(b)-n) {
		return h, fmt.Errorf("%w: the bitmap's length is not what is left", ErrDigestMalformed)
	}
	return healthOf(numbers, b[n:])
}

func healthOf(n [healthNumbers]uint64, bitmap []byte) (h Health, err error) {
	if n[1] > math.MaxInt64/uint64(time.Second) || n[6] > 1001 {
		return h, fmt.Errorf("%w: an uptime of %d s, a hit rate of %d", ErrDigestMalformed, n[1], n[6])
	}
	h = Health{Epoch: wire.Epoch(n[0]), Uptime: time.Duration(n[1]) * time.Second, RequestRate: n[2], Waiting: n[3], MemoryUsed: n[4],
		MemoryMax: n[5], HitRate: int(n[6]) - 1, Replicas: n[7], LeadCount: n[8], Term: n[9]}
	for i, bits := range bitmap {
		for bit := range 8 {
			if bits&(1<<bit) != 0 {
				h.Leads = append(h.Leads, wire.ShardID(8*i+bit))
			}
		}
	}
	if len(h.Leads) > 0 && uint64(len(h.Leads)) != h.LeadCount {
		return h, fmt.Errorf("%w: it names %d shards and counts %d", ErrDigestMalformed, len(h.Leads), h.LeadCount)
	}
	return h, nil
}
