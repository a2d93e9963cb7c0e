package hitrate

import (
	"container/heap"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"torc/cluster"
	"torc/core/evict"
	"torc/core/wire"
)

// replicated is the policy where it works: three nodes with one shard, in this process, on a clock and a
// network that are made up. Requests go to the shard's leader; what misses is written through the log, and the
// victims with it; the followers learn of reads from the leader's batches. A failover cuts the leader off until
// another one leads.
type replicated struct {
	now    time.Duration
	agenda agenda
	number int
	rng    *rand.Rand
	nodes  []*replica
	cut    *replica
}

// replica is one node. It is its lane's env and board.
type replica struct {
	*replicated
	*cluster.Lane
	addr string
	m    *wire.ClusterMap
}

const (
	replicatedKey   = 8
	replicatedValue = 16
	replicatedEach  = replicatedKey + replicatedValue + 128 // with the store's overhead
	replicatedSlack = replicatedEach - 1                    // less than one more would take: small caches must not gain by it
	pace            = 100 * time.Microsecond                // between requests
)

type happening struct {
	at     time.Duration
	number int
	do     func()
}

type agenda []happening

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].number < a[j].number
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(happening)) }
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

func newReplicated(capacity int, policy evict.Kind) *replicated {
	w := &replicated{rng: rand.New(rand.NewPCG(1, 1))}
	join := []string{"a", "b", "c"}
	for i, addr := range join {
		cfg := cluster.Config{Self: wire.Member{ID: wire.NodeID(i + 1), Incarnation: 1, Name: addr, PeerAddr: addr}, Join: join, Expect: 3,
			Shards: 1, Tick: 10 * time.Millisecond, MaxMemory: int64(capacity)*replicatedEach + replicatedSlack, Policy: policy}.Defaults()
		n := &replica{replicated: w, addr: addr}
		n.Lane = cluster.NewLane(&cfg, 0, n, n, nil)
		w.nodes = append(w.nodes, n)
		n.turn(n.Start)
	}
	return w
}

func (w *replicated) after(d time.Duration, do func()) {
	w.number++
	heap.Push(&w.agenda, happening{w.now + d, w.number, do})
}

// run lets time pass.
func (w *replicated) run(d time.Duration) {
	for end := w.now + d; ; {
		if len(w.agenda) == 0 || w.agenda[0].at > end {
			w.now = end
			return
		}
		h := heap.Pop(&w.agenda).(happening)
		w.now = h.at
		h.do()
	}
}

func (n *replica) turn(do func()) {
	do()
	n.Flush()
}

// Now is part of env.Clock.
func (n *replica) Now() time.Duration { return n.now }

// Wall is part of env.Clock.
func (n *replica) Wall() int64 { return 1_700_000_000_000 + n.now.Milliseconds() }

// After is part of env.Clock.
func (n *replica) After(d time.Duration, do func()) { n.after(d, func() { n.turn(do) }) }

// Uint64 is part of env.Rand.
func (n *replica) Uint64() uint64 { return n.rng.Uint64() }

// Send is part of env.Network: a frame takes up to half a millisecond.
func (n *replica) Send(addr string, f *wire.Frame) {
	for _, to := range n.nodes {
		if to.addr == addr && n.cut != to && n.cut != n {
			n.after(time.Duration(n.rng.IntN(int(5*pace))), func() { to.turn(func() { to.OnFrame(f) }) })
		}
	}
}

// PublishMap is part of cluster.Board.
func (n *replica) PublishMap(m *wire.ClusterMap) {
	n.m = m
	n.after(0, func() { n.turn(func() { n.OnMap(m) }) })
}

// PublishHeld is part of cluster.Board.
func (n *replica) PublishHeld(wire.ShardID, int) {}

// PublishLeader is part of cluster.Board.
func (n *replica) PublishLeader(wire.ShardID, wire.NodeID, uint64) {}

// leader is who leads the shard, and can be reached.
func (w *replicated) leader() *replica {
	for range 10_000 {
		for _, n := range w.nodes {
			if n == w.cut || n.m == nil {
				continue
			}
			for _, g := range n.Status().Groups {
				if g.Shard == 1 && g.Role == "leader" && g.LeaseLeft > 0 {
					return n
				}
			}
		}
		w.run(10 * time.Millisecond)
	}
	return nil
}

// heard takes an answer.
type heard func(*wire.Response)

func (h heard) Deliver(_ uint64, r *wire.Response) { h(r) }

func (n *replica) ask(c wire.Command, then heard) {
	n.turn(func() {
		n.OnCall(&wire.Call{Request: wire.Request{Shard: 1, Epoch: n.m.Epoch, Commands: []wire.Command{c}}, Sink: then})
	})
}

// Replicated replays a trace through the replicated path, with failovers at equal distances.
func Replicated(t *Trace, capacity, failovers int, policy evict.Kind) (hits int, err error) {
	w := newReplicated(capacity, policy)
	var leader *replica
	every := len(t.Keys)/(failovers+1) + 1
	for i, key := range t.Keys {
		if i > 0 && i%every == 0 {
			w.failover(leader)
		}
		leader = w.leader() // it may have changed: a request that another node forwards has a session, which takes room
		if leader == nil {
			return 0, fmt.Errorf("%s: nobody leads at request %d", t.Name, i)
		}
		if w.request(leader, key) {
			hits++
		}
		w.run(pace)
	}
	return hits, nil
}

func (w *replicated) failover(leader *replica) {
	w.cut = leader
	w.run(300 * time.Millisecond)
	w.leader()
	w.cut = nil
	w.run(100 * time.Millisecond)
}

// request reads a key, and writes it when it is not there.
func (w *replicated) request(leader *replica, key uint32) (hit bool) {
	name := binary.BigEndian.AppendUint64(nil, uint64(key))
	answered := false
	leader.ask(wire.Command{Op: wire.OpGet, Key: name}, func(r *wire.Response) {
		answered = true
		hit = r.Outcome == wire.OutcomeOK && r.Results[0].Kind == wire.KindBytes
	})
	for i := 0; !answered && i < 1000; i++ {
		w.run(pace)
	}
	if hit {
		return true
	}
	written := false
	leader.ask(wire.Command{Op: wire.OpSet, Key: name, Value: make([]byte, replicatedValue)}, func(*wire.Response) { written = true })
	for i := 0; !written && i < 1000; i++ { // as the optimum and the others do: the next request finds it
		w.run(pace)
	}
	return false
}
