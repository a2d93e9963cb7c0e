package router

import (
	"time"

	"torc/core/wire"
)

// place is where a call is.
type place uint8

const (
	parked   place = iota // waits for a leader
	held                  // waits in this node's replica, not proposed
	proposed              // is in the log, perhaps
	sent                  // was forwarded
	done                  // is answered
)

// Call is a request on its way through this node.
type Call struct {
	*wire.Call
	deadline time.Duration
	size     int64         // bytes, as it was admitted
	since    time.Duration // when it was parked or sent
	place    place
	exposed  bool // was proposed or forwarded, and not surely refused: a write may have been applied
	doubt    bool // so it was before the newest try
	queued   bool // stands in Hall.parked
	own      bool // its session is the lane's
	hops     int  // hints followed since it last waited

	// LeaderOnly keeps a read from replicas that do not lead.
	LeaderOnly bool
	forward    uint64
	to         wire.NodeID
}

// Bytes is about what the call takes.
func (c *Call) Bytes() int64 { return c.size }

// Done reports whether the call has been answered.
func (c *Call) Done() bool { return c.place == done }

// Abandoned reports whether nobody waits for the answer any more, as far as whoever asked says so: what is only read for it need not be.
func (c *Call) Abandoned() bool {
	who, says := c.Sink.(interface{ Gone() bool })
	return says && who.Gone()
}

// Proposed notes that the call goes into the log. From here on it may be applied.
func (c *Call) Proposed() { c.place, c.doubt, c.exposed = proposed, c.exposed, true }

// Dropped takes Proposed back: the log surely did not take it.
func (c *Call) Dropped() { c.place, c.exposed = held, c.doubt }

// insist makes of a write that an earlier try may have applied a retry, whoever tries next: a shard that does not remember its
// session must refuse it then. A redirect alone makes none (exposed is as it was before): a shard that has never heard of the session would
// refuse for ever.
func (c *Call) insist() {
	if c.exposed && c.Session.Client != 0 && c.IsWrite() {
		c.Session.Retry = true
	}
}

// uncertain reports whether no answer would leave open what became of the call.
func (c *Call) uncertain() bool { return c.exposed && c.IsWrite() }
