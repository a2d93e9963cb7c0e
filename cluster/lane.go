package cluster

import (
	"slices"
	"time"

	"torc/core/env"
	"torc/core/evict"
	"torc/core/gossip"
	"torc/core/late"
	"torc/core/mutant"
	"torc/core/raft"
	"torc/core/router"
	"torc/core/store"
	"torc/core/trace"
	"torc/core/wire"
)

// Board is where a node's lanes put up what the rest of the node wants to know. The world
// provides it; calls come from the lanes' own threads.
type Board interface {
	// PublishMap shows a newer cluster map. The world must hand it to every lane of this node
	// by OnMap, as an event of its own.
	PublishMap(m *wire.ClusterMap)
	// PublishHeld shows of how many keys of a shard this node holds copies (held.go).
	PublishHeld(shard wire.ShardID, keys int)
	// PublishLeader shows which node leads a shard now, as far as this node knows (zero: none).
	PublishLeader(shard wire.ShardID, leader wire.NodeID, term uint64)
}

// LaneOf says which lane of a node with this many lanes owns a shard. The meta group and all
// that concerns the whole node live on lane 0.
func LaneOf(shard wire.ShardID, lanes int) int { return int(shard) % lanes }

// Lane is one event loop's worth of a node: a disjoint set of shards. It is driven by one
// logical thread: some events (OnFrame, OnCall, OnMap, OnGossip, timers by env), then Flush.
type Lane struct {
	cfg   *Config
	index int
	env   env.Env
	board Board
	trace trace.Sink

	m      *wire.ClusterMap
	groups map[wire.ShardID]*group // for look-up, never ranged
	order  []*group                // the same, by shard
	out    []*wire.Frame           // this turn's frames, one per peer
	addrs  []string                // where each goes
	known  map[wire.NodeID]wire.Member

	hall    *router.Hall
	gone    []*group       // replicas that this node has no more, until the end of the turn
	spent   []*store.Store // with memory still to be given back
	logs    int64          // bytes of Raft logs, at the last tick
	touched []*group       // have something to do at the end of this turn
	turned  []*group       // room for others that will
	full    bool           // the memory bound is reached
	pressed bool           // another node has said how much a shard may hold there

	refusals  Refusals // of copies that came in
	strangers Strangers

	entries  wire.BatchReader // what is applied
	entry    []byte           // what is proposed, in its binary form
	requests []wire.Request   // and before

	ticks int

	hits, misses uint64         // reads that found their key, or not
	learner      *evict.Learner // of the groups' eviction policies
	evicted      uint64         // keys given up by the groups it leads, since the start
	expired      uint64         // and those that expired
	curve        *evict.Curve   // what more memory would be worth, or less

	hints hints
	held  copies // of hot keys that other nodes lead

	promptness

	found founding
	desk  desk
	pace  *pacer // of the snapshots that this lane sends
	leave farewell

	hasLeft bool // this life was drained, and has left (dismiss.go)
	overseer
}

// NewLane makes a lane. Nothing happens before Start.
func NewLane(cfg *Config, index int, e env.Env, board Board, tr trace.Sink) *Lane {
	l := &Lane{cfg: cfg, index: index, env: e, board: board, trace: tr,
		groups: map[wire.ShardID]*group{}, hints: hints{}, known: map[wire.NodeID]wire.Member{}, overseer: newOverseer()}
	l.judge = late.New(late.Rules{Floor: l.floor(), Times: lateTimes})
	l.pace = newPacer(e, (cfg.Rebalance+int64(cfg.Lanes)-1)/int64(max(cfg.Lanes, 1)), cfg.Tick)
	if kept := cfg.MaxKept / int64(max(cfg.Lanes, 1)); kept > 0 {
		l.pace.most = int(min(max(1, kept/raft.WindowBytes), shipsMax))
	}
	election := cfg.Tick * time.Duration(cfg.ElectionTicks)
	l.hall = router.New(router.Config{Timeout: cfg.Timeout, Patience: 3 * election, Resend: max(2*election, time.Second), Notice: 2 * cfg.Tick,
		InboxMax: cfg.InboxMax, BytesMax: cfg.MaxWaiting / int64(max(cfg.Lanes, 1)), MaxKey: cfg.MaxKey, MaxValue: cfg.MaxValue}, cfg.Self.ID, front{l})
	return l
}

