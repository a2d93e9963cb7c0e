package grpcapi

import (
	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// A read is answered where its packet was read, if this node leads the shard, or holds a copy of the key, and no turn of the lane is under way: without a
// lane's being woken, as it is for Redis clients (net/resp, look.go; wire.Looker says what holds). All packets of a batch are
// looked up together. What cannot be goes to the lane, as every write does: a client that waits for no answer gets no order
// among its requests either way.

const (
	// lookMost bounds the reads of one request that are looked up: what is longer is no look.
	lookMost = 64
	// lookStep is after how many bytes of answers the lanes may have a turn.
	lookStep = 16 << 10
	// lookLong is how long the values of one request may be together: the lanes have no turn meanwhile. One may be longer, for a
	// lane would copy it in a turn of its own.
	lookLong = 128 << 10
)

// look answers a request of reads at once, and reports whether it could.
func (c *conversation) look(tag uint64, req *wire.Request, epoch wire.Epoch) bool {
	b := c.server.backend
	if len(req.Commands) > lookMost || req.IsWrite() || b.Leader(req.Shard) != b.Self().ID && !b.Holds(req.Shard) {
		return false
	}
	defer func() { clear(c.found) }()
	c.found = c.found[:0]
	for i, bytes := 0, 0; i < len(req.Commands); i++ {
		l := wire.Look{Shard: req.Shard, Command: req.Commands[i]}
		if bytes > lookLong || !c.looker.Look(&l) {
			return false
		}
		c.found, bytes = append(c.found, l.Result), bytes+len(l.Result.Value)
	}
	resp := wire.Response{Epoch: epoch, Results: c.found}
	body, pooled := encode(&resp) // copies what lies in the store
	c.answer(answer{tag: tag, kind: torcv1.PacketResponse, body: body, pooled: pooled, size: len(body), most: longest(c.found)})
	if c.looked += len(body); c.looked > lookStep {
		c.lookedUp()
	}
	return true
}

// lookedUp lets the lanes go on. It is called before the reader waits for anything.
func (c *conversation) lookedUp() {
	c.looker.Done()
	c.looked = 0
}
