package grpcapi

import (
	"context"
	"slices"
	"time"

	"google.golang.org/grpc/codes"

	"torc/core/wire"
)

// reply is a response with the number of the part that it answers.
type reply struct {
	part int
	resp wire.Response
}

// replies is a sink for a known number of responses; it has room for all of them, so that a
// lane never waits, whoever has stopped listening.
type replies chan reply

// Deliver takes a response. The lane may use its slice of results again.
func (r replies) Deliver(tag uint64, resp *wire.Response) {
	copied := *resp
	copied.Results = slices.Clone(resp.Results)
	r <- reply{int(tag), copied}
}

// ask sends one command and waits for its result.
func (s *Server) ask(ctx context.Context, cmd wire.Command) (*wire.Result, error) {
	m := s.backend.Map()
	if m == nil {
		return nil, failureError(wire.OutcomeRefused, wire.ReasonNotReady)
	}
	resp := s.askAll(ctx, m, []wire.Request{{Shard: shardOf(cmd.Key, m), Commands: []wire.Command{cmd}}})[0]
	switch {
	case resp.Outcome != wire.OutcomeOK:
		return nil, refusedBy(m, &resp)
	case resp.Results[0].Kind == wire.KindError && resp.Results[0].Code != wire.CodeVersion:
		return nil, commandError(resp.Results[0].Code)
	}
	return &resp.Results[0], nil
}

// askAll sends requests, at the same time, and returns a response for each. One that was not
// answered in time has an unknown outcome.
func (s *Server) askAll(ctx context.Context, m *wire.ClusterMap, reqs []wire.Request) []wire.Response {
	timeout := s.opts.Timeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = time.Until(deadline)
	} else {
		// The lane keeps the same time and says more when it runs out; this is for the case that
		// no answer comes at all.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout+time.Second)
		defer cancel()
	}
	s.stats.requests.Add(1)
	defer s.tellLosses(ctx, reqs)
	sink := make(replies, len(reqs))
	responses := make([]wire.Response, len(reqs))
	waiting := 0
	for i := range reqs {
		reqs[i].Epoch = m.Epoch
		responses[i] = wire.Response{Outcome: wire.OutcomeUnknown, Reason: wire.ReasonDeadline}
		if reason, err := s.check(&reqs[i], m); err != nil || reason != wire.ReasonNone {
			responses[i] = wire.Response{Outcome: wire.OutcomeRefused, Reason: reason}
			continue
		}
		waiting++
		s.backend.Submit(&wire.Call{
			Request: reqs[i], TimeoutMillis: max(timeout.Milliseconds(), 1), Tag: uint64(i), Sink: sink,
		})
	}
	for range waiting {
		select {
		case r := <-sink:
			responses[r.part] = sound(r.resp, len(reqs[r.part].Commands))
		case <-ctx.Done():
			return responses
		}
	}
	return responses
}

// sound guards against a response without a result for each command, which would be a bug
// behind Backend: nothing is known then.
func sound(resp wire.Response, commands int) wire.Response {
	if resp.Outcome == wire.OutcomeOK && len(resp.Results) != commands {
		return wire.Response{Outcome: wire.OutcomeUnknown}
	}
	return resp
}

// plan groups commands by shard, keeping their order within one, and remembers which is which.
func plan(m *wire.ClusterMap, cmds []wire.Command) (reqs []wire.Request, where []place) {
	byShard := make(map[wire.ShardID]int)
	where = make([]place, len(cmds))
	for i, cmd := range cmds {
		shard := shardOf(cmd.Key, m)
		part, ok := byShard[shard]
		if !ok {
			part = len(reqs)
			byShard[shard] = part
			reqs = append(reqs, wire.Request{Shard: shard})
		}
		where[i] = place{part, len(reqs[part].Commands)}
		reqs[part].Commands = append(reqs[part].Commands, cmd)
	}
	return reqs, where
}

// place is where a command went: a request and the command's number within it.
type place struct{ part, index int }

// askMany sends many commands and calls each with every command's result, or its failure.
func (s *Server) askMany(ctx context.Context, cmds []wire.Command, each func(i int, resp *wire.Response, r *wire.Result)) error {
	if len(cmds) > s.opts.ManyMax {
		return definite(codes.InvalidArgument, "TOO_LARGE", "not applied: too many keys in one call")
	}
	m := s.backend.Map()
	if m == nil {
		return failureError(wire.OutcomeRefused, wire.ReasonNotReady)
	}
	reqs, where := plan(m, cmds)
	responses := s.askAll(ctx, m, reqs)
	for i, w := range where {
		resp := &responses[w.part]
		if resp.Outcome != wire.OutcomeOK {
			each(i, resp, nil)
			continue
		}
		each(i, resp, &resp.Results[w.index])
	}
	return nil
}
