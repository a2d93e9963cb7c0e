package resp

import "sync/atomic"

// ahead is how much memory may be taken for arguments of which only the length has come, by all connections together.
// With it an argument is received where it stays; without, its buffer grows with what comes, and what has come is copied
// from each buffer to the next. A length costs a client nothing, so there is little of it.
type ahead struct{ left atomic.Int64 }

// aheadMost is what there is of it. Some large values are on their way at a time, not thousands.
const aheadMost = 32 << 20

// aheadOf is what there is of it when all buffers are bounded: a small part of them.
func aheadOf(buffersMax int) int64 {
	if buffersMax <= 0 {
		return aheadMost
	}
	return int64(min(aheadMost, buffersMax/4))
}

func (a *ahead) take(n int) bool {
	if a == nil {
		return false
	}
	if a.left.Add(-int64(n)) < 0 {
		a.left.Add(int64(n))
		return false
	}
	return true
}

func (a *ahead) give(n int) { a.left.Add(int64(n)) }
