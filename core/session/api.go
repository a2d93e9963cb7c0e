package session

import (
	"time"

	"torc/core/limit"
	"torc/core/wire"
)

// Transport carries the brain's questions to nodes. The production client implements it over
// gRPC, the simulator over simulated links.
//
// A question may be lost or late, and so may its answer; an answer may come twice. The node
// must not get one question (one id) twice: streams give that for nothing, and a link that
// doubles what it carries must drop the second copy. Otherwise one copy could be
// applied although the other was refused, and the refusal would pass for the truth: a write
// said to be refused would be there, or be made twice.
//
// Answers are events of their own: they never come from inside Send or FetchMap.
type Transport interface {
	// Send sends a request to the node at addr. The answer comes by Brain.OnResponse with the
	// same id, or Brain.OnFailure. Never both, possibly neither: the brain keeps its own time.
	// timeout is how long the node should try. The request is the brain's again when Send returns; its commands, and what
	// they point to, stay as they are until the operation is concluded.
	Send(id uint64, addr string, req *wire.Request, timeout time.Duration)
	// FetchMap asks the node at addr for its cluster map: OnMap or OnFailure.
	FetchMap(id uint64, addr string)
}

// Call is one operation with what it needs to run: whoever makes many keeps the memory of those that are done. It must not
// be touched from Run until Done.
type Call struct {
	Commands []wire.Command
	Shard    wire.ShardID  // run them on this whole shard; zero: each on the shard of its key
	Atomic   bool          // they are one request to the shard of the first one's key, which must be that of all: nothing comes between them
	Timeout  time.Duration // zero: Config.Timeout
	Caller   Caller
	Items    []Item // what became of the commands, in their order; its memory is used again

	left     int // parts not concluded
	deadline time.Duration
	onShard  bool
	timer    *timer // while it waits for a map
}

// Caller is told what becomes of a Call.
type Caller interface {
	// Keep makes a result the caller's own: what it points to is the transport's when OnResponse has returned.
	Keep(r *wire.Result)
	// Done is called once, when every command has its item. The call may be run again from then on.
	Done(c *Call)
}

// callback is a Caller whose transport gives its results away.
type callback func([]Item)

func (callback) Keep(*wire.Result) {}
func (f callback) Done(c *Call)    { f(c.Items) }

// Item is what one command came to. Result is meaningful when Outcome is OutcomeOK.
type Item struct {
	Outcome wire.Outcome
	Reason  wire.Reason
	Late    bool // time was up, whatever Reason says of the last attempt
	Cached  bool // it comes from what the brain has kept
	Result  wire.Result
}

// Config shapes a brain.
type Config struct {
	Seeds        []string                  // addresses to learn the map from
	Addr         func(*wire.Member) string // which of a member's addresses the transport uses
	Timeout      time.Duration             // per operation, default 5 s
	RetryMin     time.Duration             // first backoff, default 5 ms
	RetryMax     time.Duration             // longest backoff, default 250 ms
	AttemptLimit time.Duration             // how long one attempt waits before another is made, default 1 s
	MaxInFlight  int                       // requests (an operation has one per shard) in flight before Do refuses, half of them on one node; default 4096
	Hedge        Hedge                     // of reads; none by default
	Cache        Cache                     // of what was read; none by default
	Limit        limit.Config              // how many of them may be under way to one node; see core/limit
}

// Defaults fills the zero fields. Addr defaults to the address for Torc clients.
func (c Config) Defaults() Config {
	if c.Addr == nil {
		c.Addr = func(m *wire.Member) string { return m.GRPCAddr }
	}
	if c.MaxInFlight <= 0 {
		c.MaxInFlight = 4096
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.Timeout, 5 * time.Second},
		{&c.RetryMin, 5 * time.Millisecond},
		{&c.RetryMax, 250 * time.Millisecond},
		{&c.AttemptLimit, time.Second},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	c.RetryMax = max(c.RetryMax, c.RetryMin)
	return c
}

// Stats counts what a brain has done since it was made.
type Stats struct {
	InFlight  int    // requests not yet concluded, those that wait for a map or their turn included
	Attempts  uint64 // requests handed to the transport, retries and redirects included
	Retries   uint64 // attempts after a failure, a timeout or a refusal: what the budget bounds
	Redirects uint64 // attempts that follow a hint or a new map
	Fetches   uint64 // questions for the cluster map
	Trips     uint64 // times that a breaker has opened: a node, or a shard on a node, was given up for a while
	Hedges    uint64 // reads asked a second time, of another node, while the first still thinks
	HedgesWon uint64 // of those, answered first by the second
	Shed      uint64 // requests refused at once, because too many waited for their node already
	Hits      uint64 // reads answered from what was kept
	Recalls   uint64 // keys that nodes have asked back
	Kept      int    // keys kept
	KeptBytes int64  // and what they take
}
