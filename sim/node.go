package sim

import (
	"fmt"
	"slices"
	"time"

	"torc/cluster"
	"torc/core/env"
	"torc/core/gossip"
	"torc/core/trace"
	"torc/core/wire"
)

// Lane is what the world needs of one event loop of a node; *cluster.Lane is the real one,
// and the world's own tests put smaller ones in its place.
type Lane interface {
	Start()
	OnFrame(*wire.Frame)
	OnCall(*wire.Call)
	OnMap(*wire.ClusterMap)
	OnGossip(gossip.Event)
	Look(*wire.Look) bool
	Flush()
	Stop(done func())
	Status() cluster.LaneStatus
}

// Factory makes a node's lanes.
type Factory func(cfg *cluster.Config, index int, e env.Env, board cluster.Board, tr trace.Sink) Lane

func realLane(cfg *cluster.Config, index int, e env.Env, board cluster.Board, tr trace.Sink) Lane {
	return cluster.NewLane(cfg, index, e, board, tr)
}

// state is what a node's process is doing.
type state uint8

const (
	stateDown state = iota
	stateUp
	statePaused // SIGSTOP: everything waits, the clock goes on
)

// node is a machine and the process that may run on it.
type node struct {
	w           *World
	index       int32
	id          wire.NodeID
	name        string
	clock       clock
	rand        Stream // the node's own draws, raft's included
	state       state
	life        uint32 // counts starts; an event for another life is void
	incarnation wire.Incarnation
	lanes       []*lane
	laneCount   int
	config      cluster.Config
	board       *wire.ClusterMap
	turnCost    pressing[time.Duration] // how long a lane is busy with one turn
	squeezed    pressing[int64]         // the bound of its memory, in bytes
	held        []packet                // what arrived while paused
	server      *server
	swim        *swim
	refuted     uint64           // how often this node has refuted a suspicion
	lies        [lieCount]int    // how many faults of each sort spread lies about this node now
	rumoured    wire.Incarnation // the life before this one
	awake       int64            // since when the process runs without a pause, and the lane that listens without a stall, by its own clock
	heard       []int64          // when each node was heard last, by this one's own clock
	spareSince  int64            // since when its map has more nodes than a shard has replicas, by its own clock
	maxMemory   *int64           // of the present life's configuration
	recent      packetRing       // what was sent and received in this life
	former      packetRing       // and in the one before
}

// packet is a frame that has arrived at a node.
type packet struct {
	from  int32
	port  port
	frame *wire.Frame
}

// heldMax bounds what waits for a paused node: socket buffers are not endless.
const heldMax = 8192

// lane is one event loop of a node's present life.
type lane struct {
	node   *node
	index  int16
	core   Lane
	inbox  []delivery
	work   []delivery // the inbox of the turn under way
	turn   bool       // a turn is on the agenda
	freeAt int64      // when the last turn's work is done
	stalls int        // how many faults hold it up now
}

// delivery is one event for a lane; exactly one field is set (gossip: its Node).
type delivery struct {
	frame  *wire.Frame
	call   *wire.Call
	cmap   *wire.ClusterMap
	fn     func()
	gossip gossip.Event
}

// start begins a new life.
func (n *node) start() {
	w := n.w
	n.life++
	n.rumoured = n.incarnation
	n.heard = make([]int64, len(w.nodes))
	n.awake = n.clock.at(w.now)
	n.incarnation += 1 + wire.Incarnation(n.rand.IntN(1000))
	n.state = stateUp
	n.board = nil
	n.config.Self.Incarnation = n.incarnation
	n.server = &server{node: n, life: n.life, waiting: map[uint64]struct{}{}}
	config := n.config // a life keeps its own copy
	n.maxMemory = &config.MaxMemory
	n.lanes = make([]*lane, n.laneCount)
	for i := range n.lanes {
		l := &lane{node: n, index: int16(i)}
		n.lanes[i] = l
		l.core = w.factory(&config, i, &laneEnv{n: n, lane: l, life: n.life}, &board{n: n, life: n.life}, laneSink{w: w, n: n})
	}
	w.emit(trace.Event{Kind: trace.Restart, Node: n.id, A: uint64(n.incarnation)})
	w.watch.ears.began(n)
	n.swim = w.startSwim(n)
	life := n.life
	n.swim.Subscribe(func(e gossip.Event) {
		if n.life == life && n.state != stateDown {
			for _, l := range n.lanes {
				l.deliver(delivery{gossip: e})
			}
		}
	})
	for _, l := range n.lanes {
		l.deliver(delivery{fn: l.core.Start})
	}
}

