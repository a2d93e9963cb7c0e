package buffers

import (
	"math/bits"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/experimental"
	"google.golang.org/grpc/mem"
)

const (
	classMin   = 12 // the smallest buffers have 1<<classMin bytes; of shorter ones gRPC keeps none
	classMax   = 21 // and the largest: enough for a value of 1 MiB and what is around it
	classCount = classMax - classMin + 1

	// Most is the length of the longest buffers that are kept.
	Most = 1 << classMax
)

// Pool is what all of the process share.
var Pool mem.BufferPool = new(pool)

func init() { experimental.SetDefaultBufferPool(Pool) }

// ForServer lets a server read into buffers of the pool: it has chosen its own before anybody can change the default.
func ForServer() grpc.ServerOption { return experimental.BufferPool(Pool) }

// pool keeps buffers by the powers of two that they are long.
type pool struct{ classes [classCount]sync.Pool }

// Get returns a buffer of n bytes, of any content.
func (p *pool) Get(n int) *[]byte {
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

// Put takes back what Get returned.
func (p *pool) Put(b *[]byte) {
	n := cap(*b)
	if class := bits.Len(uint(n)) - 1; n == 1<<class && class >= classMin && class <= classMax {
		p.classes[class-classMin].Put(b)
	}
}
