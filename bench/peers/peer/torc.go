package peer

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"torc/bench/peers/load"
)

// torcNodes is how many nodes each cluster has.
const torcNodes = 3

// sizing is how a cluster is set up, beside addresses and names.
type sizing struct {
	env, flags []string
	text       string // of it, for the table
}

var (
	// atDefaults is what nobody has to think about.
	atDefaults = sizing{text: "--expect=3 --log-level=warn (64 shards, 3 replicas, --reads lease)"}
	// forThis is what docs/OPERATIONS.md advises for three nodes that stay three and share two processors: as few shards as still
	// share a lost node's work evenly (two for each to lead), so that writes have others to share an entry with, and one thread for
	// each node, as the single servers have.
	forThis = sizing{env: []string{"GOMAXPROCS=1"}, flags: []string{"--shards=6"},
		text: "GOMAXPROCS=1, --shards=6 --expect=3 --log-level=warn (3 replicas, --reads lease)"}
)

// torcCluster is a cluster that runs.
type torcCluster struct {
	*Server
	grpc  []string
	torcd string
}

func startCluster(ctx context.Context, o Options, dir string, sized sizing) (*torcCluster, error) {
	torcd := filepath.Join(dir, "torcd")
	build := exec.CommandContext(ctx, "go", "build", "-o", torcd, "./cmd/torcd")
	build.Dir = o.Root
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build torcd in %s: %w\n%s", o.Root, err, out)
	}
	addrs, err := freeAddrs(4 * torcNodes)
	if err != nil {
		return nil, err
	}
	resp, grpc, peers, admin := addrs[:torcNodes], addrs[torcNodes:2*torcNodes], addrs[2*torcNodes:3*torcNodes], addrs[3*torcNodes:]
	c := &torcCluster{Server: &Server{RESP: resp}, grpc: grpc, torcd: torcd}
	for i := range torcNodes {
		name := fmt.Sprintf("torc-%d", i+1)
		args := append(slices.Clone(sized.env), torcd, "--name="+name, "--resp="+resp[i], "--grpc="+grpc[i], "--peer="+peers[i], "--admin="+admin[i],
			"--join="+strings.Join(peers, ","), fmt.Sprintf("--expect=%d", torcNodes), "--log-level=warn")
		if _, err := c.add(dir, name, "env", append(args, sized.flags...)...); err != nil {
			return c, err
		}
	}
	for i, p := range c.processes {
		if err := p.waitFor(ctx, "torcd", func() error { return healthy(ctx, "http://"+admin[i]+"/readyz") }); err != nil {
			return c, err
		}
	}
	return c, nil
}

// startTorc starts a cluster at its defaults.
func startTorc(ctx context.Context, o Options, dir string) (*Server, []Peer, error) {
	c, err := startCluster(ctx, o, dir, atDefaults)
	if err != nil {
		return c.server(), nil, err
	}
	facts := c.facts("torcd, three nodes", atDefaults)
	own := facts
	own.What = "the same nodes, Torc's own gRPC client, shared by all callers"
	own.Pipeline = "GetMany and SetMany"
	return c.Server, append(c.byRESP("torc", facts), Peer{Name: "torc-grpc", Target: load.Torc{Addrs: c.grpc}, Facts: own}), nil
}

// startTorcSized starts one that is sized for this machine.
func startTorcSized(ctx context.Context, o Options, dir string) (*Server, []Peer, error) {
	c, err := startCluster(ctx, o, dir, forThis)
	if err != nil {
		return c.server(), nil, err
	}
	return c.Server, c.byRESP("torc-sized", c.facts("torcd, three other nodes, of 6 shards and one thread each", forThis)), nil
}

// server is what is to be stopped, if anything was started.
func (c *torcCluster) server() *Server {
	if c == nil {
		return nil
	}
	return c.Server
}

func (c *torcCluster) facts(nodes string, sized sizing) Facts {
	return Facts{
		What: nodes + ", Redis protocol, each command sent to its key's leader", Version: torcVersion(c.torcd), Flags: sized.text,
		Copies: "2 of 3, in memory", Durable: "survives one node; not two at the same time, nor the end of all processes: there is no disk",
		Consistent: "linearizable, whoever leads", Pipeline: "commands on three connections, to each leader its part",
	}
}

// byRESP are the ways to ask a cluster by the Redis protocol: to the leaders, to one leader, and to anybody.
func (c *torcCluster) byRESP(name string, facts Facts) []Peer {
	apart := facts
	apart.What = "the same nodes, Redis protocol, each caller keeps to one leader and the keys that it leads, as redis-benchmark --cluster does"
	apart.Pipeline = "commands on one connection, all for one leader"
	forwarded := facts
	forwarded.What = "the same nodes, Redis protocol, each caller on one node, which forwards"
	forwarded.Pipeline = "commands on one connection"
	return []Peer{
		{Name: name, Target: load.Cluster{Addrs: c.RESP}, Facts: facts},
		{Name: name + "-own", Target: load.Leaders{Addrs: c.RESP}, Facts: apart},
		{Name: name + "-any", Target: load.RESP{Addrs: c.RESP}, Facts: forwarded},
	}
}

func torcVersion(torcd string) string {
	return "built from this tree: " + firstLine(torcd, "--version")
}