// crash ends the life: everything in memory is gone.
func (n *node) crash() {
	if n.state == stateDown {
		return
	}
	n.w.emit(trace.Event{Kind: trace.Crash, Node: n.id, A: uint64(n.incarnation)})
	n.w.sawCrash(n)
	n.w.watch.ears.ended(n)
	n.state = stateDown
	n.life++
	n.lanes, n.held, n.board, n.maxMemory = nil, nil, nil, nil
	n.recent, n.former = packetRing{}, n.recent
	n.swim.stop()
}

// stop ends the life politely: every lane hands over what it leads, then the process exits.
func (n *node) stop(done func()) {
	if n.state == stateDown {
		done()
		return
	}
	left, life := len(n.lanes), n.life
	for _, l := range n.lanes {
		l.deliver(delivery{fn: func() {
			l.core.Stop(func() {
				if left--; left > 0 {
					return
				}
				n.w.after(time.Millisecond, func() { // the last turn's frames still leave
					if n.life == life {
						n.swim.Leave()
						n.crash()
						done()
					}
				})
			})
		}})
	}
}

func (n *node) pause() {
	if n.state != stateUp {
		return
	}
	n.state = statePaused
	n.w.emit(trace.Event{Kind: trace.Pause, Node: n.id})
}

// resume lets the process go on: first with what waited in its sockets.
func (n *node) resume() {
	if n.state != statePaused {
		return
	}
	n.state = stateUp
	n.awake = n.clock.at(n.w.now)
	n.w.emit(trace.Event{Kind: trace.Resume, Node: n.id})
	held := n.held
	n.held = nil
	for _, p := range held {
		n.receive(p)
	}
	for _, l := range n.lanes {
		l.wake()
	}
}

// receive takes a packet from the network.
func (n *node) receive(p packet) {
	if n.state == statePaused {
		if len(n.held) < heldMax {
			n.held = append(n.held, p)
		}
		return
	}
	if p.port != portPeer {
		n.server.onFrame(p)
		return
	}
	if int(p.from) < len(n.heard) {
		n.heard[p.from] = n.clock.at(n.w.now)
	}
	n.split(p.frame)
}

// split hands a frame to the lanes that its messages are for. Most frames are for one.
func (n *node) split(f *wire.Frame) {
	count := len(n.lanes)
	if len(f.Messages) == 0 || n.forOneLane(f, count) {
		index := 0
		if len(f.Messages) > 0 {
			index = cluster.LaneOf(f.Messages[0].Group(), count)
		}
		n.lanes[index].deliver(delivery{frame: f})
		return
	}
	for index := range n.lanes {
		part := *f
		part.Messages = nil
		for _, m := range f.Messages {
			if cluster.LaneOf(m.Group(), count) == index {
				part.Messages = append(part.Messages, m)
			}
		}
		if len(part.Messages) > 0 {
			n.lanes[index].deliver(delivery{frame: &part})
		}
	}
}

func (n *node) forOneLane(f *wire.Frame, count int) bool {
	if count == 1 {
		return true
	}
	first := cluster.LaneOf(f.Messages[0].Group(), count)
	for _, m := range f.Messages[1:] {
		if cluster.LaneOf(m.Group(), count) != first {
			return false
		}
	}
	return true
}

// deliver puts an event into the lane's inbox.
func (l *lane) deliver(d delivery) {
	l.inbox = append(l.inbox, d)
	l.wake()
}

// wake puts a turn on the agenda if there is something to do and nobody has done so. All
// that arrives before the turn begins shares its Flush, as in production.
func (l *lane) wake() {
	n := l.node
	if l.turn || len(l.inbox) == 0 || n.state != stateUp || l.stalls > 0 {
		return
	}
	l.turn = true
	e := n.w.agenda.add(max(n.w.now, l.freeAt), evTurn)
	e.to, e.lane, e.life = n.index, l.index, n.life
}

