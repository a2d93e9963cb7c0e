package grpcapi

import (
	"context"
	"fmt"
	"math"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

func TestOneKey(t *testing.T) {
	_, c := serve(t, newFake(), Options{})
	ctx := soon(t)

	got, err := c.Get(ctx, &torcv1.GetRequest{Key: []byte("k")})
	require.NoError(t, err)
	require.False(t, got.Found)

	set, err := c.Set(ctx, &torcv1.SetRequest{Key: []byte("k"), Value: []byte("v")})
	require.NoError(t, err)
	require.True(t, set.Applied)

	got, err = c.Get(ctx, &torcv1.GetRequest{Key: []byte("k")})
	require.NoError(t, err)
	require.True(t, proto.Equal(&torcv1.GetResponse{Found: true, Value: []byte("v"), Version: set.Version}, got))

	del, err := c.Delete(ctx, &torcv1.DeleteRequest{Key: []byte("k")})
	require.NoError(t, err)
	require.True(t, del.Deleted)
	del, err = c.Delete(ctx, &torcv1.DeleteRequest{Key: []byte("k")})
	require.NoError(t, err)
	require.False(t, del.Deleted)

	inc, err := c.Increment(ctx, &torcv1.IncrementRequest{Key: []byte("n"), Delta: 5})
	require.NoError(t, err)
	require.EqualValues(t, 5, inc.Value)
	require.NotZero(t, inc.Version)
}

func TestConditions(t *testing.T) {
	_, c := serve(t, newFake(), Options{})
	ctx := soon(t)
	set := func(condition torcv1.SetRequest_Condition, version uint64) *torcv1.SetResponse {
		r, err := c.Set(ctx, &torcv1.SetRequest{Key: []byte("k"), Condition: condition, Version: version})
		require.NoError(t, err)
		return r
	}
	require.False(t, set(torcv1.SetRequest_IF_PRESENT, 0).Applied)
	require.False(t, set(torcv1.SetRequest_IF_VERSION, 7).Applied)
	first := set(torcv1.SetRequest_IF_ABSENT, 0)
	require.True(t, first.Applied)
	second := set(torcv1.SetRequest_IF_ABSENT, 0)
	require.False(t, second.Applied)
	require.Equal(t, first.Version, second.Version, "the version that stands in the way")
	third := set(torcv1.SetRequest_IF_VERSION, first.Version)
	require.True(t, third.Applied)
	require.False(t, set(torcv1.SetRequest_IF_VERSION, first.Version).Applied)
	require.True(t, set(torcv1.SetRequest_IF_PRESENT, 0).Applied)
}

func TestSetsInTorcsWords(t *testing.T) {
	for _, c := range []struct {
		name string
		req  *torcv1.SetRequest
		want wire.Command
	}{
		{"plain", &torcv1.SetRequest{}, wire.Command{Op: wire.OpSet}},
		{"absent", &torcv1.SetRequest{Condition: torcv1.SetRequest_IF_ABSENT}, wire.Command{Op: wire.OpSet, Flags: wire.FlagNX}},
		{"version", &torcv1.SetRequest{Condition: torcv1.SetRequest_IF_VERSION, Version: 3}, wire.Command{Op: wire.OpSet, Flags: wire.FlagVersion, Version: 3}},
		{"ttl", &torcv1.SetRequest{Expiry: &torcv1.SetRequest_TtlMillis{TtlMillis: 60}}, wire.Command{Op: wire.OpSet, TTLKind: wire.TTLRelative, TTL: 60}},
		{"at", &torcv1.SetRequest{Expiry: &torcv1.SetRequest_ExpireAtUnixMillis{ExpireAtUnixMillis: 1e12}}, wire.Command{Op: wire.OpSet, TTLKind: wire.TTLAbsolute, TTL: 1e12}},
		{"keep", &torcv1.SetRequest{Expiry: &torcv1.SetRequest_KeepTtl{KeepTtl: true}}, wire.Command{Op: wire.OpSet, TTLKind: wire.TTLKeep}},
		{"do not keep", &torcv1.SetRequest{Expiry: &torcv1.SetRequest_KeepTtl{}}, wire.Command{Op: wire.OpSet}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := setCommand(c.req)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
	for name, bad := range map[string]*torcv1.SetRequest{
		"ttl 0":       {Expiry: &torcv1.SetRequest_TtlMillis{}},
		"ttl too big": {Expiry: &torcv1.SetRequest_TtlMillis{TtlMillis: math.MaxInt64 + 1}},
		"at 0":        {Expiry: &torcv1.SetRequest_ExpireAtUnixMillis{}},
		"condition":   {Condition: 99},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := setCommand(bad)
			require.Equal(t, codes.InvalidArgument, status.Code(err))
		})
	}
}

// reasonOf is the reason of a definite failure, or nothing.
func reasonOf(err error) string {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.Domain == "torc" {
			return info.Reason
		}
	}
	return ""
}

