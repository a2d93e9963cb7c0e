package envtest

import (
	"fmt"
	"sort"
	"testing"
	"time"

	"torc/core/env"
	"torc/core/wire"
)

// toyWorld is the smallest world that keeps the contract: one list of events in virtual time.
// Each of its faults breaks one rule.
type toyWorld struct {
	now    time.Duration
	events []toyEvent
	nodes  map[string]*toyNode
	seed   uint64
	fault  string
}

type toyEvent struct {
	at   time.Duration
	node *toyNode
	f    func()
}

type toyNode struct {
	w       *toyWorld
	self    wire.Member
	receive func(*wire.Frame)
	random  uint64
	stalled time.Duration // until when
}

func newToy(fault string) *toyWorld { return &toyWorld{nodes: map[string]*toyNode{}, fault: fault} }

func (w *toyWorld) Start(name string, receive func(*wire.Frame)) Node {
	w.seed++
	n := &toyNode{w: w, receive: receive, random: w.seed, self: wire.Member{ID: wire.NodeIDOf(name), Incarnation: 1, Name: name, PeerAddr: name + ":1"}}
	if w.fault == "equal streams" {
		n.random = 1
	}
	w.nodes[n.self.PeerAddr] = n
	return n
}

// add puts an event on the list. A stalled node's events wait for the end of its stall.
func (w *toyWorld) add(n *toyNode, d time.Duration, f func()) {
	w.events = append(w.events, toyEvent{w.now + max(d, 0), n, f})
}

func (w *toyWorld) step() bool {
	sort.SliceStable(w.events, func(i, j int) bool {
		return max(w.events[i].at, w.events[i].node.stalled) < max(w.events[j].at, w.events[j].node.stalled)
	})
	if len(w.events) == 0 {
		w.now += time.Millisecond
		return false
	}
	e := w.events[0]
	w.events = w.events[1:]
	w.now = max(w.now, e.at, e.node.stalled)
	e.f()
	return true
}

func (w *toyWorld) Until(cond func() bool) bool {
	for range 20_000 {
		if cond() {
			return true
		}
		w.step()
	}
	return cond()
}

func (w *toyWorld) Stall(node Node, d time.Duration) {
	n := node.(*toyNode)
	if w.fault == "clock stops" {
		return
	}
	n.stalled = w.now + d
	if w.fault == "made up for" { // each timer is run once for every 10 ms of the stall
		for _, e := range append([]toyEvent(nil), w.events...) {
			for range d / (10 * time.Millisecond) {
				w.add(n, d, e.f)
			}
		}
	}
	for w.now < n.stalled {
		w.add(n, d, func() {})
		w.step()
	}
}

func (n *toyNode) Env() env.Env      { return n }
func (n *toyNode) Self() wire.Member { return n.self }

func (n *toyNode) Do(f func()) {
	if n.w.fault == "other threads" {
		done := make(chan struct{})
		go func() { f(); close(done) }()
		<-done
		return
	}
	f()
}

func (n *toyNode) Now() time.Duration {
	if n.w.fault == "clock goes back" {
		n.w.now -= time.Nanosecond
	}
	return n.w.now
}

func (n *toyNode) Wall() int64 { return 1 }

func (n *toyNode) After(d time.Duration, f func()) {
	switch n.w.fault {
	case "early":
		d = d * 9 / 10
	case "twice":
		n.w.add(n, d, f)
	case "inside After":
		if d <= 0 {
			f()
			return
		}
	case "never":
		if d > 50*time.Millisecond {
			return
		}
	}
	n.w.add(n, d, f)
}

func (n *toyNode) Send(addr string, f *wire.Frame) {
	to := n.w.nodes[addr]
	if to == nil {
		if n.w.fault == "unknown address" {
			panic(fmt.Sprintf("no node at %s", addr))
		}
		return
	}
	switch n.w.fault {
	case "altered":
		f.Messages = f.Messages[:len(f.Messages)/2]
	case "callback":
		to.receive(f)
		return
	case "deaf to itself":
		if to == n {
			return
		}
	case "blocks":
		n.w.now += 10 * time.Second
	}
	n.w.add(to, time.Millisecond, func() { to.receive(f) })
}

// Uint64 is splitmix64.
func (n *toyNode) Uint64() uint64 {
	if n.w.fault == "constant" {
		return 4
	}
	n.random += 0x9e3779b97f4a7c15
	z := n.random
	if n.w.fault == "equal streams" {
		return z
	}
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func TestContract(t *testing.T) {
	Run(t, func(*testing.T) World { return newToy("") })
}