// Start sets the lane's timers and, on lane 0, begins to seek or form a cluster.
func (l *Lane) Start() {
	l.env.After(l.cfg.Tick, l.onTick)
	l.env.After(l.cfg.Tick, l.ping)
	if l.index == 0 {
		l.greet()
	}
}

func (l *Lane) onTick() {
	l.env.After(l.cfg.Tick, l.onTick)
	l.ticks++
	total := l.total()
	for _, g := range l.order {
		g.tick()
		g.tellRoom(total)
		g.mend()
		g.answerVisitors()
	}
	l.fitLogs()
	l.fitShips()
	l.tend()
	l.leaveOn()
	l.yieldOn()
	l.tickHeld()
	if l.ticks%curveTicks == 0 {
		l.fitCurve()
	}
	l.full = l.cfg.MaxMemory > 0 && l.storeBytes() >= l.bound()
	l.hall.Tick()
	if l.index != 0 {
		return
	}
	if l.m == nil && l.ticks%4 == 0 || l.ticks%20 == 0 {
		l.greet()
	}
	if l.ticks%4 == 0 {
		l.oversee()
	}
	l.deal()
}

// OnFrame takes a frame. All its messages must be for this lane (the world splits frames by
// LaneOf when the sender's lanes differ).
func (l *Lane) OnFrame(f *wire.Frame) {
	if f.ToIncarnation != 0 && f.ToIncarnation != l.cfg.Self.Incarnation && !mutant.On(mutant.GroupMixup) || f.To != 0 && f.To != l.cfg.Self.ID {
		return
	}
	messages := f.Messages
	if !l.isMember(f) {
		// Of another cluster (stranger.go), of a former life, or not yet admitted. A leader's greeting to one that does not know it may be in one
		// frame with what its groups say, each time: it must not be dropped with that, or one that was away while all others were replaced would be
		// left without news.
		if messages = slices.DeleteFunc(slices.Clone(messages), func(m wire.Message) bool { return !firstContact(m, l.isOwn(f)) }); len(messages) == 0 {
			return
		}
	}
	if l.index == 0 {
		l.heardFrom(f)
	}
	for _, m := range messages {
		l.onMessage(f, m)
	}
	if l.index == 0 {
		l.heardFrom(f) // once more: by its hello a life becomes known, and what was heard of the one before is old
	}
}

// isMember reports whether a frame is from a life that this node's map names, and not by mistake (stranger.go). Before it has one all are.
func (l *Lane) isMember(f *wire.Frame) bool {
	who := l.m.Member(f.From)
	return l.m == nil || l.isOwn(f) && who != nil && (who.Incarnation == f.FromIncarnation || mutant.On(mutant.AmnesiaCrossedWires))
}

// isOwn reports whether a frame's sender is in this node's cluster, on its map or not.
func (l *Lane) isOwn(f *wire.Frame) bool { return l.m != nil && f.Cluster == l.m.ClusterID }

// firstContact reports whether a message is taken from any life, or from any that is in this cluster. A reply is to what this life has asked.
func firstContact(m wire.Message, own bool) bool {
	switch m.(type) {
	case *wire.Hello, *wire.Pledge, *wire.Pledged, *wire.Reply:
		return true
	case *wire.MapUpdate, *wire.Forward, *wire.Dropped, *wire.Ask:
		return own
	}
	return false
}

func (l *Lane) onMessage(f *wire.Frame, m wire.Message) {
	if mutant.On(mutant.AmnesiaCrossedWires) {
		m = l.byNode(f.From, m)
	}
	if g := l.groups[m.Group()]; g != nil && g.onMessage(m) {
		return
	}
	switch m := m.(type) {
	case *wire.Forward:
		l.hall.OnForward(f.From, f.FromIncarnation, m)
	case *wire.Recall:
		l.onRecall(f, m)
	case *wire.Dropped:
		if m.ID == 0 {
			l.droppedAll(l.hall.Holder(f.From, f.FromIncarnation, m.Shard), m.Shard)
		} else {
			l.dropped(m.Shard, m.ID)
		}
	case *wire.Reply:
		l.hall.OnReply(m)
	case *wire.Hello:
		l.onHello(m)
	case *wire.Pledge:
		l.onPledge(f.From, m)
	case *wire.Pledged:
		l.onPledged(f.From, m)
	case *wire.MapUpdate:
		l.onMapUpdate(m)
	case *wire.Report:
		l.onReport(f.From, m)
	case *wire.Ask:
		l.onAsk(f, m)
	case *wire.Told:
		l.onTold(m)
	case *wire.Inspect:
		if g := l.groups[m.Shard]; g != nil {
			g.onInspect(f, m)
		}
	case *wire.Inspected:
		l.onInspected(m)
	case *wire.Used:
		if g := l.groups[m.Shard]; g != nil {
			g.onUsed(m)
		}
	case *wire.Room:
		if g := l.groups[m.Shard]; g != nil {
			g.onRoom(m)
		}
	case *wire.Sealed:
		l.onSealed(f.From, f.FromIncarnation, m)
	case *wire.Ping:
		l.onPing(f.From, m)
	case *wire.Pong:
		l.onPong(f.From, m)
	}
}

