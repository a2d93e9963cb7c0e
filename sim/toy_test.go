package sim

import (
	"strconv"
	"time"

	"torc/cluster"
	"torc/core/env"
	"torc/core/gossip"
	"torc/core/trace"
	"torc/core/wire"
)

// toy is a lane for the world's own tests: a cluster in which node 1 holds everything, and
// the others forward to it. It is honest as long as node 1 neither crashes nor is replaced;
// its flaws (a crash of node 1 loses all) are for the oracles to find.
type toy struct {
	cfg    *cluster.Config
	index  int
	env    env.Env
	board  cluster.Board
	trace  trace.Sink
	data   map[string]*toyEntry
	leases map[string]toyLease
	done   map[wire.Session]*wire.Response
	heard  map[[2]uint64]bool // forwards taken, to be deaf to doubles
	asked  map[uint64]*wire.Call
	nextID uint64
	born   uint64 // tells this life's forwards from a former one's
	writes uint64
	flaw   string
}

type toyEntry struct {
	value   []byte
	version uint64
	expires int64
}

type toyLease struct {
	number uint64
	until  int64
}

func toyFactory(flaw string) Factory {
	return func(cfg *cluster.Config, index int, e env.Env, board cluster.Board, tr trace.Sink) Lane {
		return &toy{cfg: cfg, index: index, env: e, board: board, trace: tr, flaw: flaw, data: map[string]*toyEntry{}, leases: map[string]toyLease{},
			done: map[wire.Session]*wire.Response{}, heard: map[[2]uint64]bool{}, asked: map[uint64]*wire.Call{}}
	}
}

func (l *toy) isMaster() bool { return l.cfg.Self.ID == 1 }

func (l *toy) Start() {
	l.born = l.env.Uint64() >> 32
	l.tick()
	if l.index != 0 {
		return
	}
	m := &wire.ClusterMap{ClusterID: 1, Epoch: 1, Shards: uint32(l.cfg.Shards), Replication: 1}
	for i := range l.cfg.Join {
		name := "n" + strconv.Itoa(i+1)
		m.Members = append(m.Members, wire.Member{ID: wire.NodeID(i + 1), Name: name, PeerAddr: name + ":peer", GRPCAddr: name + ":client"})
	}
	for shard := range l.cfg.Shards + 1 {
		m.Placements = append(m.Placements, wire.Placement{Shard: wire.ShardID(shard), Preferred: 1,
			Replicas: []wire.Replica{{ID: wire.ReplicaID(shard + 1), Node: 1, Role: wire.RoleVoter}}})
	}
	l.board.PublishMap(m)
	if l.isMaster() {
		for shard := range l.cfg.Shards + 1 {
			l.trace.Emit(trace.Event{Kind: trace.Role, Shard: wire.ShardID(shard), Replica: wire.ReplicaID(shard + 1), Term: 1, A: 2})
		}
	}
}

// tick keeps timers, randomness and idle frames in the play.
func (l *toy) tick() {
	l.env.After(100*time.Millisecond, l.tick)
	if peers := l.cfg.Join; l.index == 0 {
		to := peers[l.env.Uint64()%uint64(len(peers))]
		l.env.Send(to, &wire.Frame{From: l.cfg.Self.ID, Messages: []wire.Message{&wire.Hello{Member: l.cfg.Self}}})
	}
}

func (l *toy) OnMap(*wire.ClusterMap) {}
func (l *toy) OnGossip(gossip.Event)  {}
func (l *toy) Look(*wire.Look) bool   { return false }
func (l *toy) Stop(done func())       { done() }

func (l *toy) Flush() {}

func (l *toy) OnFrame(f *wire.Frame) {
	for _, m := range f.Messages {
		switch m := m.(type) {
		case *wire.Forward:
			key := [2]uint64{uint64(f.From), m.ID}
			if l.heard[key] && l.flaw != "deaf to nothing" {
				continue
			}
			l.heard[key] = true
			l.env.Send("n"+strconv.Itoa(int(f.From))+":peer", &wire.Frame{From: l.cfg.Self.ID, Messages: []wire.Message{
				&wire.Reply{ID: m.ID, Shard: m.Request.Shard, Response: *l.execute(&m.Request)}}})
		case *wire.Reply:
			if c := l.asked[m.ID]; c != nil {
				delete(l.asked, m.ID)
				c.Sink.Deliver(c.Tag, &m.Response)
			}
		}
	}
}

func (l *toy) OnCall(c *wire.Call) {
	switch {
	case l.flaw == "bomb":
		panic("boom")
	case l.flaw == "asleep":
	case l.isMaster():
		c.Sink.Deliver(c.Tag, l.execute(&c.Request))
	case c.Local:
		c.Sink.Deliver(c.Tag, &wire.Response{Outcome: wire.OutcomeRefused, Reason: wire.ReasonNotLeader, Leader: 1})
	default:
		l.nextID++
		id := l.nextID<<32 | l.born
		l.asked[id] = c
		l.env.Send("n1:peer", &wire.Frame{From: l.cfg.Self.ID, Messages: []wire.Message{
			&wire.Forward{ID: id, TimeoutMillis: c.TimeoutMillis, Request: c.Request}}})
		l.env.After(time.Duration(c.TimeoutMillis)*time.Millisecond, func() {
			if l.asked[id] == c {
				delete(l.asked, id)
				c.Sink.Deliver(c.Tag, &wire.Response{Outcome: wire.OutcomeUnknown, Reason: wire.ReasonDeadline})
			}
		})
	}
}

