package devcluster

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"torc/cmd/internal/config"
	"torc/cmd/internal/node"
)

// stopsWithin is how long the nodes are given to hand over and say goodbye.
const stopsWithin = 5 * time.Second

// Cluster is a running cluster.
type Cluster struct {
	nodes      []*node.Node
	resp, grpc []string
}

// Start starts a cluster of so many nodes and waits until it serves, or ctx ends. The settings are those of torcd, as
// "--shards=8"; they hold for every node. It logs errors to slog's default logger.
func Start(ctx context.Context, nodes int, settings ...string) (*Cluster, error) {
	ports, err := freePorts(3 * nodes)
	if err != nil {
		return nil, err
	}
	c := &Cluster{}
	join := strings.Join(ports[:nodes], ",")
	for i := range nodes {
		args := []string{
			"--name=node-" + fmt.Sprint(i+1), "--peer=" + ports[i], "--resp=" + ports[nodes+i], "--grpc=" + ports[2*nodes+i], "--admin=",
			"--lanes=1", "--join=" + join, fmt.Sprintf("--expect=%d", nodes),
		}
		if err := c.add(append(args, settings...)); err != nil {
			c.Stop()
			return nil, fmt.Errorf("devcluster: node %d: %w", i+1, err)
		}
	}
	for i, n := range c.nodes {
		if err := n.WaitReady(ctx); err != nil {
			c.Stop()
			return nil, fmt.Errorf("devcluster: node %d: %w", i+1, err)
		}
	}
	return c, nil
}

func (c *Cluster) add(args []string) error {
	cfg, err := config.Load(args, nil)
	if err != nil {
		return err
	}
	n, err := node.Start(cfg, slog.New(errorsOnly{slog.Default().Handler()}))
	if err != nil {
		return err
	}
	c.nodes = append(c.nodes, n)
	c.resp = append(c.resp, n.Self().RESPAddr)
	c.grpc = append(c.grpc, n.Self().GRPCAddr)
	return nil
}

// freePorts finds ports that nobody listens on. All are held until it returns, so that they differ.
func freePorts(count int) (addrs []string, err error) {
	for range count {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("devcluster: find a free port: %w", err)
		}
		defer func() { _ = l.Close() }()
		addrs = append(addrs, l.Addr().String())
	}
	return addrs, nil
}

// Seeds are the addresses for Torc's own clients.
func (c *Cluster) Seeds() []string { return c.grpc }

// RESP are the addresses for Redis clients.
func (c *Cluster) RESP() []string { return c.resp }

// Stop stops all nodes, at the same time: one after the other, the last ones would have no quorum to hand anything
// over to.
func (c *Cluster) Stop() {
	ctx, cancel := context.WithTimeout(context.Background(), stopsWithin)
	defer cancel()
	var all sync.WaitGroup
	for _, n := range c.nodes {
		all.Go(func() { _ = n.Stop(ctx) })
	}
	all.Wait()
}

// errorsOnly is a handler that takes errors and nothing else.
type errorsOnly struct{ slog.Handler }

func (h errorsOnly) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelError && h.Handler.Enabled(ctx, level)
}
