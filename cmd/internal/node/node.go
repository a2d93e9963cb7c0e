package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"torc/cluster"
	"torc/cmd/internal/config"
	"torc/core/gossip"
	"torc/core/wire"
	"torc/net/admin"
	"torc/net/grpcapi"
	"torc/net/host"
	"torc/net/pages"
	"torc/net/peer"
	"torc/net/resp"
	"torc/net/swim"
)

// ErrFenced says that a later life of this node has joined the cluster.
var ErrFenced = errors.New("another process has joined the cluster under this node's name, later than this one: this one ends (give each node a --name of its own)")

// fenced is ErrFenced. A life that begins in the future of this machine's clock is rather a former one of this very node, from
// before the clock was set back: then no new life is later until the clock has caught up, however often it is started.
func fenced(other wire.Incarnation, now time.Time) error {
	ahead := time.UnixMilli(int64(other >> 20)).Sub(now)
	if ahead < time.Second {
		return ErrFenced
	}
	return fmt.Errorf("%w; or this machine's clock went back: it is %v behind the one by which that process began, and until then nobody can take part under this name: set the clock, or take another --name", ErrFenced, ahead.Round(time.Second))
}

// Node is one running node.
type Node struct {
	cfg     *config.Config
	logger  *slog.Logger
	self    wire.Member
	started time.Time

	security *security    // nil without TLS
	pages    pages.Source // the stores' memory
	host     *host.Host
	lanes    []*cluster.Lane
	links    *peer.Network
	swim     atomic.Pointer[swim.Feed]
	beliefs  beliefs
	changes  changes // of sayHowItIs alone
	pulse    pulse
	slow     slowness
	losses   []cluster.ShardLoss // that were logged, of sayHowItIs alone
	refused  seldom              // likewise
	strange  seldom              // likewise
	redis    *resp.Server
	api      *grpcapi.Server
	admin    *admin.Server // nil when it is off

	failed chan error
	left   chan struct{} // closed when the node has been drained
	ended  chan struct{} // closed by Stop
}

// Start takes the ports, starts the lanes and begins to serve. The node seeks its cluster on its
// own from then on: see Ready.
func Start(cfg *config.Config, logger *slog.Logger) (*Node, error) {
	self, err := memberOf(cfg)
	if err != nil {
		return nil, err
	}
	n := &Node{cfg: cfg, logger: logger, self: self, started: time.Now(), failed: make(chan error, 8), left: make(chan struct{}), ended: make(chan struct{}),
		changes: changes{logger: logger, self: self.ID}}
	plan := memoryPlan(cfg)
	calls, frames := plan.inboxes(cfg.Lanes)
	if err := n.watchRequests(); err != nil {
		return nil, fmt.Errorf("--slow-dir: %w", err)
	}
	shape := host.Config{Self: self, Lanes: cfg.Lanes, CallBytesMax: calls, FrameMax: frames, Gossip: n.onGossipData, Logger: logger}
	if n.slow.dumps != nil {
		shape.SlowAfter, shape.OnSlow = cfg.SlowRequest, n.onSlow
	}
	n.host = host.New(shape)
	if err := n.listen(); err != nil {
		n.closeListeners()
		return nil, err
	}
	if err := n.startLanes(); err != nil {
		n.closeListeners()
		return nil, err
	}
	n.serve()
	return n, nil
}

func (n *Node) startLanes() error {
	shape := n.clusterConfig()
	var lanes []host.Lane
	for i := range n.cfg.Lanes {
		lane := cluster.NewLane(&shape, i, n.host.Env(i), n.host, nil)
		n.lanes = append(n.lanes, lane)
		lanes = append(lanes, lane)
	}
	if err := n.host.Start(lanes, n.links); err != nil {
		return fmt.Errorf("start the lanes: %w", err)
	}
	feed, err := swim.Start(swim.Options{Self: n.self, Sender: n.host, Peers: n.peers, Logger: n.logger})
	if err != nil {
		ended, cancel := context.WithCancel(context.Background())
		cancel() // the lanes lead nothing yet: nothing to hand over
		_ = n.host.Stop(ended)
		return fmt.Errorf("start gossip: %w", err)
	}
	n.swim.Store(feed)
	feed.Subscribe(func(e gossip.Event) {
		n.beliefs.merge(e)
		n.host.OnGossip(e)
	})
	return nil
}

// onGossipData takes gossip that comes in frames.
func (n *Node) onGossipData(data []byte) {
	if feed := n.swim.Load(); feed != nil {
		feed.Receive(data)
	}
}

// peers are the addresses of those who should be members, as far as this node knows.
func (n *Node) peers() []string {
	m := n.host.Map()
	if m == nil {
		return n.cfg.Join
	}
	var addrs []string
	for i := range m.Members {
		addrs = append(addrs, m.Members[i].PeerAddr)
	}
	return addrs
}

// serve begins to answer on every port, and watches for the end of this life.
func (n *Node) serve() {
	run := func(what string, serve func() error) {
		go func() {
			if err := serve(); err != nil {
				n.fail(fmt.Errorf("%s: %w", what, err))
			}
		}()
	}
	run("peers", n.links.Serve)
	run("redis clients", n.redis.Serve)
	run("gRPC clients", n.api.Serve)
	if n.admin != nil {
		run("admin", n.admin.Serve)
	}
	if n.security != nil {
		go n.watchCertificate()
	}
	go n.watch()
	go n.seek()
	go n.sayHowItIs()
}

func (n *Node) fail(err error) {
	select {
	case n.failed <- err:
	default: // one reason to end is enough
	}
}

