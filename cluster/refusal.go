package cluster

import (
	"fmt"

	"torc/core/wire"
)

// A copy of a shard that comes in and does not fit is refused, and its sender begins anew. What is wrong with it is so the next time, too, as a
// rule (nodes that compute differently, memory that is broken): the replica is never made, and moves wait for it for ever. So somebody
// must hear of it.

// Refusals are the copies that a lane has refused since the start.
type Refusals struct {
	Copies uint64
	Last   string // what was wrong with the last one
}

// Add adds another lane's.
func (r *Refusals) Add(o Refusals) {
	if r.Copies += o.Copies; o.Copies > 0 {
		r.Last = o.Last
	}
}

// refuse notes that a copy is refused, if it is.
func (r *Refusals) refuse(shard wire.ShardID, err error) error {
	if err != nil {
		r.Copies++
		r.Last = fmt.Sprintf("shard %d: %v", shard, err)
	}
	return err
}
