package peer

import (
	"sync/atomic"

	"google.golang.org/grpc/mem"

	"torc/net/buffers"
)

// unwritten counts the bytes that gRPC was given for one stream and has not let go of. It lets go of a buffer when it has written it
// to the connection's, and has given the stream's quota back before that (processData in its transport): so at zero the quota is
// whole, and SendMsg does not wait. There are two exceptions. When a connection ends gRPC lets go of what was not written, and the
// quota stays spent: zero says nothing then (light does). And what it drops of a stream that never came to be may stay counted until the
// track begins its next one, by the queue alone meanwhile.
type unwritten struct{ bytes atomic.Int64 }

// lightMost is half of what a stream takes before it makes its senders wait (64 KiB). A track is light while gRPC cannot hold more
// than that of it: the last packet was taken without an error, which only a stream does that is not over, and what gRPC held by then was little,
// counted from a packet that found nothing before it. If the connection ends now less than half of the quota is lost with it; the next
// SendMsg does not wait, and fails.
const lightMost = 32 << 10

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
