package host

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/env"
	"torc/core/env/envtest"
	"torc/core/wire"
	"torc/net/peer"
)

// The production world keeps the contract that the simulated one keeps: hosts of one lane
// each, on real sockets.
func TestTheContract(t *testing.T) {
	envtest.Run(t, func(t *testing.T) envtest.World { return contractWorld{t} })
}

type contractWorld struct{ t *testing.T }

type contractNode struct {
	t    *testing.T
	host *Host
}

func (w contractWorld) Start(name string, receive func(*wire.Frame)) envtest.Node {
	quiet := slog.New(slog.DiscardHandler)
	var h *Host
	network, err := peer.Listen(peer.Options{Addr: "127.0.0.1:0", Logger: quiet}, func(f *wire.Frame) { h.OnFrame(f) })
	require.NoError(w.t, err)
	h = New(Config{Logger: quiet, Self: wire.Member{
		ID: wire.NodeIDOf(name), Incarnation: 1, Name: name, PeerAddr: network.Addr().String(),
	}})
	require.NoError(w.t, h.Start([]Lane{&fakeLane{onFrame: receive}}, network))
	served := make(chan error, 1)
	go func() { served <- network.Serve() }()
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(w.t, h.Stop(ctx))
		cancel() // what still waits for others concerns nobody
		_ = network.Close(ctx)
		require.NoError(w.t, <-served)
	})
	return contractNode{w.t, h}
}

func (w contractWorld) Until(cond func() bool) bool {
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if cond() {
			return true
		}
	}
	return false
}

// Stall keeps the lane's goroutine busy: to the lane it is as if the process had stopped.
func (w contractWorld) Stall(n envtest.Node, d time.Duration) {
	n.Do(func() { time.Sleep(d) })
}

func (n contractNode) Env() env.Env      { return n.host.Env(0) }
func (n contractNode) Self() wire.Member { return n.host.Self() }

func (n contractNode) Do(f func()) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	require.NoError(n.t, n.host.Do(ctx, 0, f))
}
