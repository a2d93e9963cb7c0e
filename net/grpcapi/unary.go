package grpcapi

import (
	"context"
	"math"

	"google.golang.org/grpc/codes"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// Get reads one key.
func (s *Server) Get(ctx context.Context, req *torcv1.GetRequest) (*torcv1.GetResponse, error) {
	r, err := s.ask(ctx, wire.Command{Op: wire.OpGet, Key: req.Key})
	if err != nil {
		return nil, err
	}
	return &torcv1.GetResponse{Found: r.Kind == wire.KindBytes, Value: r.Value, Version: r.Version}, nil
}

// Set writes one key.
func (s *Server) Set(ctx context.Context, req *torcv1.SetRequest) (*torcv1.SetResponse, error) {
	cmd, err := setCommand(req)
	if err != nil {
		return nil, err
	}
	r, err := s.ask(ctx, cmd)
	if err != nil {
		return nil, err
	}
	return &torcv1.SetResponse{Applied: r.Kind == wire.KindOK, Version: r.Version}, nil
}

// Delete removes one key.
func (s *Server) Delete(ctx context.Context, req *torcv1.DeleteRequest) (*torcv1.DeleteResponse, error) {
	r, err := s.ask(ctx, wire.Command{Op: wire.OpDelete, Key: req.Key})
	if err != nil {
		return nil, err
	}
	return &torcv1.DeleteResponse{Deleted: r.Int > 0}, nil
}

// Increment adds to the integer that a key holds.
func (s *Server) Increment(ctx context.Context, req *torcv1.IncrementRequest) (*torcv1.IncrementResponse, error) {
	r, err := s.ask(ctx, wire.Command{Op: wire.OpIncr, Key: req.Key, Delta: req.Delta})
	if err != nil {
		return nil, err
	}
	return &torcv1.IncrementResponse{Value: r.Int, Version: r.Version}, nil
}

// GetMany reads many keys, the shards at the same time.
func (s *Server) GetMany(ctx context.Context, req *torcv1.GetManyRequest) (*torcv1.GetManyResponse, error) {
	cmds := make([]wire.Command, len(req.Keys))
	for i, key := range req.Keys {
		cmds[i] = wire.Command{Op: wire.OpGet, Key: key}
	}
	items := make([]*torcv1.GetManyResponse_Item, len(cmds))
	bytes := 0
	err := s.askMany(ctx, cmds, func(i int, resp *wire.Response, r *wire.Result) {
		switch {
		case r == nil:
			items[i] = &torcv1.GetManyResponse_Item{Failure: failureItem(resp.Outcome, resp.Reason)}
		case r.Kind == wire.KindError:
			items[i] = &torcv1.GetManyResponse_Item{Failure: commandItem(r.Code)}
		default:
			items[i] = &torcv1.GetManyResponse_Item{Found: r.Kind == wire.KindBytes, Value: r.Value, Version: r.Version}
			bytes += len(r.Value)
		}
	})
	if err != nil {
		return nil, err
	}
	if bytes > s.opts.ManyBytes {
		return nil, definite(codes.ResourceExhausted, "TOO_LARGE", "the values together are larger than one answer may be: ask for fewer keys")
	}
	return &torcv1.GetManyResponse{Items: items}, nil
}

// SetMany writes many keys, the shards at the same time.
func (s *Server) SetMany(ctx context.Context, req *torcv1.SetManyRequest) (*torcv1.SetManyResponse, error) {
	cmds := make([]wire.Command, len(req.Entries))
	for i, entry := range req.Entries {
		cmd, err := setCommand(entry)
		if err != nil {
			return nil, err // before anything was sent
		}
		cmds[i] = cmd
	}
	items := make([]*torcv1.SetManyResponse_Item, len(cmds))
	err := s.askMany(ctx, cmds, func(i int, resp *wire.Response, r *wire.Result) {
		switch {
		case r == nil:
			items[i] = &torcv1.SetManyResponse_Item{Failure: failureItem(resp.Outcome, resp.Reason)}
		case r.Kind == wire.KindError && r.Code != wire.CodeVersion:
			items[i] = &torcv1.SetManyResponse_Item{Failure: commandItem(r.Code)}
		default:
			items[i] = &torcv1.SetManyResponse_Item{Applied: r.Kind == wire.KindOK, Version: r.Version}
		}
	})
	if err != nil {
		return nil, err
	}
	return &torcv1.SetManyResponse{Items: items}, nil
}

// setCommand puts a SetRequest into Torc's own words.
func setCommand(req *torcv1.SetRequest) (wire.Command, error) {
	cmd := wire.Command{Op: wire.OpSet, Key: req.GetKey(), Value: req.GetValue()}
	switch req.GetCondition() {
	case torcv1.SetRequest_ALWAYS:
	case torcv1.SetRequest_IF_ABSENT:
		cmd.Flags = wire.FlagNX
	case torcv1.SetRequest_IF_PRESENT:
		cmd.Flags = wire.FlagXX
	case torcv1.SetRequest_IF_VERSION:
		cmd.Flags, cmd.Version = wire.FlagVersion, req.Version
	default:
		return cmd, invalid("not applied: unknown condition")
	}
	switch e := req.GetExpiry().(type) {
	case *torcv1.SetRequest_TtlMillis:
		if e.TtlMillis == 0 || e.TtlMillis > math.MaxInt64 {
			return cmd, invalid("not applied: ttl_millis must be between 1 and 2^63-1")
		}
		cmd.TTLKind, cmd.TTL = wire.TTLRelative, int64(e.TtlMillis)
	case *torcv1.SetRequest_ExpireAtUnixMillis:
		if e.ExpireAtUnixMillis <= 0 {
			return cmd, invalid("not applied: expire_at_unix_millis must be positive")
		}
		cmd.TTLKind, cmd.TTL = wire.TTLAbsolute, e.ExpireAtUnixMillis
	case *torcv1.SetRequest_KeepTtl:
		if e.KeepTtl {
			cmd.TTLKind = wire.TTLKeep
		}
	}
	return cmd, nil
}