// OnCall takes a request from a client of this node. Its sink gets exactly one response.
func (l *Lane) OnCall(c *wire.Call) {
	if isDropped(c) {
		l.onDropped(c)
		return
	}
	if l.fromHeld(c) {
		return
	}
	l.hall.Admit(c)
}

// OnMap takes a cluster map that another lane of this node published.
func (l *Lane) OnMap(m *wire.ClusterMap) {
	if l.m == nil || m.Epoch > l.m.Epoch {
		l.adopt(m)
	}
}

// OnGossip takes what the membership protocol believes about a node. It is advice.
func (l *Lane) OnGossip(e gossip.Event) {
	if change, changed := l.view.Merge(e); changed {
		l.hints.learn(change.After)
	}
	if mutant.On(mutant.TwoRings) && e.Status == gossip.Dead && l.index == 0 {
		l.ringWithout(e.Node, e.Incarnation)
	}
}

// newMap takes a map from the meta group or a peer and puts it up for the other lanes.
func (l *Lane) newMap(m *wire.ClusterMap) {
	if l.m != nil && (m.Epoch <= l.m.Epoch || m.ClusterID != l.m.ClusterID) {
		return
	}
	l.adopt(m)
	l.board.PublishMap(m)
}

func (l *Lane) adopt(m *wire.ClusterMap) {
	l.declare(newLosses(l.m, m))
	l.forgetHeld(anyShard)
	l.unlearn(m)
	l.noteSelf(m)
	l.m = m
	l.hall.MapChanged(m)
	for i := range m.Members {
		l.learnAddr(m.Members[i])
	}
	for i := range m.Placements {
		p := &m.Placements[i]
		if LaneOf(p.Shard, l.cfg.Lanes) == l.index {
			l.place(p)
		}
	}
	l.meet(m)
	if l.trace != nil {
		l.trace.Emit(trace.Event{Kind: trace.Map, Node: l.cfg.Self.ID, A: uint64(m.Epoch), B: digestOf(m)})
	}
}

// place starts or stops this node's replica of a shard.
func (l *Lane) place(p *wire.Placement) {
	r := p.On(l.cfg.Self.ID, l.cfg.Self.Incarnation)
	if mutant.On(mutant.AmnesiaSameID) && r == nil {
		for i := range p.Replicas {
			if p.Replicas[i].Node == l.cfg.Self.ID {
				r = &p.Replicas[i]
			}
		}
	}
	g := l.groups[p.Shard]
	if mutant.On(mutant.StaleRoute) && g != nil && r == nil {
		g.former = true // it goes on serving reads from what it remembers
		return
	}
	if g != nil && (r == nil || r.ID != g.replica) {
		delete(l.groups, p.Shard)
		l.order = slices.DeleteFunc(l.order, func(x *group) bool { return x == g })
		g.member.Close()
		g.deposed()
		g.closeEvictor()
		l.gone = append(l.gone, g)
		g = nil
	}
	if g == nil && r != nil {
		l.start(p, r)
	}
}

