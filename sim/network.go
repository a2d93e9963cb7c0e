package sim

import (
	"time"

	"torc/core/trace"
	"torc/core/wire"
)

// port is what a packet is for at the endpoint where it arrives.
type port uint8

const (
	portPeer   port = iota // node to node
	portClient             // Torc's own client (gRPC in production)
	portRESP               // a Redis client
	portReply              // an answer, to a client
)

// Links says how links behave. Probabilities are in ten-thousandths.
type Links struct {
	Delay     time.Duration // base, one way
	Jitter    time.Duration // added, uniformly
	Tail      int           // how often a packet is delayed by up to TailDelay instead
	TailDelay time.Duration
	Drop      int
	Duplicate int // between nodes only
}

// link is one direction of a connection between two endpoints.
type link struct {
	key   uint64
	rand  Stream // use draws
	drawn int64  // when rand was begun
	sure  bool   // loses nothing by itself: one of the prober's, whose questions measure the nodes and not its luck
	cuts  int    // how many faults cut it now
	drop  int    // added to Links.Drop
	twice int    // added to Links.Duplicate
	slow  time.Duration
	echo  time.Duration // after which all comes once more; 0: it does not

	clogs  int     // how many faults stop it up now
	held   []onWay // what waits for the end of that
	width  int     // bytes a second; 0 = no bound
	freeAt int64   // when a narrow link has sent off what it was given
	over   int     // bytes above which a packet is lost; 0 = no bound
}

// onWay is a packet as it left; one of frame and bytes is set.
type onWay struct {
	from, to int32
	port     port
	frame    *wire.Frame
	bytes    []byte
	number   uint64
}

// network carries frames between endpoints: the nodes, then the clients.
type network struct {
	w         *World
	links     []link // [from*size+to]
	size      int
	nodes     int
	settings  Links
	addresses map[string]address
	frames    uint64
	Sent      uint64
	Dropped   uint64
}

// address is where a name leads.
type address struct {
	endpoint int32
	port     port
}

func newNetwork(w *World, nodes, clients int, settings Links) *network {
	n := &network{w: w, nodes: nodes, size: nodes + clients, settings: settings, addresses: map[string]address{}}
	n.links = make([]link, n.size*n.size)
	root := NewStream(w.seed, "network")
	for i := range n.links {
		n.links[i].key = root.Uint64()
		n.links[i].drawn = -1
		n.links[i].sure = clients > 0 && (i%n.size == n.size-1 || i/n.size == n.size-1)
	}
	return n
}

// draws is the link's luck at this instant. Each instant has a stream of its own, so what is sent or not sent earlier
// changes nothing for what is sent now: a run that an operation is taken out of goes on as it did, as
// far as the operation had no part in it. Shrinking lives on that.
func (l *link) draws(now int64) *Stream {
	if l.drawn != now {
		l.drawn = now
		l.rand = Stream{state: l.key ^ uint64(now)*0xd1342543de82ef95}
		l.rand = Stream{state: l.rand.Uint64()}
	}
	return &l.rand
}

func (n *network) link(from, to int) *link { return &n.links[from*n.size+to] }

// send puts a frame on its way to an address. Unknown addresses swallow it.
func (n *network) send(from int32, addr string, f *wire.Frame) {
	if to, known := n.addresses[addr]; known {
		n.sendTo(from, to.endpoint, to.port, f)
		return
	}
	n.w.emit(trace.Event{Kind: trace.Drop, Node: n.w.idOf(from), Note: "no such address"})
}

