package grpcapi

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// office is a node that takes operators' requests.
type office struct {
	*fakeNode
	asked  []wire.Ask
	answer *wire.Told
	err    error
}

func (o *office) Admin(_ context.Context, a *wire.Ask) (*wire.Told, error) {
	o.asked = append(o.asked, *a)
	return o.answer, o.err
}

func TestAdminRequests(t *testing.T) {
	o := &office{fakeNode: newFake(), answer: &wire.Told{Lines: []string{"done"}}}
	c := clerk{s: &Server{backend: o, opts: Options{}.withDefaults()}}
	ctx := context.Background()
	for _, name := range []string{"five", "h:1", "h:2", "0000000000000005"} {
		r, err := c.Drain(ctx, &torcv1.DrainRequest{Node: name, Force: true})
		require.NoError(t, err)
		require.Equal(t, []string{"done"}, r.Lines)
	}
	_, err := c.Undrain(ctx, &torcv1.UndrainRequest{Node: "five"})
	require.NoError(t, err)
	_, err = c.SetWeight(ctx, &torcv1.SetWeightRequest{Node: "five", Weight: 150})
	require.NoError(t, err)
	check, err := c.RollCheck(ctx, &torcv1.RollCheckRequest{})
	require.NoError(t, err)
	require.True(t, check.Safe)
	drain := wire.Ask{TimeoutMillis: 5000, Op: wire.AdminDrain, Node: 5, Force: true}
	require.Equal(t, []wire.Ask{drain, drain, drain, drain, {TimeoutMillis: 5000, Op: wire.AdminUndrain, Node: 5},
		{TimeoutMillis: 5000, Op: wire.AdminSetWeight, Node: 5, Weight: 150}, {TimeoutMillis: 5000, Op: wire.AdminRollCheck}}, o.asked)

	o.answer = &wire.Told{Refusal: wire.RefusalUnsafe, Lines: []string{"shard 1: nobody answers as its leader"}}
	check, err = c.RollCheck(ctx, &torcv1.RollCheckRequest{Node: "five"})
	require.NoError(t, err)
	require.False(t, check.Safe)
	require.Equal(t, o.answer.Lines, check.Lines)

	o.answer = &wire.Told{Progress: wire.Progress{Open: 2, Replicas: 3}}
	p, err := c.Progress(ctx, &torcv1.ProgressRequest{})
	require.NoError(t, err)
	require.EqualValues(t, 3, p.Replicas)
}

// Without the code it is told what would be done; that is an answer, not a failure.
func TestForgetRequests(t *testing.T) {
	o := &office{fakeNode: newFake(), answer: &wire.Told{Refusal: wire.RefusalUnconfirmed, Lines: []string{"five holds 3 replicas"}, Confirm: 0xbeef}}
	c := clerk{s: &Server{backend: o, opts: Options{}.withDefaults()}}
	ctx := context.Background()
	got, err := c.Forget(ctx, &torcv1.ForgetRequest{Node: "five"})
	require.NoError(t, err)
	require.False(t, got.Done)
	require.Equal(t, "0000beef", got.Confirm)
	require.Equal(t, o.answer.Lines, got.Lines)

	o.answer = &wire.Told{Lines: []string{"five is forgotten"}}
	got, err = c.Forget(ctx, &torcv1.ForgetRequest{Node: "five", Confirm: "0000beef"})
	require.NoError(t, err)
	require.True(t, got.Done)
	require.Equal(t, []wire.Ask{{TimeoutMillis: 5000, Op: wire.AdminForget, Node: 5}, {TimeoutMillis: 5000, Op: wire.AdminForget, Node: 5, Confirm: 0xbeef}}, o.asked)

	for _, code := range []string{"yes", "0", "123456789012345678"} {
		_, err = c.Forget(ctx, &torcv1.ForgetRequest{Node: "five", Confirm: code})
		require.Equal(t, codes.InvalidArgument, status.Code(err), code)
	}
	_, err = c.Forget(ctx, &torcv1.ForgetRequest{Node: "six"})
	require.Equal(t, codes.NotFound, status.Code(err))
	require.Len(t, o.asked, 2, "what is typed wrongly goes no further")
}