// watch ends this life when the cluster knows a later one, and notes that the node has been drained.
func (n *Node) watch() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	left, told, compared := false, false, false
	for {
		select {
		case <-n.ended:
			return
		case <-tick.C:
			m := n.host.Map()
			who := m.Member(n.self.ID)
			if who == nil {
				continue
			}
			if !compared && differs(m, n.cfg) {
				n.logger.Warn("the cluster was founded with other --shards, --replicas, --session-ttl or --max-value than this node's, or with a longer --reset-grace: they cannot be changed any more",
					slog.Uint64("shards", uint64(m.Shards)), slog.Int("own_shards", n.cfg.Shards), slog.Uint64("replicas", uint64(m.Replication)), slog.Int("own_replicas", n.cfg.Replicas),
					slog.Duration("session_ttl", sessionTTL(m)), slog.Duration("own_session_ttl", n.cfg.SessionTTL), slog.Uint64("max_value", m.Limits.MaxValue), slog.Uint64("own_max_value", uint64(n.cfg.MaxValue)),
					slog.Duration("reset_grace", cluster.GraceOf(m, 0)), slog.Duration("own_reset_grace", n.cfg.ResetGrace))
			}
			compared = true
			if who.Incarnation > n.self.Incarnation {
				n.fail(fenced(who.Incarnation, time.Now()))
				return
			}
			was := left
			if left = who.State == wire.MemberLeft && who.Incarnation == n.self.Incarnation; left == was {
				continue
			}
			if n.tellLeft(left); left && !told {
				told = true
				close(n.left)
			}
		}
	}
}

// differs says that a founder wanted another cluster than there is: of several founders one decides. Who only joins need not
// say how many shards there are.
func differs(m *wire.ClusterMap, c *config.Config) bool {
	return c.Expect > 1 && (int(m.Shards) != c.Shards || int(m.Replication) != c.Replicas || sessionTTL(m) != c.SessionTTL || m.Limits.MaxValue != uint64(c.MaxValue) || cluster.GraceOf(m, c.ResetGrace) > c.ResetGrace)
}

func sessionTTL(m *wire.ClusterMap) time.Duration {
	return time.Duration(m.Limits.SessionTTL) * time.Millisecond
}

func (n *Node) tellLeft(left bool) {
	switch {
	case !left:
		n.logger.Info("taken back: this node is given its share again")
	case n.cfg.WhenDrained == "exit":
		n.logger.Info("drained: this node holds nothing any more, and ends (--when-drained)")
	default:
		n.logger.Info("drained: this node holds nothing any more; it stays and forwards requests: stop it, or take it back (torc undrain)")
	}
}

// Left is closed once the node has been drained, for the first time.
func (n *Node) Left() <-chan struct{} { return n.left }

// Failed yields the reason when the node cannot go on.
func (n *Node) Failed() <-chan error { return n.failed }

// Self is how the node presents itself to others.
func (n *Node) Self() wire.Member { return n.self }

// Ready says why the node cannot serve yet, or nil.
func (n *Node) Ready(ctx context.Context) error {
	m := n.host.Map()
	if m == nil {
		if s := n.seeking(ctx); s != "" {
			return errors.New("no cluster yet: " + s)
		}
		return fmt.Errorf("no cluster yet: waiting for %d nodes (--expect), seeking at %v (--join)", n.cfg.Expect, n.cfg.Join)
	}
	who := m.Member(n.self.ID)
	if who == nil || who.Incarnation != n.self.Incarnation {
		return errors.New("the cluster has not admitted this life of the node yet")
	}
	if without, of := n.leaderless(m); len(without) > 0 {
		return fmt.Errorf("%d of this node's %d shards have no leader: %s", len(without), of, shardNames(without))
	}
	return nil
}

// leaderless are the shards that this node has a replica of and knows no leader of; it has one of so many.
func (n *Node) leaderless(m *wire.ClusterMap) (without []wire.ShardID, of int) {
	if m == nil {
		return nil, 0
	}
	for i := range m.Placements {
		p := &m.Placements[i]
		if p.On(n.self.ID, n.self.Incarnation) == nil {
			continue
		}
		of++
		if n.host.Leader(p.Shard) == 0 {
			without = append(without, p.Shard)
		}
	}
	return without, of
}

// WaitReady waits until the node can serve, or ctx ends.
func (n *Node) WaitReady(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := n.Ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait until the node is ready: %w", err)
		}
	}
}

// goodbyeWithin is how long clients are given to take the answers that they are owed.
const goodbyeWithin = time.Second

// Stop hands over what the node leads while it serves on, hangs up on clients when what they asked is
// answered, says goodbye and closes everything. When ctx ends first the rest is cut off.
func (n *Node) Stop(ctx context.Context) error {
	close(n.ended)
	err := n.host.HandOver(ctx)
	n.hangUp(ctx)
	err = errors.Join(err, n.host.Stop(ctx))
	n.pages.Release() // every lane has ended
	feed := n.swim.Load()
	feed.Leave()
	_ = feed.Close(ctx)
	if n.admin != nil {
		_ = n.admin.Close(ctx)
	}
	_ = n.links.Close(ctx)
	n.slow.recorder.Stop()
	return err
}

// hangUp closes the clients' connections: by now nothing that they ask needs this node.
func (n *Node) hangUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, goodbyeWithin)
	defer cancel()
	var servers sync.WaitGroup
	servers.Go(func() { _ = n.redis.Close(ctx) })
	servers.Go(func() { _ = n.api.Close(ctx) })
	servers.Wait()
}
