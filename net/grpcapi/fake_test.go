package grpcapi

import (
	"bytes"
	"context"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

const shards = 4

// fakeNode is a Backend over a map. With answer set, that decides instead.
type fakeNode struct {
	mu      sync.Mutex
	cluster *wire.ClusterMap
	data    map[string]wire.Result
	version uint64
	calls   []*wire.Call
	answer  func(*wire.Call)
	look    func(*wire.Look) bool // nil: looks find nothing
	leader  wire.NodeID           // of all shards
	holds   bool                  // copies of keys of all shards
	looking atomic.Bool           // since the first look: lanes would be kept from their turns
}

func newFake() *fakeNode {
	m := &wire.ClusterMap{ClusterID: 77, Epoch: 9, Shards: shards, Replication: 1,
		Members: []wire.Member{{ID: 5, Incarnation: 6, Name: "five", RESPAddr: "h:1", GRPCAddr: "h:2", Weight: 100}}}
	for s := range shards + 1 {
		m.Placements = append(m.Placements, wire.Placement{
			Shard: wire.ShardID(s), Replicas: []wire.Replica{{ID: wire.ReplicaID(10 + s), Node: 5, Incarnation: 6, Role: wire.RoleVoter}},
		})
	}
	return &fakeNode{leader: 5, cluster: m, data: map[string]wire.Result{}}
}

func (n *fakeNode) Map() *wire.ClusterMap           { return n.cluster }
func (n *fakeNode) Holds(wire.ShardID) bool         { return n.holds }
func (n *fakeNode) Leader(wire.ShardID) wire.NodeID { return n.leader }
func (n *fakeNode) Self() wire.Member               { return n.cluster.Members[0] }
func (n *fakeNode) Looker() wire.Looker             { return &fakeLooker{n: n} }

// fakeLooker lends values until Done, as a store does, and then writes over them.
type fakeLooker struct {
	n    *fakeNode
	lent [][]byte
}

func (k *fakeLooker) Look(l *wire.Look) bool {
	k.n.looking.Store(true)
	if k.n.look == nil || !k.n.look(l) {
		return false
	}
	l.Result.Value = bytes.Clone(l.Result.Value)
	k.lent = append(k.lent, l.Result.Value)
	return true
}

func (k *fakeLooker) Done() {
	for _, v := range k.lent {
		for i := range v {
			v[i] = '!'
		}
	}
	k.lent = nil
	k.n.looking.Store(false)
}

// lookAt answers a look.
func (n *fakeNode) lookAt(l *wire.Look) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	l.Result = n.apply(&l.Command)
	return true
}

func (n *fakeNode) Submit(calls ...*wire.Call) {
	for _, c := range calls {
		n.submit(c)
	}
}

func (n *fakeNode) submit(c *wire.Call) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls = append(n.calls, c)
	if n.answer != nil {
		n.answer(c)
		return
	}
	resp := wire.Response{Epoch: 9}
	for i := range c.Commands {
		resp.Results = append(resp.Results, n.apply(&c.Commands[i]))
	}
	c.Sink.Deliver(c.Tag, &resp)
	clear(resp.Results) // a lane uses its slice of results again
}

func (n *fakeNode) apply(cmd *wire.Command) wire.Result {
	key := string(cmd.Key)
	old := n.data[key]
	switch cmd.Op {
	case wire.OpGet:
		return old
	case wire.OpDelete:
		delete(n.data, key)
		if old.Version > 0 {
			return wire.Result{Kind: wire.KindInt, Int: 1}
		}
		return wire.Result{Kind: wire.KindInt}
	case wire.OpIncr:
		v, err := strconv.ParseInt("0"+string(old.Value), 10, 64)
		if err != nil {
			return wire.Result{Kind: wire.KindError, Code: wire.CodeNotInteger}
		}
		n.put(key, strconv.AppendInt(nil, v+cmd.Delta, 10))
		return wire.Result{Kind: wire.KindInt, Int: v + cmd.Delta, Version: n.version}
	}
	switch {
	case cmd.Flags&wire.FlagVersion != 0 && old.Version != cmd.Version:
		return wire.Result{Kind: wire.KindError, Code: wire.CodeVersion, Version: old.Version}
	case cmd.Flags&wire.FlagNX != 0 && old.Version > 0, cmd.Flags&wire.FlagXX != 0 && old.Version == 0:
		return wire.Result{Version: old.Version}
	}
	n.put(key, cmd.Value)
	return wire.Result{Kind: wire.KindOK, Version: n.version}
}

func (n *fakeNode) put(key string, value []byte) {
	n.version++
	n.data[key] = wire.Result{Kind: wire.KindBytes, Value: value, Version: n.version}
}

func (n *fakeNode) submitted() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.calls)
}

// always answers every request the same.
func always(outcome wire.Outcome, reason wire.Reason) func(*wire.Call) {
	return func(c *wire.Call) { c.Sink.Deliver(c.Tag, &wire.Response{Outcome: outcome, Reason: reason}) }
}

func serve(t *testing.T, n *fakeNode, opts Options) (*Server, torcv1.CacheClient) {
	t.Helper()
	opts.Addr = "127.0.0.1:0"
	opts.Logger = slog.New(slog.DiscardHandler)
	s, err := Listen(opts, n)
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	conn, err := grpc.NewClient("passthrough:///"+s.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(256<<20), grpc.MaxCallSendMsgSize(256<<20)))
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = conn.Close()
		_ = s.Close(soon(t))
		require.NoError(t, <-served)
	})
	return s, torcv1.NewCacheClient(conn)
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func keyShard(key string) wire.ShardID { return wire.ShardOf(wire.Slot([]byte(key)), shards) }
