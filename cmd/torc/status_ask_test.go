package main

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	torcv1 "torc/api/v1"
)

// fakeNode is a node that answers what a test wants, to those who know the password.
type fakeNode struct {
	torcv1.UnimplementedCacheServer
	topology *torcv1.TopologyResponse
	status   *torcv1.StatusResponse // nil: Status is not implemented
}

func (n *fakeNode) Topology(ctx context.Context, _ *torcv1.TopologyRequest) (*torcv1.TopologyResponse, error) {
	if shown := metadata.ValueFromIncomingContext(ctx, "authorization"); len(shown) != 1 || shown[0] != "Bearer hunter2" {
		return nil, status.Error(codes.Unauthenticated, "the password is wrong")
	}
	return n.topology, nil
}

func (n *fakeNode) Status(ctx context.Context, r *torcv1.StatusRequest) (*torcv1.StatusResponse, error) {
	if n.status == nil {
		return n.UnimplementedCacheServer.Status(ctx, r)
	}
	return n.status, nil
}

func (n *fakeNode) start(t *testing.T) (addr string) {
	t.Helper()
	return serve(t, func(s *grpc.Server) { torcv1.RegisterCacheServer(s, n) })
}

func TestGather(t *testing.T) {
	t.Setenv("TORC_PASSWORD", "hunter2")
	topology := &torcv1.TopologyResponse{ClusterId: 0xc1, Epoch: 1, Replication: 1}
	first := &fakeNode{topology: topology, status: &torcv1.StatusResponse{Node: 1, ClusterId: 0xc1, Name: "1-well", UptimeMillis: 1000}}
	seed := first.start(t)
	gone := nobody(t)
	nodes := []struct {
		name, addr string
		state      torcv1.Node_State
		failure    string
	}{
		{"1-well", seed, torcv1.Node_ACTIVE, ""},
		{"2-elsewhere", (&fakeNode{status: &torcv1.StatusResponse{Node: 2, ClusterId: 0xc2}}).start(t), torcv1.Node_ACTIVE, "at its address is a node of cluster 00000000000000c2"},
		{"3-another", (&fakeNode{status: &torcv1.StatusResponse{Node: 9, ClusterId: 0xc1, Name: "nine"}}).start(t), torcv1.Node_ACTIVE, "at its address is node nine"},
		{"4-seeking", (&fakeNode{status: &torcv1.StatusResponse{Node: 4}}).start(t), torcv1.Node_ACTIVE, "it is not in the cluster yet"},
		{"5-old", (&fakeNode{}).start(t), torcv1.Node_ACTIVE, "method Status not implemented"},
		{"6-gone", gone, torcv1.Node_DOWN, "dial tcp " + gone + ": connect: connection refused"},
		{"7-left", gone, torcv1.Node_LEFT, ""},
	}
	for i, n := range nodes {
		topology.Nodes = append(topology.Nodes, &torcv1.Node{Id: uint64(i + 1), Name: n.name, GrpcAddr: n.addr, State: n.state})
	}
	r, err := gather(t.Context(), connectionOf(t, "--addr", gone+","+seed))
	require.NoError(t, err, "the second address answers")
	for i, n := range nodes {
		require.Equal(t, n.name, r.Nodes[i].Name)
		require.Equal(t, n.failure, r.Nodes[i].Error, n.name)
	}
}

// Nobody answers: every address is named with its reason.
func TestGatherNobody(t *testing.T) {
	one, two := nobody(t), (&fakeNode{}).start(t)
	_, err := gather(t.Context(), &connection{addr: one + "," + two, timeout: 5 * time.Second})
	require.ErrorContains(t, err, one+": dial tcp "+one+": connect: connection refused")
	require.ErrorContains(t, err, two+": the password is wrong")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = gather(ctx, &connection{addr: two, timeout: 5 * time.Second})
	require.ErrorContains(t, err, two)
}

// A node that speaks TLS hangs up on who does not; gRPC's words for it say nothing of that.
func TestWithoutTLSWhereThereIsSome(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	_, err = gather(t.Context(), &connection{addr: l.Addr().String(), timeout: 5 * time.Second})
	require.ErrorContains(t, err, "does it speak TLS (--tls-ca, or --tls)?")
}

// Who waits for a cluster to become well is told at once that the password is wrong: it will not be right later.
func TestAWrongPasswordIsNotWaitedOut(t *testing.T) {
	t.Setenv("TORC_PASSWORD", "hunter3")
	n := &fakeNode{}
	began := time.Now()
	require.Equal(t, exitError, showStatus([]string{"--addr", n.start(t), "--wait", "1h"}))
	require.Less(t, time.Since(began), time.Minute)
}
