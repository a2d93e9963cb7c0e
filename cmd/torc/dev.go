package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"torc/cmd/internal/config"
	"torc/cmd/internal/node"
)

// The ports of torc dev: node i has the base plus i.
const (
	respBase  = 6379
	grpcBase  = 7401
	peerBase  = 7301
	adminBase = 7501
)

const (
	devFormsWithin = 30 * time.Second
	devStopsWithin = 4 * time.Second
)

// dev runs a cluster in this process until it is interrupted. Arguments after -- are settings of
// every node.
func dev(args []string) int {
	flags := newFlags("torc dev", "[-- SETTINGS of every node, as torcd has them]")
	count := flags.Int("nodes", 3, "how many nodes")
	offset := flags.Int("port-offset", 0, "added to every port, in case the usual ones are taken: 10 gives 6389, 6390 ... instead of 6379, 6380 ...")
	if err := flags.Parse(args); err != nil {
		if strings.HasPrefix(err.Error(), unknownFlag) {
			fmt.Fprintln(os.Stderr, "settings of the nodes, as torcd has them, come after --: torc dev -- --max-memory 1GiB")
		}
		return flagsExit(err)
	}
	if *count < 1 || *count > 9 {
		fmt.Fprintf(os.Stderr, "torc dev: --nodes %d: want 1 to 9\n", *count)
		return 1
	}
	if *offset < -1000 || *offset > 50000 {
		fmt.Fprintf(os.Stderr, "torc dev: --port-offset %d: want -1000 to 50000\n", *offset)
		return 1
	}
	running, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer restore()
	c := &devCluster{offset: *offset}
	defer c.stop()
	if err := c.start(*count, flags.Args()); err != nil {
		fmt.Fprintf(os.Stderr, "torc dev: %v\n", err)
		if errors.Is(err, syscall.EADDRINUSE) {
			fmt.Fprintln(os.Stderr, "torc dev: --port-offset 10 (or 20, 30 ...) takes other ports, for all of the nodes")
		}
		return 1
	}
	err := c.waitReady(running)
	switch {
	case running.Err() != nil: // interrupted while the cluster formed
	case err != nil:
		fmt.Fprintf(os.Stderr, "torc dev: %v\n", err)
		return 1
	default:
		c.introduce(os.Stdout)
	}
	select {
	case <-running.Done():
		restore() // whoever is in a hurry interrupts again
		fmt.Println("\nstopping")
		return 0
	case err := <-c.failed:
		fmt.Fprintf(os.Stderr, "torc dev: %v\n", err)
		return 1
	}
}

// devCluster is a few nodes in one process.
type devCluster struct {
	offset int // of every port
	nodes  []*node.Node
	failed chan error
}

func (c *devCluster) start(count int, settings []string) error {
	c.failed = make(chan error, count)
	var join []string
	for i := range count {
		join = append(join, c.at(peerBase, i))
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	for i := range count {
		cfg, err := config.Load(append([]string{
			"--resp=" + c.at(respBase, i), "--grpc=" + c.at(grpcBase, i), "--peer=" + c.at(peerBase, i), "--admin=" + c.at(adminBase, i),
			"--lanes=1", "--join=" + strings.Join(join, ","), fmt.Sprintf("--expect=%d", count),
		}, settings...), nil)
		if err != nil {
			return err
		}
		n, err := node.Start(cfg, logger)
		if err != nil {
			return fmt.Errorf("node %d: %w", i+1, err)
		}
		c.nodes = append(c.nodes, n)
		go func() { c.failed <- <-n.Failed() }()
	}
	return nil
}

// at is an address of a node's.
func (c *devCluster) at(base, i int) string { return fmt.Sprintf("127.0.0.1:%d", base+c.offset+i) }

func (c *devCluster) waitReady(running context.Context) error {
	ctx, cancel := context.WithTimeout(running, devFormsWithin)
	defer cancel()
	for i, n := range c.nodes {
		if err := n.WaitReady(ctx); err != nil {
			return fmt.Errorf("node %d: %w", i+1, err)
		}
	}
	return nil
}

func (c *devCluster) introduce(w io.Writer) {
	for i, n := range c.nodes {
		self := n.Self()
		_, _ = fmt.Fprintf(w, "node %d   RESP %s   gRPC %s   metrics http://%s/metrics\n", i+1, self.RESPAddr, self.GRPCAddr, c.at(adminBase, i))
	}
	_, _ = fmt.Fprintf(w, "ready. try: redis-cli -p %d set greeting hello EX 60\n", respBase+c.offset+min(1, len(c.nodes)-1))
}

// stop stops all nodes at the same time: one after the other, the last ones would have no quorum
// to hand anything over to.
func (c *devCluster) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), devStopsWithin)
	defer cancel()
	done := make(chan struct{})
	for _, n := range c.nodes {
		go func() {
			_ = n.Stop(ctx)
			done <- struct{}{}
		}()
	}
	for range c.nodes {
		<-done
	}
}
