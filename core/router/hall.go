package router

import (
	"time"

	"torc/core/breaker"
	"torc/core/wire"
)

// Config shapes a Hall.
type Config struct {
	Timeout  time.Duration // how long a call waits when its caller does not say
	Patience time.Duration // how long a shard may be without a leader before calls are refused at once
	Resend   time.Duration // how long a forwarded call waits for an answer before it is sent again
	Notice   time.Duration // how long a node that ceased to lead is given to say so of a call
	InboxMax int           // calls that wait
	BytesMax int64         // and their bytes (one alone may have more); 0 = no bound
	MaxKey   int           // bytes
	MaxValue int           // bytes
}

// Port is what a Hall needs of its node.
type Port interface {
	// Now is the node's monotonic clock.
	Now() time.Duration
	// Map is the newest cluster map this lane has, or nil.
	Map() *wire.ClusterMap
	// Take hands a call to this node's own replica of the shard, which must Finish, Route or Park
	// it later. It reports false when the replica cannot serve it, or when there is none.
	Take(c *Call) bool
	// Leader is the node that leads a shard as this node's own replica knows (zero: none). known
	// is false when this node holds no replica.
	Leader(shard wire.ShardID) (leader wire.NodeID, known bool)
	// Hint is a node that says of itself that it leads a shard, or zero. It may be wrong.
	Hint(shard wire.ShardID) wire.NodeID
	// Send sends a message to a node.
	Send(to wire.NodeID, m wire.Message)
	// Answer sends a message to one life of a node; to nobody when that one is over.
	Answer(to wire.NodeID, life wire.Incarnation, m wire.Message)
	// Uint64 draws a random number.
	Uint64() uint64
}

// Hall routes a lane's calls. Make it with New.
type Hall struct {
	cfg  Config
	port Port
	self wire.NodeID

	open     []*Call // all that wait, in the order they came
	waiting  int
	bytes    int64 // of calls that wait
	parked   []*Call
	forwards map[uint64]*Call // by number; for look-up, never ranged
	number   uint64
	taken    map[wire.NodeID]*takenForwards   // by sender
	since    wire.Epoch                       // of whose forwards may be taken from senders that are not in it (twice.go)
	shards   map[wire.ShardID]*shard          // for look-up, never ranged
	breakers map[wire.NodeID]*breaker.Breaker // by whom they are for
	client   uint64                           // names this lane's life in forwarded writes' sessions
	stopping bool

	Answered, Refused uint64 // since the start
}

// shard is what the hall keeps of one shard.
type shard struct {
	leaderless bool
	since      time.Duration // since when
	hint       wire.NodeID   // who leads, when this node holds no replica; zero: try turn
	turn       int
	session
}

// New makes a hall for the lane of a node.
func New(cfg Config, self wire.NodeID, port Port) *Hall {
	return &Hall{cfg: cfg, port: port, self: self, forwards: map[uint64]*Call{}, shards: map[wire.ShardID]*shard{}, breakers: map[wire.NodeID]*breaker.Breaker{},
		taken: map[wire.NodeID]*takenForwards{}}
}

func (h *Hall) shard(id wire.ShardID) *shard {
	s := h.shards[id]
	if s == nil {
		s = &shard{}
		h.shards[id] = s
	}
	return s
}

func (h *Hall) breaker(to wire.NodeID) *breaker.Breaker {
	b := h.breakers[to]
	if b == nil {
		b = breaker.New(breaker.Config{OpenMax: time.Second})
		h.breakers[to] = b
	}
	return b
}

// Waiting is how many calls wait for an answer.
func (h *Hall) Waiting() int { return h.waiting }

// Bytes is what the calls that wait for an answer take.
func (h *Hall) Bytes() int64 { return h.bytes }

// Stop makes the hall refuse what comes from now on.
func (h *Hall) Stop() { h.stopping = true }

// Stopping reports whether it does.
func (h *Hall) Stopping() bool { return h.stopping }

// Looked counts a request that was answered without coming here.
func (h *Hall) Looked() { h.Answered++ }

// Admit takes a call in.
func (h *Hall) Admit(w *wire.Call) {
	timeout := time.Duration(w.TimeoutMillis) * time.Millisecond
	if timeout <= 0 {
		timeout = h.cfg.Timeout
	}
	c := &Call{Call: w, deadline: h.port.Now() + timeout, size: int64(w.Size())}
	h.waiting++
	h.bytes += c.size
	m := h.port.Map()
	switch {
	case h.stopping:
		h.Refuse(c, wire.ReasonStopping)
	case m == nil:
		h.Refuse(c, wire.ReasonNotReady)
	case m.IsOther(w.Cluster):
		h.Finish(c, &wire.Response{Outcome: wire.OutcomeRefused, Reason: wire.ReasonOtherCluster}) // nobody here is of help
	case w.Shard == wire.MetaShard || m.Placement(w.Shard) == nil:
		h.Refuse(c, wire.ReasonNotOwner)
	case h.waiting > h.cfg.InboxMax || h.cfg.BytesMax > 0 && h.bytes > h.cfg.BytesMax && h.waiting > 1:
		h.Refuse(c, wire.ReasonOverloaded)
	case c.size > wire.RequestMax || h.tooLarge(&w.Request):
		h.Refuse(c, wire.ReasonTooLarge)
	default:
		h.open = append(h.open, c)
		h.Route(c)
	}
}

func (h *Hall) tooLarge(r *wire.Request) bool {
	for i := range r.Commands {
		if len(r.Commands[i].Key) > h.cfg.MaxKey || len(r.Commands[i].Value) > h.cfg.MaxValue {
			return true
		}
	}
	return false
}

// Finish gives a call its response, unless it has one.
func (h *Hall) Finish(c *Call, r *wire.Response) {
	if c.place == done {
		return
	}
	c.place = done
	if r.Reason == wire.ReasonSessionExpired && c.doubt && c.IsWrite() {
		// That the shard does not know the session means that this try had no effect, and the caller would begin
		// another one. An earlier try may still be under way, and apply the same write.
		r.Reason = wire.ReasonLeadershipLost
	}
	h.waiting--
	h.bytes -= c.size
	delete(h.forwards, c.forward)
	if c.own {
		h.shard(c.Shard).session.over(c)
	}
	if m := h.port.Map(); m != nil {
		r.Epoch = m.Epoch
	}
	if r.Outcome == wire.OutcomeOK {
		h.Answered++
	} else {
		h.Refused++
	}
	c.Sink.Deliver(c.Tag, r)
}

// Refuse answers that a call was not carried out, or, when it may have been, that nobody knows.
func (h *Hall) Refuse(c *Call, why wire.Reason) {
	outcome := wire.OutcomeRefused
	if c.uncertain() {
		outcome = wire.OutcomeUnknown
	}
	var leader wire.NodeID
	if h.port.Map() != nil {
		leader = h.Leader(c.Shard)
	}
	if leader == h.self {
		leader = 0 // who refuses is no help
	}
	if leader == 0 && why == wire.ReasonNoQuorum {
		leader = h.other(c.Shard) // on the other side, where the majority is if it is anywhere
		h.turnTo(c.Shard)
	}
	h.Finish(c, &wire.Response{Outcome: outcome, Reason: why, Leader: leader})
}
