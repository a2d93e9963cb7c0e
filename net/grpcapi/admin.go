package grpcapi

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// Administrator is what a Backend may be beside, to serve operators (api/v1/admin.proto).
type Administrator interface {
	// Admin passes a request on to whoever can deal with it, and waits for the answer. An error
	// says that there is none: nobody knows what became of it.
	Admin(ctx context.Context, ask *wire.Ask) (*wire.Told, error)
}

// clerk serves torc.v1.Admin. To add a method: its message and method in admin.proto, an AdminOp
// in core/wire, and here a line that makes the one from the other.
type clerk struct {
	torcv1.UnimplementedAdminServer
	s *Server
}

// Drain lets a node give away what it holds.
func (c clerk) Drain(ctx context.Context, r *torcv1.DrainRequest) (*torcv1.AdminResponse, error) {
	return c.change(ctx, r.Node, wire.Ask{Op: wire.AdminDrain, Force: r.Force})
}

// Undrain takes that back.
func (c clerk) Undrain(ctx context.Context, r *torcv1.UndrainRequest) (*torcv1.AdminResponse, error) {
	return c.change(ctx, r.Node, wire.Ask{Op: wire.AdminUndrain})
}

// SetWeight sets how much a node holds beside others.
func (c clerk) SetWeight(ctx context.Context, r *torcv1.SetWeightRequest) (*torcv1.AdminResponse, error) {
	return c.change(ctx, r.Node, wire.Ask{Op: wire.AdminSetWeight, Weight: r.Weight})
}

// RollCheck tells whether a node may be stopped now.
func (c clerk) RollCheck(ctx context.Context, r *torcv1.RollCheckRequest) (*torcv1.RollCheckResponse, error) {
	ask := wire.Ask{Op: wire.AdminRollCheck}
	if r.Node != "" {
		id, err := c.find(r.Node)
		if err != nil {
			return nil, err
		}
		ask.Node = id
	}
	t, err := c.ask(ctx, &ask)
	switch {
	case err != nil:
		return nil, err
	case t.Refusal == wire.RefusalUnsafe:
		return &torcv1.RollCheckResponse{Lines: t.Lines}, nil
	case t.Refusal != wire.RefusalNone:
		return nil, refusalError(t)
	}
	return &torcv1.RollCheckResponse{Safe: true, Lines: t.Lines}, nil
}

// Forget takes the operator's word that a node's life never comes back.
func (c clerk) Forget(ctx context.Context, r *torcv1.ForgetRequest) (*torcv1.ForgetResponse, error) {
	id, err := c.find(r.Node)
	if err != nil {
		return nil, err
	}
	done, t, err := c.confirmed(ctx, wire.Ask{Op: wire.AdminForget, Node: id}, r.Confirm)
	if err != nil {
		return nil, err
	}
	return &torcv1.ForgetResponse{Done: done, Confirm: codeText(t), Lines: t.Lines}, nil
}

// RecoverMeta begins the meta group anew on this node.
func (c clerk) RecoverMeta(ctx context.Context, r *torcv1.RecoverMetaRequest) (*torcv1.RecoverMetaResponse, error) {
	done, t, err := c.confirmed(ctx, wire.Ask{Op: wire.AdminRecoverMeta}, r.Confirm)
	if err != nil {
		return nil, err
	}
	return &torcv1.RecoverMetaResponse{Done: done, Confirm: codeText(t), Lines: t.Lines}, nil
}

// confirmed asks for what needs a code. That it is missing is an answer, not a failure.
func (c clerk) confirmed(ctx context.Context, ask wire.Ask, code string) (done bool, t *wire.Told, err error) {
	if code != "" {
		if ask.Confirm, err = strconv.ParseUint(code, 16, 64); err != nil || ask.Confirm == 0 {
			return false, nil, definite(codes.InvalidArgument, "VALUE", fmt.Sprintf("%q is no code: ask without one, and use what you are shown", code))
		}
	}
	t, err = c.ask(ctx, &ask)
	if err == nil && t.Refusal != wire.RefusalNone && t.Refusal != wire.RefusalUnconfirmed {
		err = refusalError(t)
	}
	return err == nil && t.Refusal == wire.RefusalNone, t, err
}