func TestRecoverMetaRequests(t *testing.T) {
	o := &office{fakeNode: newFake(), answer: &wire.Told{Refusal: wire.RefusalUnconfirmed, Lines: []string{"in reach: nobody"}, Confirm: 0xbeef}}
	c := clerk{s: &Server{backend: o, opts: Options{}.withDefaults()}}
	ctx := context.Background()
	got, err := c.RecoverMeta(ctx, &torcv1.RecoverMetaRequest{})
	require.NoError(t, err)
	require.False(t, got.Done)
	require.Equal(t, "0000beef", got.Confirm)
	o.answer = &wire.Told{Lines: []string{"begun anew"}}
	got, err = c.RecoverMeta(ctx, &torcv1.RecoverMetaRequest{Confirm: got.Confirm})
	require.NoError(t, err)
	require.True(t, got.Done)
	require.Equal(t, []wire.Ask{{TimeoutMillis: 5000, Op: wire.AdminRecoverMeta}, {TimeoutMillis: 5000, Op: wire.AdminRecoverMeta, Confirm: 0xbeef}}, o.asked)
	_, err = c.RecoverMeta(ctx, &torcv1.RecoverMetaRequest{Confirm: "yes"})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	o.answer = &wire.Told{Refusal: wire.RefusalLives, Lines: []string{"it has a leader"}}
	_, err = c.RecoverMeta(ctx, &torcv1.RecoverMetaRequest{})
	require.Equal(t, codes.FailedPrecondition, status.Code(err))
}

// Each refusal is definite and has its word; what nobody knows has none.
func TestAdminErrors(t *testing.T) {
	o := &office{fakeNode: newFake()}
	c := clerk{s: &Server{backend: o, opts: Options{}.withDefaults()}}
	fails := func(call func() error, code codes.Code, word string) {
		t.Helper()
		st := status.Convert(call())
		require.Equal(t, code, st.Code(), st.Message())
		if word == "" {
			require.Empty(t, st.Details())
			return
		}
		require.Len(t, st.Details(), 1)
		require.Equal(t, word, st.Details()[0].(*errdetails.ErrorInfo).Reason)
	}
	drain := func(name string) func() error {
		return func() error {
			_, err := c.Drain(context.Background(), &torcv1.DrainRequest{Node: name})
			return err
		}
	}
	fails(drain("six"), codes.NotFound, "NO_NODE")
	fails(drain(""), codes.NotFound, "NO_NODE")
	for refusal, want := range refusals {
		o.answer = &wire.Told{Refusal: refusal, Lines: []string{"because"}}
		fails(drain("five"), want.code, want.word)
	}
	o.answer = &wire.Told{Refusal: wire.RefusalUnknown}
	fails(drain("five"), codes.Unknown, "")
	o.err = errors.New("the lane is gone")
	fails(drain("five"), codes.Unknown, "")
	_, err := c.Drain(context.Background(), &torcv1.DrainRequest{Node: "five"})
	require.ErrorContains(t, err, "outcome unknown: the lane is gone")
	_, err = c.Forget(context.Background(), &torcv1.ForgetRequest{Node: "five", Confirm: "beef"})
	require.ErrorContains(t, err, "outcome unknown: the lane is gone")
	// What only asks has no outcome.
	_, err = c.RollCheck(context.Background(), &torcv1.RollCheckRequest{})
	require.ErrorContains(t, err, "no answer: the lane is gone")
	_, err = c.Progress(context.Background(), &torcv1.ProgressRequest{})
	require.ErrorContains(t, err, "no answer: the lane is gone")
	_, err = c.Forget(context.Background(), &torcv1.ForgetRequest{Node: "five"})
	require.ErrorContains(t, err, "no answer: the lane is gone")

	none := clerk{s: &Server{backend: newFake(), opts: Options{}.withDefaults()}}
	_, err = none.Progress(context.Background(), &torcv1.ProgressRequest{})
	require.Equal(t, codes.Unimplemented, status.Code(err))
}