// A node that cannot serve a key names one that may, if it knows of one.
func TestARefusalNamesAnotherNode(t *testing.T) {
	for leader, want := range map[wire.NodeID]string{5: "h:2", 99: "", 0: ""} {
		err := refusedBy(newFake().Map(), &wire.Response{Outcome: wire.OutcomeRefused, Reason: wire.ReasonNoQuorum, Leader: leader})
		require.Equal(t, "NO_QUORUM", reasonOf(err))
		require.Equal(t, want, status.Convert(err).Details()[0].(*errdetails.ErrorInfo).Metadata["ask"])
	}
}

func TestFailuresSayWhatIsKnown(t *testing.T) {
	for _, c := range []struct {
		outcome wire.Outcome
		reason  wire.Reason
		code    codes.Code
		word    string // empty: not definite
		text    string
	}{
		{wire.OutcomeRefused, wire.ReasonNoQuorum, codes.Unavailable, "NO_QUORUM", "not applied: no quorum"},
		{wire.OutcomeRefused, wire.ReasonOverloaded, codes.Unavailable, "OVERLOADED", "not applied: overloaded"},
		{wire.OutcomeRefused, wire.ReasonDeadline, codes.Unavailable, "DEADLINE", "not applied: deadline exceeded"},
		{wire.OutcomeRefused, wire.ReasonTooLarge, codes.InvalidArgument, "TOO_LARGE", "not applied: too large"},
		{wire.OutcomeRefused, wire.ReasonOutOfMemory, codes.ResourceExhausted, "OUT_OF_MEMORY", "not applied: out of memory"},
		{wire.OutcomeUnknown, wire.ReasonDeadline, codes.DeadlineExceeded, "", "outcome unknown: deadline exceeded"},
		{wire.OutcomeUnknown, wire.ReasonLeadershipLost, codes.Unknown, "", "outcome unknown: leadership lost"},
	} {
		t.Run(c.text, func(t *testing.T) {
			n := newFake()
			n.answer = always(c.outcome, c.reason)
			_, client := serve(t, n, Options{})
			_, err := client.Set(soon(t), &torcv1.SetRequest{Key: []byte("k")})
			require.Equal(t, c.code, status.Code(err))
			require.Equal(t, c.text, status.Convert(err).Message())
			require.Equal(t, c.word, reasonOf(err))
		})
	}
}

func TestEveryReasonHasAWord(t *testing.T) {
	seen := map[string]bool{}
	for r := wire.ReasonNone; r <= wire.ReasonOtherCluster; r++ {
		require.Contains(t, reasonWords, r)
		require.False(t, seen[reasonWords[r]], "%s twice", reasonWords[r])
		seen[reasonWords[r]] = true
	}
	for code := wire.CodeNotInteger; code <= wire.CodeOutOfMemory; code++ {
		require.Contains(t, commandErrors, code)
	}
}

func TestACommandsErrorIsDefinite(t *testing.T) {
	_, c := serve(t, newFake(), Options{})
	_, err := c.Set(soon(t), &torcv1.SetRequest{Key: []byte("k"), Value: []byte("text")})
	require.NoError(t, err)
	_, err = c.Increment(soon(t), &torcv1.IncrementRequest{Key: []byte("k"), Delta: 1})
	require.Equal(t, codes.FailedPrecondition, status.Code(err))
	require.Equal(t, "NOT_INTEGER", reasonOf(err))
}

