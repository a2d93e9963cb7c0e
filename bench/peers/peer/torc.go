package peer

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"torc/bench/peers/load"
)

func startTorc(ctx context.Context, o Options, dir string) (*Server, []Peer, error) {
	const nodes = 3
	torcd := filepath.Join(dir, "torcd")
	build := exec.CommandContext(ctx, "go", "build", "-o", torcd, "./cmd/torcd")
	build.Dir = o.Root
	if out, err := build.CombinedOutput(); err != nil {
		return nil, nil, fmt.Errorf("build torcd in %s: %w\n%s", o.Root, err, out)
	}
	addrs, err := freeAddrs(4 * nodes)
	if err != nil {
		return nil, nil, err
	}
	resp, grpc, peers, admin := addrs[:nodes], addrs[nodes:2*nodes], addrs[2*nodes:3*nodes], addrs[3*nodes:]
	s := &Server{RESP: resp}
	for i := range nodes {
		name := fmt.Sprintf("torc-%d", i+1)
		_, err := s.add(dir, name, torcd, "--name="+name, "--resp="+resp[i], "--grpc="+grpc[i], "--peer="+peers[i], "--admin="+admin[i],
			"--join="+strings.Join(peers, ","), fmt.Sprintf("--expect=%d", nodes), "--log-level=warn")
		if err != nil {
			return s, nil, err
		}
	}
	for i, p := range s.processes {
		if err := p.waitFor(ctx, "torcd", func() error { return healthy(ctx, "http://"+admin[i]+"/readyz") }); err != nil {
			return s, nil, err
		}
	}
	facts := Facts{
		What: "torcd, three nodes, Redis protocol, each command sent to its key's leader", Version: torcVersion(torcd),
		Flags:  "--expect=3 --log-level=warn (64 shards, 3 replicas, --reads lease)",
		Copies: "2 of 3, in memory", Durable: "survives one node; not two at the same time, nor the end of all processes: there is no disk",
		Consistent: "linearizable, whoever leads", Pipeline: "commands on three connections, to each leader its part",
	}
	forwarded := facts
	forwarded.What = "the same nodes, Redis protocol, each caller on one node, which forwards"
	forwarded.Pipeline = "commands on one connection"
	apart := facts
	apart.What = "the same nodes, Redis protocol, each caller keeps to one leader and the keys that it leads, as redis-benchmark --cluster does"
	apart.Pipeline = "commands on one connection, all for one leader"
	own := facts
	own.What = "the same nodes, Torc's own gRPC client, shared by all callers"
	own.Pipeline = "GetMany and SetMany"
	return s, []Peer{
		{Name: "torc", Target: load.Cluster{Addrs: resp}, Facts: facts},
		{Name: "torc-own", Target: load.Leaders{Addrs: resp}, Facts: apart},
		{Name: "torc-any", Target: load.RESP{Addrs: resp}, Facts: forwarded},
		{Name: "torc-grpc", Target: load.Torc{Addrs: grpc}, Facts: own},
	}, nil
}

func torcVersion(torcd string) string {
	return "built from this tree: " + firstLine(torcd, "--version")
}