func (n *network) sendTo(from, to int32, p port, f *wire.Frame) {
	n.frames++
	n.Sent++
	number, what := n.frames, contentOf(f)
	e := trace.Event{Kind: trace.Send, Node: n.w.idOf(from), Peer: n.w.idOf(to), A: what, B: number}
	n.w.emitWith(e, f)
	if p == portPeer && from != to {
		n.w.coverage.sent(n.w, from, to, f)
	}
	var bytes []byte
	if n.w.settings.Codec {
		if bytes = n.w.encode(f); bytes != nil {
			f = nil
		}
	}
	if from == to {
		n.deliverAfter(time.Duration(1000), from, to, p, f, bytes, number)
		return
	}
	l := n.link(int(from), int(to))
	if l.cuts > 0 || l.draws(n.w.now).Chance(n.settings.Drop+l.drop) && !l.sure {
		n.drop(e)
		return
	}
	if l.over > 0 && sizeOf(f, bytes) > l.over {
		n.drop(e)
		return
	}
	if p == portPeer {
		packet := onWay{from, to, p, f, bytes, number}
		n.w.nodes[from].recent.add(packet)
		n.w.nodes[to].recent.add(packet)
	}
	if l.clogs > 0 {
		if len(l.held) >= heldMax {
			n.drop(e)
			return
		}
		l.held = append(l.held, onWay{from, to, p, f, bytes, number})
		return
	}
	wait, fits := l.queue(n.w.now, f, bytes)
	if !fits {
		n.drop(e)
		return
	}
	n.deliverAfter(wait+n.delay(l), from, to, p, f, bytes, number)
	if p != portPeer {
		return
	}
	if l.draws(n.w.now).Chance(n.settings.Duplicate + l.twice) {
		e.Kind = trace.Duplicate
		n.w.emit(e)
		n.deliverAfter(wait+n.delay(l), from, to, p, f, bytes, number)
	}
	if l.echo > 0 {
		e.Kind = trace.Duplicate
		n.w.emit(e)
		n.deliverAfter(wait+n.delay(l)+l.echo, from, to, p, f, bytes, number)
	}
}

// drop tells that a packet is lost; e is the event of its sending.
func (n *network) drop(e trace.Event) {
	n.Dropped++
	e.Kind = trace.Drop
	n.w.emit(e)
}

// queue is how long a packet waits until a narrow link has sent it off, and whether it is kept at
// all.
func (l *link) queue(now int64, f *wire.Frame, bytes []byte) (wait time.Duration, fits bool) {
	if l.width == 0 {
		return 0, true
	}
	begin := max(now, l.freeAt)
	if time.Duration(begin-now) > queueMax {
		return 0, false
	}
	l.freeAt = begin + int64(sizeOf(f, bytes))*int64(time.Second)/int64(l.width)
	return time.Duration(l.freeAt - now), true
}

// sizeOf is how many bytes a packet has, of which one of frame and bytes is set.
func sizeOf(f *wire.Frame, bytes []byte) int {
	if f != nil {
		return f.Size()
	}
	return len(bytes)
}

// narrow bounds a link's width (by > 0), or takes the bound away again. Of several bounds the last
// one counts, until any of them ends.
func (l *link) narrow(by int) {
	if by != 0 {
		l.width, l.freeAt = max(by, 0), 0
	}
}

// bound has a link lose what is larger (by > 0), or takes the bound away again, as narrow does.
func (l *link) bound(by int) {
	if by != 0 {
		l.over = max(by, 0)
	}
}

// unclog takes one clog off a link. With the last one all that waited arrives at once.
func (n *network) unclog(from, to int) {
	l := n.link(from, to)
	if l.clogs = max(0, l.clogs-1); l.clogs > 0 {
		return
	}
	held := l.held
	l.held = nil
	if len(held) > 0 {
		n.w.reached(branchClogReleased)
	}
	for _, p := range held {
		n.deliverAfter(n.settings.Delay, p.from, p.to, p.port, p.frame, p.bytes, p.number)
	}
}

// delay draws how long a packet takes. Jitter is what makes packets overtake each other.
func (n *network) delay(l *link) time.Duration {
	s, luck := &n.settings, l.draws(n.w.now)
	if luck.Chance(s.Tail) {
		return s.Delay + l.slow + luck.Duration(0, s.TailDelay)
	}
	return s.Delay + l.slow + luck.Duration(0, s.Jitter)
}

func (n *network) deliverAfter(d time.Duration, from, to int32, p port, f *wire.Frame, bytes []byte, number uint64) {
	e := n.w.agenda.add(n.w.now+int64(d), evPacket)
	e.from, e.to, e.port, e.frame, e.bytes, e.number = from, to, p, f, bytes, number
	if from == to {
		e.life = n.w.nodes[to].life // what a process says to itself dies with it
	}
}

