package router

import (
	"torc/core/wire"
)

// Forward sends a call to the node that leads its shard. Route has made a retry of it, if it is one.
func (h *Hall) Forward(c *Call, to wire.NodeID) {
	now := h.port.Now()
	delete(h.forwards, c.forward)
	h.number++
	if c.IsWrite() {
		h.enrol(c)
	}
	c.doubt = c.exposed
	c.place, c.exposed, c.forward, c.to, c.since = sent, true, h.number, to, now
	c.Epoch = h.port.Map().Epoch
	h.forwards[h.number] = c
	request := c.Request
	request.Cluster = 0 // the frame says it
	if _, keeps := c.Sink.(Keeper); !keeps {
		request.Commands = unpromised(request.Commands)
	}
	h.port.Send(to, &wire.Forward{ID: h.number, TimeoutMillis: max((c.deadline - now).Milliseconds(), 1), Request: request})
}

// Keeper is a sink of this node's own, that keeps what is read for it for as long as the leader promises, and is told by this node when
// the key is recalled (wire.Recall).
type Keeper interface {
	wire.Sink
	Keeps()
}

// unpromised are commands of a caller who must be given no promise: one that comes by way of another node is that node's, which would be
// asked for the key again and could not pass it on.
func unpromised(commands []wire.Command) []wire.Command {
	if len(commands) != 1 || commands[0].Flags&wire.FlagCache == 0 {
		return commands
	}
	c := commands[0]
	c.Flags &^= wire.FlagCache
	return []wire.Command{c}
}

// OnForward takes a request that a life of another node sent here as to the leader.
func (h *Hall) OnForward(from wire.NodeID, life wire.Incarnation, m *wire.Forward) {
	if !h.isFirst(from, life, m) {
		return
	}
	h.Admit(&wire.Call{Request: m.Request, TimeoutMillis: m.TimeoutMillis, Tag: m.ID, Sink: reply{h, from, life, m.Request.Shard}, Local: true})
}

// reply is the sink of a request that came from another node.
type reply struct {
	hall  *Hall
	to    wire.NodeID
	life  wire.Incarnation // that asked: a later one uses the same numbers for other questions
	shard wire.ShardID
}

func (r reply) Deliver(tag uint64, response *wire.Response) {
	r.hall.port.Answer(r.to, r.life, &wire.Reply{ID: tag, Shard: r.shard, Response: *response})
}

// Recall asks the node to drop a key that it was promised (wire.Holder).
func (r reply) Recall(m *wire.Recall) { r.hall.port.Answer(r.to, r.life, m) }

// Holder is a life of another node as it is promised keys of a shard.
func (h *Hall) Holder(node wire.NodeID, life wire.Incarnation, shard wire.ShardID) wire.Holder {
	return reply{h, node, life, shard}
}

// FromNode reports whether a call's sink is another node, which passes on what it is told.
func FromNode(s wire.Sink) bool {
	_, is := s.(reply)
	return is
}

// OnReply takes the answer to a forwarded call: the caller's, or a redirect to follow.
func (h *Hall) OnReply(m *wire.Reply) {
	c := h.forwards[m.ID]
	if c == nil {
		return // answered already, or sent again under another number
	}
	h.breaker(c.to).Success(h.port.Now())
	r := m.Response
	if r.Reason == wire.ReasonSessionExpired && h.forgotten(c) {
		return
	}
	if r.Outcome == wire.OutcomeOK {
		h.Served(c.Shard)
		h.known(c)
		if r.Leader == 0 && c.place == sent && (c.IsWrite() || h.Leader(c.Shard) == c.to) {
			r.Leader = c.to // the client may ask it itself next time
		}
	}
	if r.Outcome != wire.OutcomeRefused {
		h.Finish(c, &r)
		return
	}
	if c.place != sent {
		return // this node's own replica has it now: what others refused does not matter
	}
	switch r.Reason {
	case wire.ReasonNotLeader, wire.ReasonNotOwner, wire.ReasonNotReady, wire.ReasonStopping:
		h.redirected(c, r.Leader)
	default:
		h.finishRefused(c, &r)
	}
}

// hopsMax is how many hints a call follows one after the other. Nodes that send it round in a circle
// must not do so as fast as they can.
const hopsMax = 2

// redirected follows the hint of a node that does not lead, or tries another one in a while.
func (h *Hall) redirected(c *Call, leader wire.NodeID) {
	s := h.shard(c.Shard)
	if leader != 0 && leader != c.to && leader != h.self {
		s.hint = leader
	} else {
		h.turnTo(c.Shard)
	}
	c.exposed = c.doubt // that node surely did not apply it
	hinted := leader != 0 && leader != c.to && h.Leader(c.Shard) == leader
	if (hinted || h.deposed(c.Shard, c.to)) && c.hops < hopsMax {
		c.hops++
		h.Route(c)
		return
	}
	h.Park(c)
}

// finishRefused passes a refusal on. It speaks for the last try only: with an earlier one that
// nobody answered, a write may have been applied.
func (h *Hall) finishRefused(c *Call, r *wire.Response) {
	if c.IsWrite() && (c.doubt || c.Session.Retry && !c.own) {
		r.Outcome = wire.OutcomeUnknown
	}
	h.Finish(c, r)
}
