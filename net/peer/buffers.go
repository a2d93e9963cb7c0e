package peer

import (
	"math/bits"
	"sync"

	"google.golang.org/grpc/mem"
)

// buffers is a pool such as gRPC's own, but for two things: what it gives out holds whatever was there before, for all of it
// is written over; and there are more sizes. gRPC's clears a whole buffer each time, and one of 1 MiB is what it
// gives to somebody who needs 40 KiB.
type buffers struct{ classes [classCount]sync.Pool }

const (
	classMin   = 12 // the smallest buffers have 1<<classMin bytes; of shorter ones gRPC keeps none
	classMax   = 18 // and the largest, that is packetMax
	classCount = classMax - classMin + 1
)

// pooled is what all networks of this process share.
var pooled = new(buffers)

var _ mem.BufferPool = pooled

// Get returns a buffer of n bytes, of any content.
func (p *buffers) Get(n int) *[]byte {
	class := max(bits.Len(uint(max(n, 1)-1)), classMin)
	if class > classMax {
		b := make([]byte, n)
		return &b
	}
	b, ok := p.classes[class-classMin].Get().(*[]byte)
	if !ok {
		b = new([]byte)
		*b = make([]byte, 1<<class)
	}
	*b = (*b)[:n]
	return b
}

// Put takes back what Get returned. One that has grown meanwhile is left to the collector.
func (p *buffers) Put(b *[]byte) {
	n := cap(*b)
	if class := bits.Len(uint(n)) - 1; n == 1<<class && class >= classMin && class <= classMax {
		p.classes[class-classMin].Put(b)
	}
}