// onTurn works off a lane's inbox.
func (n *node) onTurn(index int16, life uint32) {
	if n.life != life {
		return
	}
	l := n.lanes[index]
	l.turn = false
	if n.state != stateUp || l.stalls > 0 {
		return
	}
	n.w.entropy.current = &n.rand
	n.run(l, life)
	n.w.entropy.current = &n.w.stray
	if n.life == life {
		l.freeAt = n.w.now + int64(n.turnCost.value(n.w.settings.TurnCost))
		l.wake()
	}
}

// run is the turn itself. A panic is a violation, and the end of the run.
func (n *node) run(l *lane, life uint32) {
	defer func() {
		if p := recover(); p != nil {
			n.w.panicked(n, p)
		}
	}()
	l.work, l.inbox = l.inbox, l.work[:0]
	for i := range l.work {
		l.step(&l.work[i])
		l.work[i] = delivery{}
		if n.life != life {
			return
		}
	}
	l.core.Flush()
}

// look answers a read at once, as net/host does for Redis clients, unless the lane is in the middle of a turn.
func (l *lane) look(look *wire.Look) bool {
	n := l.node
	if l.freeAt > n.w.now || n.state != stateUp || l.stalls > 0 || l.core == nil {
		return false
	}
	n.w.entropy.current = &n.rand
	defer func() {
		n.w.entropy.current = &n.w.stray
		if p := recover(); p != nil {
			n.w.panicked(n, p)
		}
	}()
	return l.core.Look(look)
}

func (l *lane) step(d *delivery) {
	switch {
	case d.frame != nil:
		if l.index == 0 { // the lane that listens
			l.node.w.watch.ears.hears(l.node, d.frame.From, d.frame.FromIncarnation)
		}
		l.core.OnFrame(d.frame)
	case d.fn != nil:
		d.fn()
	case d.call != nil:
		l.core.OnCall(d.call)
	case d.cmap != nil:
		l.core.OnMap(d.cmap)
	default:
		l.core.OnGossip(d.gossip)
	}
}

// laneEnv is a lane's door to the world.
type laneEnv struct {
	n    *node
	lane *lane
	life uint32
}

func (e *laneEnv) Now() time.Duration { return time.Duration(e.n.clock.at(e.n.w.now)) }
func (e *laneEnv) Wall() int64        { return e.n.clock.unix(e.n.w.now) }
func (e *laneEnv) Uint64() uint64     { return e.n.rand.Uint64() }

func (e *laneEnv) After(d time.Duration, f func()) {
	n := e.n
	if n.life != e.life {
		return
	}
	local := n.clock.at(n.w.now) + int64(max(d, 0))
	ev := n.w.agenda.add(n.clock.when(n.w.now, local), evTimer)
	ev.to, ev.lane, ev.life, ev.local, ev.fn = n.index, e.lane.index, e.life, local, f
}

func (e *laneEnv) Send(addr string, f *wire.Frame) {
	if e.n.life == e.life {
		e.n.w.network.send(e.n.index, addr, f)
	}
}

// onTimer rings a lane's timer, unless the clock was slowed down meanwhile.
func (n *node) onTimer(e *event) {
	if n.life != e.life {
		return
	}
	if n.clock.at(n.w.now) < e.local {
		again := n.w.agenda.add(n.clock.when(n.w.now, e.local), evTimer)
		again.to, again.lane, again.life, again.local, again.fn = e.to, e.lane, e.life, e.local, e.fn
		return
	}
	n.lanes[e.lane].deliver(delivery{fn: e.fn})
}

// board takes what a life's lanes put up.
type board struct {
	n    *node
	life uint32
}

func (b *board) PublishMap(m *wire.ClusterMap) {
	n := b.n
	if n.life != b.life || m == nil || n.board != nil && n.board.Epoch >= m.Epoch {
		return
	}
	n.w.judgeMap(m)
	n.w.sawMembers(n.board, m)
	if spared(m) && (n.board == nil || !spared(n.board)) {
		n.spareSince = n.clock.at(n.w.now)
	}
	n.board = m
	n.w.sawMap(m)
	if slices.ContainsFunc(m.Members, func(who wire.Member) bool { return who.State == wire.MemberDown }) {
		n.w.reached(branchDeclaredDown)
	}
	for _, l := range n.lanes {
		l.deliver(delivery{cmap: m})
	}
}

func (b *board) PublishHeld(shard wire.ShardID, keys int) {}

func (b *board) PublishLeader(shard wire.ShardID, leader wire.NodeID, term uint64) {}

func (n *node) String() string { return fmt.Sprintf("n%d", n.id) }
