package peer

import (
	"sync/atomic"

	"google.golang.org/grpc/mem"

	"torc/net/buffers"
)

// unwritten counts the bytes that gRPC was given for one stream and has not written to the connection's buffer: buffers
// are freed then, and not before the stream's quota is given back (processData in its transport).
type unwritten struct{ bytes atomic.Int64 }

// pooled makes a buffer for gRPC out of one of the pool's, which gets it back.
func (u *unwritten) pooled(b *[]byte) mem.Buffer {
	u.bytes.Add(int64(len(*b)))
	return mem.NewBuffer(b, (*repaid)(u))
}

// foreign makes a buffer for gRPC out of memory that nobody gets back. It is of apartLeast bytes or more: gRPC does not tell
// when it frees short ones.
func (u *unwritten) foreign(b []byte) mem.Buffer {
	u.bytes.Add(int64(len(b)))
	return mem.NewBuffer(&b, (*lent)(u))
}

// repaid and lent are where gRPC gives buffers back.
type (
	repaid unwritten
	lent   unwritten
)

// Get is part of mem.BufferPool.
func (*repaid) Get(n int) *[]byte { return buffers.Pool.Get(n) }

// Put is part of mem.BufferPool.
func (r *repaid) Put(b *[]byte) {
	r.bytes.Add(-int64(len(*b)))
	buffers.Pool.Put(b)
}

// Get is part of mem.BufferPool.
func (*lent) Get(n int) *[]byte { return buffers.Pool.Get(n) }

// Put is part of mem.BufferPool.
func (l *lent) Put(b *[]byte) { l.bytes.Add(-int64(len(*b))) }
