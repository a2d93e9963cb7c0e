package client

import (
	"context"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// fake is a cluster of real gRPC servers in front of one store with one session table: what a
// client sees of Torc, without Torc.
type fake struct {
	t        testing.TB
	password string

	mu       sync.Mutex
	cmap     *wire.ClusterMap
	leader   wire.NodeID // of every shard
	keys     map[string]stored
	version  uint64
	sessions map[uint64]map[uint64][]wire.Result // client and shard -> seq -> results
	applied  int
	nodes    []*fakeNode

	// respond, when set, may answer a request instead of the store: true means that it has
	// (or never will be).
	respond func(n *fakeNode, id uint64, req *wire.Request, send func(*wire.Response)) bool
}

type stored struct {
	value   string
	version uint64
	ttl     int64
}

type fakeNode struct {
	torcv1.UnimplementedCacheServer
	fake   *fake
	id     wire.NodeID
	addr   string
	server *grpc.Server

	messages atomic.Int64 // that have come
}

func newFake(t testing.TB, nodes int) *fake {
	f := &fake{t: t, leader: 1, keys: map[string]stored{}, sessions: map[uint64]map[uint64][]wire.Result{}}
	m := &wire.ClusterMap{ClusterID: 5, Epoch: 1, Shards: 4, Replication: uint32(nodes)}
	for i := range nodes {
		n := &fakeNode{fake: f, id: wire.NodeID(i + 1)}
		n.listen("127.0.0.1:0")
		f.nodes = append(f.nodes, n)
		m.Members = append(m.Members, wire.Member{ID: n.id, Name: n.id.String(), GRPCAddr: n.addr, Weight: 100})
	}
	for s := range wire.ShardID(m.Shards + 1) {
		p := wire.Placement{Shard: s, Preferred: 1}
		for i := range nodes {
			p.Replicas = append(p.Replicas, wire.Replica{ID: wire.ReplicaID(i + 1), Node: wire.NodeID(i + 1), Role: wire.RoleVoter})
		}
		m.Placements = append(m.Placements, p)
	}
	f.cmap = m
	t.Cleanup(func() {
		for _, n := range f.nodes {
			n.server.Stop()
		}
	})
	return f
}

func (n *fakeNode) listen(addr string) {
	ln, err := net.Listen("tcp", addr)
	require.NoError(n.fake.t, err)
	n.addr = ln.Addr().String()
	n.server = grpc.NewServer()
	torcv1.RegisterCacheServer(n.server, n)
	go func() { _ = n.server.Serve(ln) }() // ends with Stop
}

func (f *fake) client(options ...func(*Options)) *Client {
	opts := Options{Timeout: 10 * time.Second, AttemptTimeout: 300 * time.Millisecond}
	for _, n := range f.nodes {
		opts.Seeds = append(opts.Seeds, n.addr)
	}
	for _, option := range options {
		option(&opts)
	}
	c, err := New(context.Background(), opts)
	require.NoError(f.t, err)
	f.t.Cleanup(func() { require.NoError(f.t, c.Close()) })
	return c
}

func (f *fake) locked(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// has is what a key holds.
func (f *fake) has(key string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.keys[key].value
}

func (n *fakeNode) Stream(stream torcv1.Cache_StreamServer) error {
	if md, _ := metadata.FromIncomingContext(stream.Context()); n.fake.password != "" &&
		(len(md["authorization"]) != 1 || md["authorization"][0] != "Bearer "+n.fake.password) {
		return status.Error(codes.Unauthenticated, "wrong password")
	}
	var mu sync.Mutex // streams take one sender at a time
	send := func(p *torcv1.Packet) {
		mu.Lock()
		defer mu.Unlock()
		_ = stream.Send(p)
	}
	for {
		p, err := stream.Recv()
		if err != nil {
			return err
		}
		require.Equal(n.fake.t, torcv1.PacketBatch, p.Kind)
		n.messages.Add(1)
		for rest := p.Body; len(rest) > 0; {
			var one *torcv1.Packet
			one, rest, err = torcv1.NextPacket(rest)
			require.NoError(n.fake.t, err)
			n.take(one, send)
		}
	}
}

func (n *fakeNode) take(p *torcv1.Packet, send func(*torcv1.Packet)) {
	if p.Kind == torcv1.PacketMapRequest {
		n.fake.locked(func() {
			send(&torcv1.Packet{Id: p.Id, Kind: torcv1.PacketMapResponse, Body: wire.AppendClusterMap(nil, n.fake.cmap)})
		})
		return
	}
	req, err := wire.DecodeRequest(p.Body)
	require.NoError(n.fake.t, err)
	n.fake.handle(n, p.Id, req, func(r *wire.Response) {
		send(&torcv1.Packet{Id: p.Id, Kind: torcv1.PacketResponse, Body: wire.AppendResponse(nil, r)})
	})
}

func (f *fake) handle(n *fakeNode, id uint64, req *wire.Request, send func(*wire.Response)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.respond != nil && f.respond(n, id, req, send):
	case n.id != f.leader:
		send(&wire.Response{Outcome: wire.OutcomeRefused, Reason: wire.ReasonNotLeader, Leader: f.leader, Epoch: f.cmap.Epoch})
	default:
		send(f.apply(req))
	}
}

func (f *fake) apply(req *wire.Request) *wire.Response {
	r := &wire.Response{Leader: f.leader, Epoch: f.cmap.Epoch}
	table := f.sessions[req.Session.Client^uint64(req.Shard)]
	if req.Session.Client != 0 && table == nil {
		table = map[uint64][]wire.Result{}
		f.sessions[req.Session.Client^uint64(req.Shard)] = table
	}
	if r.Results = table[req.Session.Seq]; r.Results != nil {
		return r
	}
	met := f.meets(req.Commands)
	for i := range req.Commands {
		result := wire.Result{Kind: wire.KindError, Code: wire.CodeGuard}
		if met {
			result = f.command(&req.Commands[i])
		}
		r.Results = append(r.Results, result)
	}
	if table != nil {
		table[req.Session.Seq] = r.Results
	}
	return r
}

// meets reports whether all guards of a request are met.
func (f *fake) meets(commands []wire.Command) bool {
	for i := range commands {
		if c := &commands[i]; c.Op == wire.OpGuard && f.keys[string(c.Key)].version != c.Version {
			return false
		}
	}
	return true
}

func (f *fake) command(c *wire.Command) wire.Result {
	key := string(c.Key)
	old, there := f.keys[key]
	write := func(value string, ttl int64) uint64 {
		f.applied++
		f.version++
		f.keys[key] = stored{value, f.version, ttl}
		return f.version
	}
	yes := func(b bool) wire.Result {
		if b {
			return wire.Result{Kind: wire.KindInt, Int: 1}
		}
		return wire.Result{Kind: wire.KindInt}
	}
	switch c.Op {
	case wire.OpGet:
		if !there {
			return wire.Result{}
		}
		return wire.Result{Kind: wire.KindBytes, Value: []byte(old.value), Version: old.version}
	case wire.OpSet:
		switch {
		case c.Flags&wire.FlagNX != 0 && there, c.Flags&wire.FlagXX != 0 && !there:
			return wire.Result{}
		case c.Flags&wire.FlagVersion != 0 && c.Version != old.version:
			return wire.Result{Kind: wire.KindError, Code: wire.CodeVersion, Version: old.version}
		}
		return wire.Result{Kind: wire.KindOK, Version: write(string(c.Value), c.TTL)}
	case wire.OpGuard:
		return wire.Result{Kind: wire.KindOK}
	case wire.OpDelete:
		if c.Flags&wire.FlagVersion != 0 && c.Version != old.version {
			return wire.Result{Kind: wire.KindError, Code: wire.CodeVersion, Version: old.version}
		}
		delete(f.keys, key)
		return yes(there)
	case wire.OpGetDelete:
		delete(f.keys, key)
		if !there {
			return wire.Result{}
		}
		return wire.Result{Kind: wire.KindBytes, Value: []byte(old.value), Version: old.version}
	case wire.OpAppend:
		write(old.value+string(c.Value), old.ttl)
		return wire.Result{Kind: wire.KindInt, Int: int64(len(old.value) + len(c.Value))}
	case wire.OpIncr:
		n, err := strconv.ParseInt(old.value, 10, 64)
		if there && err != nil {
			return wire.Result{Kind: wire.KindError, Code: wire.CodeNotInteger}
		}
		write(strconv.FormatInt(n+c.Delta, 10), old.ttl)
		return wire.Result{Kind: wire.KindInt, Int: n + c.Delta}
	case wire.OpTouch:
		return yes(there)
	case wire.OpExpire:
		if there {
			write(old.value, c.TTL)
		}
		return yes(there)
	case wire.OpPersist:
		if there {
			write(old.value, 0)
		}
		return yes(old.ttl > 0)
	case wire.OpTTL:
		switch {
		case !there:
			return wire.Result{Kind: wire.KindInt, Int: -2}
		case old.ttl == 0:
			return wire.Result{Kind: wire.KindInt, Int: -1}
		}
		return wire.Result{Kind: wire.KindInt, Int: old.ttl}
	}
	return wire.Result{Kind: wire.KindError, Code: wire.CodeUnsupported}
}