func TestNoAnswerIsUnknown(t *testing.T) {
	n := newFake()
	n.answer = func(*wire.Call) {}
	s, _ := serve(t, n, Options{})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := s.Set(ctx, &torcv1.SetRequest{Key: []byte("k")})
	require.Equal(t, codes.DeadlineExceeded, status.Code(err))
	require.Contains(t, err.Error(), "outcome unknown")
	require.LessOrEqual(t, n.calls[0].TimeoutMillis, int64(20), "the lane is told how long the caller waits")
}

func TestANodeWithoutAClusterRefuses(t *testing.T) {
	n := newFake()
	n.cluster = &wire.ClusterMap{Members: n.cluster.Members}
	_, c := serve(t, n, Options{})
	n.cluster = nil
	for name, call := range map[string]func() error{
		"get":      func() error { _, err := c.Get(soon(t), &torcv1.GetRequest{}); return err },
		"get many": func() error { _, err := c.GetMany(soon(t), &torcv1.GetManyRequest{}); return err },
		"topology": func() error { _, err := c.Topology(soon(t), &torcv1.TopologyRequest{}); return err },
	} {
		err := call()
		require.Equal(t, codes.Unavailable, status.Code(err), name)
		require.Equal(t, "NOT_READY", reasonOf(err), name)
	}
}

func TestManyKeysAreSplitByShard(t *testing.T) {
	n := newFake()
	_, c := serve(t, n, Options{})
	var set torcv1.SetManyRequest
	var get torcv1.GetManyRequest
	for i := range 20 {
		key := fmt.Appendf(nil, "key-%d", i)
		set.Entries = append(set.Entries, &torcv1.SetRequest{Key: key, Value: fmt.Appendf(nil, "value-%d", i)})
		get.Keys = append(get.Keys, key)
	}
	get.Keys = append(get.Keys, []byte("absent"))

	written, err := c.SetMany(soon(t), &set)
	require.NoError(t, err)
	require.Len(t, written.Items, 20)
	require.Len(t, n.calls, shards, "one request for each shard")
	for _, call := range n.calls {
		require.EqualValues(t, 9, call.Epoch)
		for _, cmd := range call.Commands {
			require.Equal(t, call.Shard, keyShard(string(cmd.Key)))
		}
	}
	read, err := c.GetMany(soon(t), &get)
	require.NoError(t, err)
	for i := range 20 {
		require.True(t, written.Items[i].Applied)
		require.Equal(t, fmt.Sprintf("value-%d", i), string(read.Items[i].Value))
		require.Equal(t, written.Items[i].Version, read.Items[i].Version)
	}
	require.False(t, read.Items[20].Found)
	require.Nil(t, read.Items[20].Failure)
}

// One shard's failure is told for its keys only.
func TestManyKeysFailEachForItself(t *testing.T) {
	n := newFake()
	bad := keyShard("a")
	n.answer = func(c *wire.Call) {
		if c.Shard == bad {
			always(wire.OutcomeUnknown, wire.ReasonLeadershipLost)(c)
			return
		}
		resp := &wire.Response{Results: make([]wire.Result, len(c.Commands))}
		for i := range resp.Results {
			resp.Results[i] = wire.Result{Kind: wire.KindOK, Version: 1}
		}
		c.Sink.Deliver(c.Tag, resp)
	}
	_, c := serve(t, n, Options{})
	var req torcv1.SetManyRequest
	for i := range 20 {
		req.Entries = append(req.Entries, &torcv1.SetRequest{Key: fmt.Appendf(nil, "key-%d", i)})
	}
	got, err := c.SetMany(soon(t), &req)
	require.NoError(t, err)
	failed := 0
	for i, item := range got.Items {
		if keyShard(string(req.Entries[i].Key)) == bad {
			require.Equal(t, torcv1.Failure_UNKNOWN, item.Failure.Outcome)
			require.Equal(t, "LEADERSHIP_LOST", item.Failure.Reason)
			failed++
			continue
		}
		require.Nil(t, item.Failure)
		require.True(t, item.Applied)
	}
	require.Positive(t, failed)
	require.Less(t, failed, 20)
}

