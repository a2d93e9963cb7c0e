package host

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/env"
	"torc/core/gossip"
	"torc/core/wire"
)

// fakeLane does what the test says. Its hooks run on the lane's goroutine.
type fakeLane struct {
	env      env.Env
	onStart  func()
	onFrame  func(*wire.Frame)
	onCall   func(*wire.Call)
	onMap    func(*wire.ClusterMap)
	onGossip func(gossip.Event)
	onLook   func(*wire.Look) bool
	onFlush  func()
	onStop   func(func())
}

func call[T any](f func(T), v T) {
	if f != nil {
		f(v)
	}
}

func (l *fakeLane) Start() {
	if l.onStart != nil {
		l.onStart()
	}
}
func (l *fakeLane) OnFrame(f *wire.Frame)    { call(l.onFrame, f) }
func (l *fakeLane) OnCall(c *wire.Call)      { call(l.onCall, c) }
func (l *fakeLane) OnMap(m *wire.ClusterMap) { call(l.onMap, m) }
func (l *fakeLane) OnGossip(e gossip.Event)  { call(l.onGossip, e) }
func (l *fakeLane) Look(look *wire.Look) bool {
	return l.onLook != nil && l.onLook(look)
}
func (l *fakeLane) Flush() {
	if l.onFlush != nil {
		l.onFlush()
	}
}
func (l *fakeLane) HandOver(done func()) { done() }
func (l *fakeLane) Stop(done func()) {
	if l.onStop != nil {
		l.onStop(done)
		return
	}
	done()
}

// fakeNet notes what is sent to other nodes.
type fakeNet struct {
	mu   sync.Mutex
	sent []string
	last *wire.Frame
}

func (n *fakeNet) Send(addr string, f *wire.Frame) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sent, n.last = append(n.sent, addr), f
}

func (n *fakeNet) addrs() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.sent...)
}

// start runs a host with these lanes until the test ends.
func start(t *testing.T, cfg Config, net Transport, lanes ...*fakeLane) *Host {
	t.Helper()
	cfg.Lanes = len(lanes)
	cfg.Self.PeerAddr = "self:1"
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	h := New(cfg)
	given := make([]Lane, len(lanes))
	for i, l := range lanes {
		l.env = h.Env(i)
		given[i] = l
	}
	require.NoError(t, h.Start(given, net))
	t.Cleanup(func() { _ = h.Stop(soon(t)) })
	return h
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// replies is a sink that hands responses to the test.
type replies chan wire.Response

func (r replies) Deliver(_ uint64, resp *wire.Response) { r <- *resp }

// await takes the next value, or fails the test.
func await[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(10 * time.Second):
		require.FailNow(t, "nothing came")
		panic("unreachable")
	}
}
