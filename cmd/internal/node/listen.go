package node

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"torc/core/store"
	"torc/core/wire"
	"torc/net/admin"
	"torc/net/grpcapi"
	"torc/net/peer"
	"torc/net/resp"
)

// listen takes all ports.
func (n *Node) listen() error {
	err := n.takePorts()
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		return fmt.Errorf("%w: this machine has no such address: take one that it has, or listen on all of them (such as --resp :6379) and say with --advertise by which the others reach it", err)
	}
	return err
}

func (n *Node) takePorts() (err error) {
	if n.security, err = openSecurity(n.cfg, n.self.PeerAddr, n.logger); err != nil {
		return err
	}
	plan := memoryPlan(n.cfg)
	links := peer.Options{QueueMax: plan.peerQueue(), Addr: n.cfg.Peer, Flag: "--peer", Secret: n.cfg.ClusterSecret.Reveal(), OldSecret: n.cfg.OldClusterSecret.Reveal(), Election: n.cfg.ElectionTimeout, Logger: n.logger}
	api := grpcapi.Options{Addr: n.cfg.GRPC, Flag: "--grpc", Password: n.cfg.Password.Reveal(), OldPassword: n.cfg.OldPassword.Reveal(), MaxKey: int(n.cfg.MaxKey), MaxValue: int(n.cfg.MaxValue),
		Timeout: n.cfg.Timeout, Logger: n.logger}
	if plan.Clients > 0 {
		api.OutputMax = int(max(1<<20, plan.Clients/8))
		api.InFlightBytes = api.OutputMax
		api.BuffersMax = int(plan.Clients / 4)
	}
	redis := resp.Options{
		NewStore: func(slot uint16) resp.Store { // one slot as a shard: one that has all takes half a megabyte, for each run of a script
			return store.New(store.Config{Shard: wire.ShardID(slot) + 1, Shards: wire.SlotCount, MaxValue: int(n.cfg.MaxValue)})
		},
		BuffersMax: int(plan.Clients / 4), Addr: n.cfg.RESP, Redirect: n.cfg.Redirect, SplitTransactions: n.cfg.SplitTransactions, Password: n.cfg.Password.Reveal(), OldPassword: n.cfg.OldPassword.Reveal(), MaxKey: int(n.cfg.MaxKey), MaxValue: int(n.cfg.MaxValue),
		Timeout: n.cfg.Timeout, MemoryOutside: func() uint64 { return uint64(n.pages.Stats().Used) }, Logger: n.logger}
	if s := n.security; s != nil {
		links.ServerTLS, links.ClientTLS, api.TLS, redis.TLS = s.peerServer(), s.peerClient(), s.api(), s.redis()
	}
	if n.links, err = peer.Listen(links, n.host.OnFrame); err != nil {
		return err
	}
	if n.redis, err = resp.Listen(redis, backend{n}); err != nil {
		return fmt.Errorf("--resp: %w", err)
	}
	if n.api, err = grpcapi.Listen(api, backend{n}); err != nil {
		return err
	}
	if n.cfg.Admin == "" {
		return nil
	}
	var recorded func() ([]byte, error)
	if n.slow.recorder != nil {
		recorded = n.slow.recorder.Snapshot
	}
	n.admin, err = admin.Listen(admin.Options{Flight: recorded, Addr: n.cfg.Admin, Flag: "--admin", Health: n.Health, Ready: n.Ready,
		Status: func(ctx context.Context) (any, error) { return n.Status(ctx) }, Samples: n.samples, Profiles: n.cfg.Profiles, Logger: n.logger})
	return err
}

// closeListeners gives the ports back after a failed start.
func (n *Node) closeListeners() {
	n.slow.recorder.Stop()
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // nobody has been served: nothing to wait for
	if n.admin != nil {
		_ = n.admin.Close(ctx)
	}
	if n.api != nil {
		_ = n.api.Close(ctx)
	}
	if n.redis != nil {
		_ = n.redis.Close(ctx)
	}
	if n.links != nil {
		_ = n.links.Close(ctx)
	}
	if feed := n.swim.Load(); feed != nil {
		_ = feed.Close(ctx)
	}
}

// Health says whether the loops answer.
func (n *Node) Health(ctx context.Context) error {
	for i := range n.lanes {
		if err := n.host.Do(ctx, i, func() {}); err != nil {
			return err
		}
	}
	return nil
}
