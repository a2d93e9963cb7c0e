package sim

import (
	"slices"

	"torc/cluster"
	"torc/core/wire"
)

// server is a node's front door for clients: what net/grpcapi and net/resp are in
// production. It turns a client's frame into a call and the call's response into a frame.
type server struct {
	node    *node
	life    uint32
	waiting map[uint64]struct{} // calls that the lanes owe a response
	sinks   []*shardAnswers     // by shard
}

// The tag of a call names the client and its question.
const tagBits = 40

func tagOf(client int32, id uint64) uint64 { return uint64(client)<<tagBits | id&(1<<tagBits-1) }

// onFrame takes a client's frame: a request (Forward) or a wish for the cluster map (Hello,
// with the question's number in Pledged).
func (s *server) onFrame(p packet) {
	for _, m := range p.frame.Messages {
		switch m := m.(type) {
		case *wire.Forward:
			s.onRequest(p, m)
		case *wire.Hello:
			s.onFetch(p.from, m.Pledged)
		}
	}
}

func (s *server) onFetch(client int32, id uint64) {
	if m := s.node.board; m != nil {
		s.answer(client, &wire.MapUpdate{Proposal: id, Map: m})
		return
	}
	s.answer(client, &wire.Reply{ID: id | fetchBit, Response: wire.Response{Outcome: wire.OutcomeRefused, Reason: wire.ReasonNotReady}})
}

func (s *server) onRequest(p packet, m *wire.Forward) {
	request := m.Request
	if p.port == portRESP && !s.route(&request) {
		s.answer(p.from, &wire.Reply{ID: m.ID, Response: wire.Response{Outcome: wire.OutcomeRefused, Reason: wire.ReasonNotReady}})
		return
	}
	if p.port == portRESP && s.look(p.from, m.ID, &request) {
		return
	}
	tag := tagOf(p.from, m.ID)
	if _, twice := s.waiting[tag]; twice {
		return
	}
	s.waiting[tag] = struct{}{}
	var sink wire.Sink = s.sink(request.Shard)
	if len(request.Commands) == 1 && request.Commands[0].Flags&wire.FlagCache != 0 {
		sink = holder{s.sink(request.Shard), p.from}
	}
	lanes := s.node.lanes
	lanes[cluster.LaneOf(request.Shard, len(lanes))].deliver(delivery{call: &wire.Call{
		Request:       request,
		TimeoutMillis: m.TimeoutMillis,
		Tag:           tag,
		Sink:          sink,
		Local:         p.port == portClient && s.node.w.settings.Redirect,
	}})
}

// look answers a read without a turn of its lane, if it can be.
func (s *server) look(client int32, id uint64, r *wire.Request) bool {
	if len(r.Commands) != 1 || r.Commands[0].Op.IsWrite() {
		return false
	}
	l := &wire.Look{Shard: r.Shard, Command: r.Commands[0]}
	if !s.node.lanes[cluster.LaneOf(r.Shard, len(s.node.lanes))].look(l) {
		return false
	}
	s.node.w.reached(branchLooked)
	l.Result.Value = slices.Clone(l.Result.Value) // it is the store's own
	s.answer(client, &wire.Reply{ID: id, Shard: r.Shard, Response: wire.Response{Outcome: wire.OutcomeOK, Epoch: r.Epoch, Results: []wire.Result{l.Result}}})
	return true
}

// route fills in what a Redis client does not know: the shard, by the node's own map.
func (s *server) route(r *wire.Request) bool {
	m := s.node.board
	if m == nil {
		return false
	}
	r.Shard = wire.ShardOf(wire.Slot(r.Commands[0].Key), int(m.Shards))
	r.Epoch = m.Epoch
	return true
}

func (s *server) answer(client int32, m wire.Message) {
	n := s.node
	n.w.network.sendTo(n.index, client, portReply, &wire.Frame{From: n.id, FromIncarnation: n.incarnation, Messages: []wire.Message{m}})
}

// sink is where a shard's responses go.
func (s *server) sink(shard wire.ShardID) *shardAnswers {
	for int(shard) >= len(s.sinks) {
		s.sinks = append(s.sinks, &shardAnswers{server: s, shard: wire.ShardID(len(s.sinks))})
	}
	return s.sinks[shard]
}

// shardAnswers is the sink of one shard's calls in one life.
type shardAnswers struct {
	server *server
	shard  wire.ShardID
}

// Deliver sends the response to the client. Every call gets exactly one.
func (a *shardAnswers) Deliver(tag uint64, r *wire.Response) {
	s := a.server
	n := s.node
	if n.life != s.life {
		return
	}
	if _, waits := s.waiting[tag]; !waits {
		n.w.violate(OracleSanity, "node %v answered call %x twice", n, tag)
		return
	}
	delete(s.waiting, tag)
	s.answer(int32(tag>>tagBits), &wire.Reply{ID: tag & (1<<tagBits - 1), Shard: a.shard, Response: *r})
}

// holder is a client that keeps what it reads, as the sink of a shard's calls in one life.
type holder struct {
	*shardAnswers
	client int32
}

// Recall asks the client to drop a key.
func (h holder) Recall(m *wire.Recall) {
	if s := h.server; s.node.life == s.life {
		s.node.w.reached(branchRecalled)
		s.answer(h.client, m)
	}
}