// onPacket is the arrival of a packet. A link that was cut meanwhile delivers nothing.
func (n *network) onPacket(e *event) {
	t := trace.Event{Kind: trace.Deliver, Node: n.w.idOf(e.to), Peer: n.w.idOf(e.from), B: e.number}
	if e.from != e.to && n.link(int(e.from), int(e.to)).cuts > 0 {
		n.Dropped++
		t.Kind = trace.Drop
		n.w.emit(t)
		return
	}
	f := e.frame
	if e.bytes != nil {
		f = n.w.decode(e.bytes)
		if f == nil {
			return
		}
	}
	if int(e.to) >= n.nodes {
		n.w.emit(t)
		n.w.clients[int(e.to)-n.nodes].onFrame(f)
		return
	}
	node := n.w.nodes[e.to]
	if e.life != 0 && e.life != node.life || node.state == stateDown {
		t.Kind = trace.Drop
		n.w.emit(t)
		return
	}
	n.w.emit(t)
	node.receive(packet{from: e.from, port: e.port, frame: f})
}

// cut adds (by = 1) or takes away (by = -1) a cut of the link in one direction.
func (n *network) cut(from, to, by int) {
	l := n.link(from, to)
	was := l.cuts
	l.cuts = max(0, l.cuts+by)
	n.tellCut(from, to, was, l.cuts)
}

// tellCut tells of a link that is cut now and was not, or the other way round.
func (n *network) tellCut(from, to, was, is int) {
	kind := trace.Cut
	switch {
	case (was > 0) == (is > 0):
		return
	case is == 0:
		kind = trace.Mend
	}
	n.w.emit(trace.Event{Kind: kind, Node: n.w.idOf(int32(from)), Peer: n.w.idOf(int32(to))})
}

// open reports whether packets pass from one endpoint to another.
func (n *network) open(from, to int) bool { return n.link(from, to).cuts == 0 }

// mend takes every fault off every link.
func (n *network) mend() {
	for i := range n.links {
		was := n.links[i].cuts
		n.links[i].clogs = 0
		n.unclog(i/n.size, i%n.size)
		n.links[i] = link{key: n.links[i].key, drawn: -1, sure: n.links[i].sure}
		n.tellCut(i/n.size, i%n.size, was, 0)
	}
}

// contentOf is a cheap print of what a frame says: enough that two runs which differ in a
// message differ in their hash.
func contentOf(f *wire.Frame) uint64 {
	h := uint64(len(f.Messages))
	for _, m := range f.Messages {
		a, b, c := messagePrint(m)
		h = (h ^ a) * 1099511628211
		h = (h ^ b) * 1099511628211
		h = (h ^ c) * 1099511628211
	}
	return h
}

// messagePrint is a message's type, its place and one detail.
func messagePrint(m wire.Message) (kind, place, detail uint64) {
	place = uint64(m.Group())
	switch m := m.(type) {
	case *wire.Raft:
		return 1<<8 | uint64(m.Type), place<<40 ^ m.Term<<20 ^ uint64(m.To), m.Index ^ m.Commit<<24 ^ uint64(len(m.Entries))<<56 ^ uint64(m.Stamp)
	case *wire.Forward:
		return 2 << 8, place, m.ID
	case *wire.Reply:
		return 3 << 8, place ^ uint64(m.Response.Outcome)<<40 ^ uint64(m.Response.Reason)<<48, m.ID
	case *wire.SnapshotChunk:
		return 4 << 8, place, m.Seq ^ m.Meta.Index<<24 ^ uint64(len(m.Data))<<48
	case *wire.SnapshotAck:
		return 5 << 8, place, m.Next ^ m.Index<<24
	case *wire.Hello:
		return 6 << 8, uint64(m.Member.Incarnation), m.Pledged ^ uint64(m.Epoch)<<32
	case *wire.Pledge:
		return 7 << 8, place, m.Proposal
	case *wire.Pledged:
		return 8 << 8, m.Other, m.Proposal
	case *wire.MapUpdate:
		if m.Map != nil {
			place = uint64(m.Map.Epoch)
		}
		return 9 << 8, place, m.Proposal
	case *wire.Report:
		return 10 << 8, place ^ m.Term<<32, m.Applied
	case *wire.Gossip:
		return 11 << 8, place, uint64(len(m.Data))
	case *wire.Ask:
		return 12 << 8, uint64(m.Op), m.ID ^ uint64(m.Node)<<32
	case *wire.Told:
		return 13 << 8, uint64(m.Refusal), m.ID
	case *wire.Inspect:
		return 14 << 8, place, m.ID
	case *wire.Inspected:
		return 15 << 8, place ^ m.Term<<32, m.ID ^ uint64(len(m.Well))<<56
	case *wire.Sealed:
		return 16 << 8, place ^ uint64(m.Seal)<<32, m.Last
	}
	return 17 << 8, place, 0
}