func (l *toy) execute(r *wire.Request) *wire.Response {
	once := wire.Session{Client: r.Session.Client, Seq: r.Session.Seq, Floor: uint64(r.Shard)} // a name for the request
	if old := l.done[once]; old != nil && l.flaw != "no dedupe" {
		return old
	}
	if r := l.flawedAtOnce(r); r != nil {
		return r
	}
	out := &wire.Response{Outcome: wire.OutcomeOK}
	unmet := l.guarded(r)
	for i := range r.Commands {
		if unmet {
			out.Results = append(out.Results, wire.Result{Kind: wire.KindError, Code: wire.CodeGuard})
			continue
		}
		out.Results = append(out.Results, l.apply(&r.Commands[i]))
	}
	if r.Session.Client != 0 && r.IsWrite() {
		l.done[once] = out
	}
	return out
}

// guarded reports whether a guard of a request is not met.
func (l *toy) guarded(r *wire.Request) bool {
	if l.flaw == "nothing as it was" && len(r.Commands) > 1 && r.IsWrite() {
		return true
	}
	for i := range r.Commands {
		c, now := &r.Commands[i], uint64(0)
		if e := l.data[string(c.Key)]; e != nil {
			now = e.version
		}
		if c.Op == wire.OpGuard && c.Version == 0 && l.flaw == "never absent" {
			return true
		}
		if c.Op == wire.OpGuard && (c.Version != now && l.flaw != "unguarded" || l.flaw == "never as it was") {
			return true
		}
	}
	return false
}

func (l *toy) apply(c *wire.Command) wire.Result {
	key := string(c.Key)
	e := l.data[key]
	if e != nil && e.expires != 0 && e.expires <= l.env.Wall() && l.flaw != "immortal" {
		delete(l.data, key)
		e = nil
	}
	l.writes++
	if r := l.flawed(c, key, e); r != nil {
		return *r
	}
	switch c.Op {
	case wire.OpGuard:
		return wire.Result{Kind: wire.KindOK}
	case wire.OpGet, wire.OpGetDelete:
		if e == nil {
			return wire.Result{}
		}
		if c.Op == wire.OpGetDelete {
			delete(l.data, key)
		}
		return wire.Result{Kind: wire.KindBytes, Value: e.value, Version: e.version}
	case wire.OpSet:
		delete(l.leases, key)
		var now uint64
		if e != nil {
			now = e.version
		}
		switch {
		case c.Flags&wire.FlagNX != 0 && e != nil:
			return wire.Result{Version: now}
		case c.Flags&wire.FlagVersion != 0 && now != c.Version:
			return wire.Result{Kind: wire.KindError, Code: wire.CodeVersion, Version: now}
		}
		e = &toyEntry{value: c.Value, version: l.writes}
		if c.TTLKind == wire.TTLRelative {
			e.expires = l.env.Wall() + c.TTL
		}
		l.data[key] = e
		return wire.Result{Kind: wire.KindOK, Version: e.version}
	case wire.OpDelete:
		delete(l.leases, key)
		delete(l.data, key)
		if e == nil {
			return wire.Result{Kind: wire.KindInt}
		}
		return wire.Result{Kind: wire.KindInt, Int: 1}
	case wire.OpIncr, wire.OpAppend:
		if l.flaw == "no numbers" && c.Op == wire.OpIncr && e != nil {
			return wire.Result{Kind: wire.KindError, Code: wire.CodeNotInteger, Version: e.version}
		}
		if e == nil {
			e = &toyEntry{}
		}
		next := &toyEntry{version: l.writes}
		result := wire.Result{Kind: wire.KindInt, Version: l.writes}
		if c.Op == wire.OpIncr {
			n, _ := strconv.ParseInt(string(e.value), 10, 64)
			result.Int = n + c.Delta
			next.value = strconv.AppendInt(nil, result.Int, 10)
		} else {
			next.value = append(append([]byte(nil), e.value...), c.Value...)
			result.Int = int64(len(next.value))
		}
		l.data[key] = next
		return result
	case wire.OpExpire, wire.OpPersist:
		if e == nil || c.Op == wire.OpPersist && e.expires == 0 {
			return wire.Result{Kind: wire.KindInt}
		}
		next := *e
		next.version, next.expires = l.writes, 0
		if c.Op == wire.OpExpire {
			next.expires = l.env.Wall() + c.TTL
		}
		l.data[key] = &next
		return wire.Result{Kind: wire.KindInt, Int: 1, Version: next.version}
	case wire.OpLease: // for what is not there, so that nothing is ever loaded anew
		if e != nil {
			return wire.Result{Kind: wire.KindBytes, Value: e.value, Version: e.version}
		}
		if l.leases[key].until > l.env.Wall() && l.flaw != "leases for all" {
			return wire.Result{}
		}
		l.leases[key] = toyLease{l.writes, l.env.Wall() + c.TTL}
		return wire.Result{Kind: wire.KindInt, Int: int64(l.writes)}
	case wire.OpFill:
		if lease := l.leases[key]; lease.number != c.Version || c.Version == 0 || lease.until <= l.env.Wall() {
			return wire.Result{}
		}
		l.data[key] = &toyEntry{value: c.Value, version: l.writes}
		delete(l.leases, key)
		return wire.Result{Kind: wire.KindOK, Version: l.writes}
	}
	panic("toy: unknown operation")
}

// Status says that every shard has its one voter on node 1.
func (l *toy) Status() (s cluster.LaneStatus) {
	if !l.isMaster() {
		return s
	}
	for shard := range l.cfg.Shards + 1 {
		if cluster.LaneOf(wire.ShardID(shard), l.cfg.Lanes) != l.index {
			continue
		}
		id := wire.ReplicaID(shard + 1)
		s.Groups = append(s.Groups, cluster.GroupStatus{Shard: wire.ShardID(shard), Replica: id, Role: "leader", Term: 1,
			Commit: 1, Applied: 1, Voters: []wire.ReplicaID{id}})
	}
	return s
}
