package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"torc/cluster"
	"torc/core/wire"
	"torc/net/grpcapi"
	"torc/net/host"
	"torc/net/peer"
	"torc/net/resp"
)

// The ports of torc dev: node i has the base plus i.
const (
	respBase = 6379
	grpcBase = 7401
	peerBase = 7301
)

// backend is a host as the RESP server wants it.
type backend struct{ *host.Host }

func (backend) Info(string) string { return "" }

// dev runs a cluster in this process until it is interrupted.
func dev(args []string) int {
	flags := flag.NewFlagSet("torc dev", flag.ContinueOnError)
	nodes := flags.Int("nodes", 3, "how many nodes")
	if err := flags.Parse(args); err != nil {
		return 1
	}
	var join []string
	for i := range *nodes {
		join = append(join, fmt.Sprintf("127.0.0.1:%d", peerBase+i))
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	failed := make(chan error, 8)
	var hosts []*host.Host
	for i := range *nodes {
		h, err := startNode(i, join, failed)
		if err != nil {
			fmt.Fprintf(os.Stderr, "torc dev: %v\n", err)
			return 1
		}
		hosts = append(hosts, h)
	}
	for i := range *nodes {
		fmt.Printf("node %d   RESP 127.0.0.1:%d   gRPC 127.0.0.1:%d\n", i+1, respBase+i, grpcBase+i)
	}
	fmt.Printf("try: redis-cli -p %d set greeting hello EX 60\n", respBase+min(1, *nodes-1))
	select {
	case <-stop:
	case err := <-failed:
		fmt.Fprintf(os.Stderr, "torc dev: %v\n", err)
		return 1
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	for _, h := range hosts {
		_ = h.Stop(ctx)
	}
	return 0
}

func startNode(i int, join []string, failed chan<- error) (*host.Host, error) {
	var life [8]byte
	_, _ = rand.Read(life[:])
	self := wire.Member{ID: wire.NodeIDOf(join[i]), Name: join[i], PeerAddr: join[i], Weight: 100,
		Incarnation: wire.Incarnation(binary.LittleEndian.Uint64(life[:]) | 1),
		RESPAddr:    fmt.Sprintf("127.0.0.1:%d", respBase+i), GRPCAddr: fmt.Sprintf("127.0.0.1:%d", grpcBase+i)}
	cfg := cluster.Config{Self: self, Join: join, Expect: len(join)}.Defaults()
	h := host.New(host.Config{Self: self, Lanes: cfg.Lanes})
	links, err := peer.Listen(peer.Options{Addr: self.PeerAddr}, h.OnFrame)
	if err != nil {
		return nil, err
	}
	redis, err := resp.Listen(resp.Options{Addr: self.RESPAddr}, backend{h})
	if err != nil {
		return nil, err
	}
	api, err := grpcapi.Listen(grpcapi.Options{Addr: self.GRPCAddr}, h)
	if err != nil {
		return nil, err
	}
	var lanes []host.Lane
	for lane := range cfg.Lanes {
		lanes = append(lanes, cluster.NewLane(&cfg, lane, h.Env(lane), h, nil))
	}
	if err := h.Start(lanes, links); err != nil {
		return nil, err
	}
	go func() { failed <- links.Serve() }()
	go func() { failed <- redis.Serve() }()
	go func() { failed <- api.Serve() }()
	return h, nil
}
