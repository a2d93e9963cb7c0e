package wire

// Session makes a request's writes apply at most once, however often it is sent. Client
// and Seq name the request; Floor says that the client has seen the outcome of everything
// below it, so that the table in the replicated state stays small. The zero Session is "no
// session": the request must not be sent twice.
//
// Seq counts from 1 per client and shard.
type Session struct {
	Client uint64
	Seq    uint64
	Floor  uint64 // lowest Seq whose outcome the client still waits for; at most Seq
	Retry  bool   // the session has begun (or this was sent before): if the shard does not remember the client, refuse
}

// Request is one or more commands on one shard, applied together (one log entry, no other
// request in between).
type Request struct {
	Shard    ShardID
	Epoch    Epoch  // of the sender's cluster map
	Cluster  uint64 // of the same, from a client that has one; zero: it is for whoever gets it. Between nodes the frame says it
	Session  Session
	Commands []Command
}

// IsWrite reports whether any command must go through the log.
func (r *Request) IsWrite() bool {
	for i := range r.Commands {
		if r.Commands[i].Op.IsWrite() {
			return true
		}
	}
	return false
}

// Size estimates the request's bytes, for bounds on queues.
func (r *Request) Size() int {
	n := 64
	for i := range r.Commands {
		n += 48 + len(r.Commands[i].Key) + len(r.Commands[i].Value)
	}
	return n
}

// Outcome says what is known about a request.
type Outcome uint8

// The outcomes.
const (
	OutcomeOK      Outcome = iota // Results holds one result per command
	OutcomeRefused                // surely not applied, now or later: safe to send again
	OutcomeUnknown                // it may have been applied, or may yet be
	outcomeEnd
)

// Reason says why a request was not answered with results.
type Reason uint8

// The reasons.
const (
	ReasonNone           Reason = iota
	ReasonNotLeader             // another replica leads; Response.Leader may name its node
	ReasonNotOwner              // this node holds no replica of the shard under the present map: an ex-owner redirects, it never answers
	ReasonStaleEpoch            // the sender's map is older than the answerer can honour; Response.Epoch is the present one
	ReasonNoQuorum              // no leader can be reached: this may be the minority's side
	ReasonOverloaded            // a bounded queue is full
	ReasonDeadline              // the time allowed ran out
	ReasonOutOfMemory           // the memory bound is reached
	ReasonTooLarge              // key, value, batch or answer over its limit
	ReasonSessionExpired        // the shard no longer remembers this session: a retry's outcome cannot be known
	ReasonLeadershipLost        // the leader was deposed after proposing
	ReasonStopping              // the node is shutting down
	ReasonNotReady              // the node has not joined a cluster yet
	ReasonOtherCluster          // the node is of another cluster than the request is for
	reasonEnd
)

var reasonTexts = [reasonEnd]string{
	ReasonNone:           "none",
	ReasonNotLeader:      "not the leader",
	ReasonNotOwner:       "not an owner of the shard",
	ReasonStaleEpoch:     "stale cluster map",
	ReasonNoQuorum:       "no quorum",
	ReasonOverloaded:     "overloaded",
	ReasonDeadline:       "deadline exceeded",
	ReasonOutOfMemory:    "out of memory",
	ReasonTooLarge:       "too large",
	ReasonSessionExpired: "session expired",
	ReasonLeadershipLost: "leadership lost",
	ReasonStopping:       "stopping",
	ReasonNotReady:       "not ready",
	ReasonOtherCluster:   "the node is of another cluster",
}

func (r Reason) String() string {
	if int(r) < len(reasonTexts) {
		return reasonTexts[r]
	}
	return "unknown reason"
}

// Response is the outcome of a request.
type Response struct {
	Outcome Outcome
	Reason  Reason
	Leader  NodeID // a hint where to go, or zero
	Epoch   Epoch  // of the answerer's map
	Results []Result
}

// Sink takes responses. Deliver is called on the loop that owns the shard, once per
// request, and must not block.
type Sink interface {
	Deliver(tag uint64, resp *Response)
}

// Call is a request as handed to a node's front hall: with the place its response goes to.
type Call struct {
	Request
	TimeoutMillis int64 // how long the caller waits, from now; 0 = the node's default
	Tag           uint64
	Sink          Sink
	// Local asks this node to answer itself or to refuse with a redirect, never to forward
	// (redirect mode, and requests another node forwarded already).
	Local bool
}
