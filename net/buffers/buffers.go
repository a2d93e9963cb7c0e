package buffers

import (
	"math/bits"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/experimental"
	"google.golang.org/grpc/mem"
)

const (
	leastBits = 12 // the smallest buffers have 1<<leastBits bytes; of shorter ones gRPC keeps none
	mostBits  = 21 // and the largest: enough for a value of 1 MiB and what is around it
	stepBits  = 2  // from one power of two to the next there are 1<<stepBits sizes: a buffer is a quarter longer than was asked for at most
	steps     = 1 << stepBits
	classes   = (mostBits-leastBits)*steps + 1

	// Most is the length of the longest buffers that are kept.
	Most = 1 << mostBits
)

// Pool is what all of the process share.
var Pool mem.BufferPool = new(pool)

func init() { experimental.SetDefaultBufferPool(Pool) }

// ForServer lets a server read into buffers of the pool: it has chosen its own before anybody can change the default.
func ForServer() grpc.ServerOption { return experimental.BufferPool(Pool) }

// pool keeps buffers by the sizes that they have.
type pool struct{ classes [classes]sync.Pool }

// classOf is the class of the shortest buffers that have n bytes.
func classOf(n int) int {
	if n <= 1<<leastBits {
		return 0
	}
	power := bits.Len(uint(n-1)) - 1
	return (power-leastBits)*steps + (n-1)>>(power-stepBits)&(steps-1) + 1
}

// sizeOf is how long the buffers of a class are.
func sizeOf(class int) int {
	if class == 0 {
		return 1 << leastBits
	}
	power, step := leastBits+(class-1)/steps, (class-1)%steps+1
	return (steps + step) << (power - stepBits)
}

// Get returns a buffer of n bytes, of any content.
func (p *pool) Get(n int) *[]byte {
	if n > Most {
		b := make([]byte, n)
		return &b
	}
	class := classOf(n)
	b, ok := p.classes[class].Get().(*[]byte)
	if !ok {
		b = new([]byte)
		*b = make([]byte, sizeOf(class))
	}
	*b = (*b)[:n]
	return b
}

// Put takes back what Get returned.
func (p *pool) Put(b *[]byte) {
	n := cap(*b)
	if n > Most {
		return
	}
	if class := classOf(n); n == sizeOf(class) {
		p.classes[class].Put(b)
	}
}