func codeText(t *wire.Told) string {
	if t.Confirm == 0 {
		return ""
	}
	return fmt.Sprintf("%08x", t.Confirm)
}

// Progress tells how far the moves of replicas are.
func (c clerk) Progress(ctx context.Context, _ *torcv1.ProgressRequest) (*torcv1.ProgressResponse, error) {
	t, err := c.ask(ctx, &wire.Ask{Op: wire.AdminProgress})
	switch {
	case err != nil:
		return nil, err
	case t.Refusal != wire.RefusalNone:
		return nil, refusalError(t)
	}
	p := &t.Progress
	return &torcv1.ProgressResponse{Draining: p.Draining, Open: p.Open, Replicas: p.Replicas, Bytes: p.Bytes, Sent: p.Sent, Shards: p.Shards, NoAnswers: p.NoAnswers}, nil
}

// change asks for a change of one node.
func (c clerk) change(ctx context.Context, name string, ask wire.Ask) (*torcv1.AdminResponse, error) {
	id, err := c.find(name)
	if err != nil {
		return nil, err
	}
	ask.Node = id
	t, err := c.ask(ctx, &ask)
	switch {
	case err != nil:
		return nil, err
	case t.Refusal != wire.RefusalNone:
		return nil, refusalError(t)
	}
	return &torcv1.AdminResponse{Lines: t.Lines}, nil
}

// find finds the node that a request names: by its name, one of its addresses, or its ID.
func (c clerk) find(name string) (wire.NodeID, error) {
	m := c.s.backend.Map()
	if m == nil {
		return 0, failureError(wire.OutcomeRefused, wire.ReasonNotReady)
	}
	var names []string
	for i := range m.Members {
		who := &m.Members[i]
		if name != "" && slices.Contains([]string{who.Name, who.GRPCAddr, who.RESPAddr, who.PeerAddr, fmt.Sprintf("%016x", uint64(who.ID))}, name) {
			return who.ID, nil
		}
		names = append(names, who.Name)
	}
	return 0, definite(codes.NotFound, "NO_NODE", fmt.Sprintf("the cluster has no node %q; it has %s", name, strings.Join(names, ", ")))
}

func (c clerk) ask(ctx context.Context, ask *wire.Ask) (*wire.Told, error) {
	a, ok := c.s.backend.(Administrator)
	if !ok {
		return nil, status.Error(codes.Unimplemented, "this node takes no operators' requests")
	}
	timeout := c.s.opts.Timeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = time.Until(deadline) - answerMargin
	}
	ask.TimeoutMillis = max(timeout.Milliseconds(), 1)
	t, err := a.Admin(ctx, ask)
	if err != nil && ask.Changes() {
		return nil, status.Error(codes.Unknown, "outcome unknown: "+err.Error())
	}
	if err != nil {
		return nil, status.Error(codes.Unknown, "no answer: "+err.Error())
	}
	return t, nil
}

// answerMargin is how much earlier than the caller's deadline the cluster should answer, so that the
// answer says why there is none.
const answerMargin = 200 * time.Millisecond

// refusals are the reasons as programs read them.
var refusals = map[wire.Refusal]struct {
	code codes.Code
	word string
}{
	wire.RefusalNoQuorum: {codes.Unavailable, "NO_QUORUM"},
	wire.RefusalNoNode:   {codes.NotFound, "NO_NODE"},
	wire.RefusalTooFew:   {codes.FailedPrecondition, "TOO_FEW_NODES"},
	wire.RefusalAlready:  {codes.AlreadyExists, "ALREADY"},
	wire.RefusalState:    {codes.FailedPrecondition, "STATE"},
	wire.RefusalValue:    {codes.InvalidArgument, "VALUE"},
	wire.RefusalUnsafe:   {codes.FailedPrecondition, "UNSAFE"},
	wire.RefusalLives:    {codes.FailedPrecondition, "LIVES"},
}

func refusalError(t *wire.Told) error {
	text := strings.Join(t.Lines, "; ")
	if r, ok := refusals[t.Refusal]; ok {
		return definite(r.code, r.word, text)
	}
	return status.Error(codes.Unknown, text)
}
