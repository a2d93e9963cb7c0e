package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"torc/core/env"
	"torc/core/gossip"
	"torc/core/wire"
)

// ErrStopped says that the host runs no more.
var ErrStopped = errors.New("host: stopped")

// Host runs one node's lanes. Make it, make the lanes on its Envs with it as their board,
// then Start.
type Host struct {
	cfg       Config
	origin    time.Time
	loops     []*loop
	transport Transport
	board     board
	stats     stats

	stop    sync.Once
	stopped chan struct{}
}

// New makes a host. Frames and requests that come before Start wait for it.
func New(cfg Config) *Host {
	h := &Host{cfg: cfg.withDefaults(), origin: time.Now(), stopped: make(chan struct{})}
	for i := range h.cfg.Lanes {
		h.loops = append(h.loops, newLoop(h, i))
	}
	return h
}

// Env is the world of one lane.
func (h *Host) Env(lane int) env.Env { return h.loops[lane].world }

// Start starts the lanes, each on a goroutine of its own. There must be one for each
// Config.Lanes.
func (h *Host) Start(lanes []Lane, t Transport) error {
	if len(lanes) != len(h.loops) {
		return fmt.Errorf("host: start: %d lanes given, %d configured", len(lanes), len(h.loops))
	}
	h.transport = t
	for i, l := range h.loops {
		l.lane = lanes[i]
	}
	for _, l := range h.loops {
		go l.run()
	}
	return nil
}

// Submit hands requests to the lanes that own their shards; those of one lane come into one turn. Each call's sink gets
// exactly one response, on that lane's goroutine or, for a refusal, within Submit. Submit never blocks.
func (h *Host) Submit(calls ...*wire.Call) {
	lanes, now := len(h.loops), time.Now()
	for _, c := range calls {
		if h.cfg.OnSlow != nil && h.cfg.SlowAfter > 0 {
			h.watch(c)
		}
		if f, ok := c.Sink.(Flusher); ok {
			f.Within(h.loops[laneOf(c.Shard, lanes)].atEnd)
		}
	}
	for i, l := range h.loops {
		if !slices.ContainsFunc(calls, func(c *wire.Call) bool { return laneOf(c.Shard, lanes) == i }) {
			continue
		}
		for _, r := range l.inbox.putCalls(calls, i, lanes, now) {
			if r.why == closed {
				refuse(r.call, wire.ReasonStopping)
				continue
			}
			h.stats.callsRefused.Add(1)
			refuse(r.call, wire.ReasonOverloaded)
		}
	}
}

// refuse answers a request that no lane has seen.
func refuse(c *wire.Call, reason wire.Reason) {
	if f, ok := c.Sink.(Flusher); ok {
		f.Within(nil)
	}
	c.Sink.Deliver(c.Tag, &wire.Response{Outcome: wire.OutcomeRefused, Reason: reason})
}

// OnFrame takes a frame that came from a peer, splits it by lane and leaves it to them. It
// never blocks; the frame belongs to the host from then on.
func (h *Host) OnFrame(f *wire.Frame) {
	gossip := h.cfg.Gossip
	if gossip != nil && h.Map().IsOther(f.Cluster) {
		gossip = func([]byte) {} // of another cluster, at an address that was one of ours: its nodes are no news, and may have our nodes' names
	}
	for i, part := range split(f, len(h.loops), gossip) {
		if part == nil {
			continue
		}
		if h.loops[i].inbox.putFrame(part) == full {
			h.stats.framesDropped.Add(1)
		}
	}
}

// OnGossip leaves an event of the membership protocol to every lane.
func (h *Host) OnGossip(e gossip.Event) {
	for _, l := range h.loops {
		l.inbox.putDo(func() { l.lane.OnGossip(e) })
	}
}

// SendGossip sends a message of the membership protocol to the node that listens at addr.
func (h *Host) SendGossip(addr string, data []byte) {
	h.transport.Send(addr, &wire.Frame{
		From: h.cfg.Self.ID, FromIncarnation: h.cfg.Self.Incarnation, Cluster: h.Map().Cluster(),
		Messages: []wire.Message{&wire.Gossip{Data: data}},
	})
}

// Do runs f on a lane's goroutine and waits for it. When ctx ends first, f may still run
// later.
func (h *Host) Do(ctx context.Context, lane int, f func()) error {
	l := h.loops[lane]
	done := make(chan struct{})
	if l.inbox.putDo(func() { f(); close(done) }) == closed {
		return ErrStopped
	}
	select {
	case <-done:
		return nil
	case <-l.ended:
		select {
		case <-done: // it was among the last
			return nil
		default:
			return ErrStopped
		}
	case <-ctx.Done():
		return fmt.Errorf("host: wait for lane %d: %w", lane, ctx.Err())
	}
}

// HandOver lets the lanes give away what they lead, while they serve on, and waits until they have.
func (h *Host) HandOver(ctx context.Context) error {
	return h.all(ctx, "hand over what is led by", Lane.HandOver)
}

// Stop lets the lanes end, each when it has handed over what it leads, then ends their loops. When ctx
// ends first the loops are ended anyway, and the error says so. Requests that no lane has seen are
// refused. Stop must not be called on a lane's goroutine, nor before Start.
func (h *Host) Stop(ctx context.Context) error {
	err := h.all(ctx, "stop", Lane.Stop)
	h.stop.Do(func() {
		for _, l := range h.loops {
			close(l.quit)
		}
		for _, l := range h.loops {
			<-l.ended
		}
		close(h.stopped)
	})
	<-h.stopped
	return err
}

// all asks every lane to do something and waits until all have said that they are done: they need each
// other until then.
func (h *Host) all(ctx context.Context, what string, do func(Lane, func())) error {
	done := make([]chan struct{}, len(h.loops))
	for i, l := range h.loops {
		over := make(chan struct{})
		var once sync.Once
		if l.inbox.putDo(func() { do(l.lane, func() { once.Do(func() { close(over) }) }) }) == admitted {
			done[i] = over
		}
	}
	for i, l := range h.loops {
		if done[i] == nil {
			continue // ended already
		}
		select {
		case <-done[i]:
		case <-l.ended:
		case <-ctx.Done():
			return fmt.Errorf("host: %s lane %d: %w", what, i, ctx.Err())
		}
	}
	return nil
}
