package cluster

import (
	"container/heap"
	"crypto/rand"
	"os"
	"testing"
	"time"

	"torc/core/wire"
)

// entropy stands in for crypto/rand.Reader, from which raft draws its election timeouts: the
// tests repeat exactly.
var entropy stream

func TestMain(m *testing.M) {
	rand.Reader = &entropy
	os.Exit(m.Run())
}

// stream is a stream of random numbers (SplitMix64).
type stream struct{ state uint64 }

func (s *stream) Uint64() uint64 {
	s.state += 0x9e3779b97f4a7c15
	z := s.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (s *stream) intN(n int) int { return int(s.Uint64() % uint64(n)) }

func (s *stream) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(s.Uint64())
	}
	return len(p), nil
}

// world is some nodes of one lane each, a clock that is moved by hand and a network.
type world struct {
	stream
	now          time.Duration
	agenda       agenda
	number       int
	nodes        map[string]*node // by address; the present lives
	names        []string
	delayMax     time.Duration
	loss, double int   // thousandths
	jumped       int64 // milliseconds by which the wall clocks have
	drop         func(addr string, f *wire.Frame) bool
	lag          func(addr string, f *wire.Frame) time.Duration // on top of what is drawn
	listening    func(addr string, f *wire.Frame)               // sees what is sent
}

// node is one life of one node. It is the lane's board.
type node struct {
	*world
	*Lane
	cfg  Config
	over bool
	maps []*wire.ClusterMap
}

type event struct {
	at     time.Duration
	number int
	do     func()
}

type agenda []event

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].number < a[j].number
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(event)) }
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

func newWorld(seed uint64) *world {
	entropy = stream{^seed}
	return &world{stream: stream{seed}, nodes: map[string]*node{}, delayMax: 5 * time.Millisecond}
}

// start begins a life of a node; a former one of the same address is over.
func (w *world) start(addr string, id wire.NodeID, life wire.Incarnation, cfg Config) *node {
	cfg.Self = wire.Member{ID: id, Incarnation: life, Name: addr, PeerAddr: addr}
	n := &node{world: w, cfg: cfg.Defaults()}
	if old := w.nodes[addr]; old != nil {
		old.over = true
	} else {
		w.names = append(w.names, addr)
	}
	w.nodes[addr] = n
	n.Lane = NewLane(&n.cfg, 0, n, n, nil)
	n.turn(n.Start)
	return n
}

func (n *node) turn(do func()) {
	if n.over {
		return
	}
	do()
	n.Flush()
}

func (w *world) after(d time.Duration, do func()) {
	w.number++
	heap.Push(&w.agenda, event{w.now + d, w.number, do})
}

// run lets time pass.
func (w *world) run(d time.Duration) {
	end := w.now + d
	for len(w.agenda) > 0 && w.agenda[0].at <= end {
		e := heap.Pop(&w.agenda).(event)
		w.now = e.at
		e.do()
	}
	w.now = end
}

// until runs until something is so, for at most this long, and reports whether it came to be.
func (w *world) until(most time.Duration, ok func() bool) bool {
	for end := w.now + most; w.now < end; w.run(10 * time.Millisecond) {
		if ok() {
			return true
		}
	}
	return ok()
}

func (w *world) Now() time.Duration              { return w.now }
func (w *world) Wall() int64                     { return 1_700_000_000_000 + w.now.Milliseconds() + w.jumped }
func (w *world) After(time.Duration, func())     {}
func (w *world) Send(addr string, _ *wire.Frame) {}

// After is part of env.Clock.
func (n *node) After(d time.Duration, do func()) { n.after(d, func() { n.turn(do) }) }

// Send is part of env.Network.
func (n *node) Send(addr string, f *wire.Frame) {
	w := n.world
	if w.listening != nil {
		w.listening(addr, f)
	}
	copies := 1
	if w.intN(1000) < w.double {
		copies = 2
	}
	for range copies {
		if w.intN(1000) < w.loss || w.drop != nil && w.drop(addr, f) {
			continue
		}
		way := time.Duration(w.intN(int(w.delayMax)))
		if w.lag != nil {
			way += w.lag(addr, f)
		}
		w.after(way, func() {
			if to := w.nodes[addr]; to != nil {
				to.turn(func() { to.OnFrame(f) })
			}
		})
	}
}

// Now, Wall and Uint64 are the world's.
func (n *node) Now() time.Duration { return n.world.now }
func (n *node) Wall() int64        { return n.world.Wall() }
func (n *node) Uint64() uint64     { return n.world.Uint64() }

// PublishMap is part of Board.
func (n *node) PublishMap(m *wire.ClusterMap) {
	n.maps = append(n.maps, m)
	n.after(0, func() { n.turn(func() { n.OnMap(m) }) })
}

// PublishHeld is part of Board.
func (n *node) PublishHeld(wire.ShardID, int) {}

// PublishLeader is part of Board.
func (n *node) PublishLeader(wire.ShardID, wire.NodeID, uint64) {}
