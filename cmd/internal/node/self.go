package node

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"time"

	"torc/cluster"
	"torc/cmd/internal/config"
	"torc/core/evict"
	"torc/core/store"
	"torc/core/wire"
)

// memberOf is how the node presents itself: where the others and the clients reach it, and a new
// incarnation.
func memberOf(cfg *config.Config) (wire.Member, error) {
	m := wire.Member{Name: cfg.Name, Weight: cfg.WeightHundredths(), Incarnation: newIncarnation(time.Now())}
	for _, a := range []struct {
		flag, listen string
		into         *string
	}{{"--peer", cfg.Peer, &m.PeerAddr}, {"--grpc", cfg.GRPC, &m.GRPCAddr}, {"--resp", cfg.RESP, &m.RESPAddr}} {
		addr, err := advertised(a.listen, cfg.Advertise)
		if err != nil {
			return wire.Member{}, fmt.Errorf("%s %s: %w", a.flag, a.listen, err)
		}
		*a.into = addr
	}
	if m.Name == "" {
		m.Name = m.PeerAddr
	}
	m.ID = wire.NodeIDOf(m.Name)
	return m, nil
}

// advertised is the address at which others reach what listens at an address.
func advertised(listen, host string) (string, error) {
	own, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", fmt.Errorf("want host:port: %w", err)
	}
	if host == "" {
		if host = own; host == "" || net.ParseIP(host).IsUnspecified() {
			return "", fmt.Errorf("listens on every address: say with --advertise by which host the others reach this node")
		}
	}
	return net.JoinHostPort(host, port), nil
}

// newIncarnation names a life. Later lives have greater names: milliseconds since 1970, then 20
// random bits.
func newIncarnation(now time.Time) wire.Incarnation {
	var b [4]byte
	_, _ = rand.Read(b[:])
	return wire.Incarnation(uint64(now.UnixMilli())<<20 | uint64(binary.LittleEndian.Uint32(b[:])>>12))
}

// newSeed is the secret of a cluster that this node may found.
func newSeed() (s store.Seed) {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return store.Seed{binary.LittleEndian.Uint64(b[:]) | 1, binary.LittleEndian.Uint64(b[8:])}
}

// electionTicks is how many raft ticks an election timeout has.
const electionTicks = 10

func (n *Node) clusterConfig() cluster.Config {
	c := n.cfg
	reads := cluster.ReadLease
	if c.Reads == "readindex" {
		reads = cluster.ReadIndex
	}
	onLoss := cluster.LossReset
	if c.OnQuorumLoss == "refuse" {
		onLoss = cluster.LossRefuse
	}
	policy, err := evict.Parse(c.Policy)
	if err != nil {
		policy = evict.Adaptive // of a Config that nobody has loaded: tests
	}
	plan := memoryPlan(c)
	hotReads := 0 // the default
	if c.HotKeys == "off" {
		hotReads = -1
	}
	return cluster.Config{
		StaySlow: c.WhenSlow == "stay", Policy: policy, OnQuorumLoss: onLoss, ResetGrace: c.ResetGrace,
		Seed: newSeed(), Self: n.self, Join: c.Join, Expect: c.Expect, Shards: c.Shards, Replicas: c.Replicas, Lanes: c.Lanes,
		Tick: c.ElectionTimeout / electionTicks, ElectionTicks: electionTicks, ClockDrift: c.ClockDrift, Reads: reads,
		Pages: &n.pages, MaxKey: int(c.MaxKey), MaxValue: int(c.MaxValue),
		MaxMemory: plan.Stores, MaxLogs: plan.Logs, MaxWaiting: plan.waiting(), HotReads: hotReads, MaxHeld: plan.held(), MaxKept: plan.Copies / 2,
		Timeout: c.Timeout, SessionTTL: c.SessionTTL, Grace: c.Grace, Rebalance: int64(c.RebalanceRate),
	}.Defaults()
}