func TestLimits(t *testing.T) {
	n := newFake()
	_, c := serve(t, n, Options{MaxKey: 4, MaxValue: 8, ManyMax: 2, ManyBytes: 10})
	for name, call := range map[string]func() error{
		"key":   func() error { _, err := c.Get(soon(t), &torcv1.GetRequest{Key: []byte("12345")}); return err },
		"value": func() error { _, err := c.Set(soon(t), &torcv1.SetRequest{Value: make([]byte, 9)}); return err },
		"keys": func() error {
			_, err := c.GetMany(soon(t), &torcv1.GetManyRequest{Keys: make([][]byte, 3)})
			return err
		},
	} {
		err := call()
		require.Equal(t, codes.InvalidArgument, status.Code(err), name)
		require.Equal(t, "TOO_LARGE", reasonOf(err), name)
	}
	require.Zero(t, n.submitted())

	_, err := c.Set(soon(t), &torcv1.SetRequest{Key: []byte("k"), Value: make([]byte, 8)})
	require.NoError(t, err)
	_, err = c.GetMany(soon(t), &torcv1.GetManyRequest{Keys: [][]byte{[]byte("k"), []byte("k")}})
	require.Equal(t, codes.ResourceExhausted, status.Code(err), "the values together are too large")
}

func TestTopology(t *testing.T) {
	_, c := serve(t, newFake(), Options{})
	got, err := c.Topology(soon(t), &torcv1.TopologyRequest{})
	require.NoError(t, err)
	require.EqualValues(t, 77, got.ClusterId)
	require.EqualValues(t, 9, got.Epoch)
	require.EqualValues(t, 5, got.Self)
	require.True(t, proto.Equal(&torcv1.Node{Id: 5, Name: "five", Incarnation: 6, RespAddr: "h:1", GrpcAddr: "h:2", Weight: 100}, got.Nodes[0]))
	require.Len(t, got.Shards, shards)
	require.True(t, proto.Equal(&torcv1.Shard{
		Id: 1, FirstSlot: 0, LastSlot: 4095, Leader: 5,
		Replicas: []*torcv1.Shard_Replica{{Id: 11, Node: 5, Voter: true}},
	}, got.Shards[0]))
	require.EqualValues(t, wire.SlotCount-1, got.Shards[shards-1].LastSlot)
}

func TestThePassword(t *testing.T) {
	_, c := serve(t, newFake(), Options{Password: "s3cret", OldPassword: "formerly"})
	for shown, welcome := range map[string]bool{
		"Bearer s3cret": true, "bearer s3cret": true, "Bearer s3cres": false, "Basic s3cret": false, "s3cret": false, "": false,
		"Bearer formerly": true, "Bearer ": false,
	} {
		ctx := soon(t)
		if shown != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", shown)
		}
		_, unary := c.Get(ctx, &torcv1.GetRequest{})
		stream, err := c.Stream(ctx)
		require.NoError(t, err)
		require.NoError(t, stream.CloseSend())
		_, streamed := stream.Recv()
		if welcome {
			require.NoError(t, unary)
			require.NotEqual(t, codes.Unauthenticated, status.Code(streamed))
			continue
		}
		require.Equal(t, codes.Unauthenticated, status.Code(unary), "%q", shown)
		require.Equal(t, codes.Unauthenticated, status.Code(streamed), "%q", shown)
	}
}

func TestATakenPortIsNamed(t *testing.T) {
	s, _ := serve(t, newFake(), Options{})
	_, port, _ := net.SplitHostPort(s.Addr().String())
	_, err := Listen(Options{Addr: s.Addr().String()}, newFake())
	require.ErrorContains(t, err, "port "+port+" is taken")
	require.ErrorContains(t, err, "--grpc-addr")
	_, err = Listen(Options{Addr: "nonsense"}, newFake())
	require.ErrorContains(t, err, "want host:port")
}