func (l *Lane) start(p *wire.Placement, r *wire.Replica) {
	g := &group{lane: l, shard: p.Shard, replica: r.ID}
	if p.Shard == wire.MetaShard {
		g.meta = &meta{lane: l}
	} else {
		g.store = store.New(l.storeConfig(p))
	}
	cfg := raft.Config{Shard: p.Shard, Replica: r.ID, Node: l.cfg.Self.ID, Tick: l.cfg.Tick, ElectionTicks: l.cfg.ElectionTicks,
		HeartbeatTicks: l.cfg.HeartbeatTicks, ClockDrift: l.cfg.ClockDrift, LeaseMost: l.leaseMost(), LogBytes: l.cfg.LogBytes, PromptCommit: l.cfg.Reads == ReadIndex, Uncommitted: l.uncommittedMax(), Admit: g.admitCopy, Pace: l.pace, Clock: l.env, Trace: l.trace, Machine: g, Output: g}
	if l.m.Epoch == 1 || mutant.On(mutant.AmnesiaSameID) && r.Incarnation != l.cfg.Self.Incarnation {
		for _, v := range p.Replicas {
			cfg.Voters = append(cfg.Voters, v.ID)
		}
		if g.meta != nil {
			g.meta.m = l.m
		}
	} else if slices.Contains(p.Founders, r.ID) {
		cfg.Voters = p.Founders
		if g.meta != nil {
			g.meta.m = l.m // the one founder's own map (recover.go)
		}
	}
	member, err := raft.New(cfg)
	if err != nil {
		panic(err)
	}
	g.member = member
	l.groups[p.Shard] = g
	at, _ := slices.BinarySearchFunc(l.order, p.Shard, func(x *group, s wire.ShardID) int { return int(x.shard) - int(s) })
	l.order = slices.Insert(l.order, at, g)
}

// storeConfig is by the map alone, for all replicas of a shard must compute alike: a node that only joins was told of neither the
// number of shards nor the limits.
func (l *Lane) storeConfig(p *wire.Placement) store.Config {
	return store.Config{Shard: p.Shard, Shards: int(l.m.Shards), Seed: l.m.Seed, Pages: l.cfg.Pages,
		Version: versionsAbove(p), MaxValue: within(l.m.Limits.MaxValue), SessionTTL: int64(within(l.m.Limits.SessionTTL)), SessionsMax: within(uint64(l.m.Limits.SessionsMax)), SessionBytes: int64(within(l.m.Limits.SessionBytes))}
}

// storeBytes is what the lane's stores hold. Every replica of a shard counts the same.
func (l *Lane) storeBytes() (n int64) {
	for _, g := range l.order {
		if g.store != nil {
			n += g.store.Bytes()
		}
	}
	return n
}

// learnAddr notes where a node's latest life listens.
func (l *Lane) learnAddr(m wire.Member) {
	if m.Incarnation >= l.known[m.ID].Incarnation {
		l.known[m.ID] = m
	}
}

func (l *Lane) sendReplica(shard wire.ShardID, to wire.ReplicaID, m wire.Message) {
	if p := l.m.Placement(shard); p != nil {
		if r := p.Replica(to); r != nil && (l.known[r.Node].Incarnation == r.Incarnation || mutant.On(mutant.AmnesiaSameID)) {
			l.send(r.Node, m)
		}
	}
}

// send adds a message to this turn's frame for a node.
func (l *Lane) send(to wire.NodeID, m wire.Message) {
	if who, ok := l.known[to]; ok {
		l.sendAddr(who.PeerAddr, to, who.Incarnation, m)
	}
}

func (l *Lane) sendAddr(addr string, to wire.NodeID, inc wire.Incarnation, m wire.Message) {
	for i, f := range l.out {
		if l.addrs[i] == addr && f.To == to && f.ToIncarnation == inc {
			f.Messages = append(f.Messages, m)
			return
		}
	}
	f := &wire.Frame{From: l.cfg.Self.ID, FromIncarnation: l.cfg.Self.Incarnation, To: to, ToIncarnation: inc,
		Messages: append(make([]wire.Message, 0, messagesAtFirst), m)}
	l.out, l.addrs = append(l.out, f), append(l.addrs, addr)
}

// messagesAtFirst is how many messages a frame has room for from the beginning.
const messagesAtFirst = 8

// touch puts a group on the list of those that have something to do at the end of this turn.
func (l *Lane) touch(g *group) {
	if !g.touched {
		g.touched = true
		l.touched = append(l.touched, g)
	}
}

// Flush ends a turn: it proposes what was gathered, sends one frame per peer, applies what is
// committed and delivers responses.
func (l *Lane) Flush() {
	for len(l.touched) > 0 {
		touched := l.touched
		l.touched, l.turned = l.turned[:0], nil
		for _, g := range touched {
			g.touched = false
			g.turn()
		}
		clear(touched)
		l.turned = touched[:0] // room for the next ones
	}
	l.bury()
	out, addrs := l.out, l.addrs
	l.out, l.addrs = nil, nil // Send may come back with what is for this node itself
	for i, f := range out {
		f.Cluster = l.m.Cluster()
		l.env.Send(addrs[i], f)
	}
	if l.out == nil {
		clear(out)
		l.out, l.addrs = out[:0], addrs[:0]
	}
}
