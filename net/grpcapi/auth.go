package grpcapi

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

// allow checks the password in "authorization: Bearer <password>". Digests are compared, so
// that the time taken tells neither the password nor its length.
func (s *Server) allow(ctx context.Context) error {
	if s.opts.Password == "" {
		return nil
	}
	var shown string
	if values := metadata.ValueFromIncomingContext(ctx, "authorization"); len(values) == 1 {
		if scheme, rest, ok := strings.Cut(values[0], " "); ok && strings.EqualFold(scheme, "bearer") {
			shown = rest
		}
	}
	want, got := sha256.Sum256([]byte(s.opts.Password)), sha256.Sum256([]byte(shown))
	if subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		s.stats.denied.Add(1)
		return definite(codes.Unauthenticated, "UNAUTHENTICATED", "password missing or wrong: send authorization: Bearer <password>")
	}
	return nil
}

func (s *Server) askStream(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if err := s.allow(ss.Context()); err != nil {
		return err
	}
	return next(srv, ss)
}

func (s *Server) askUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if err := s.allow(ctx); err != nil {
		return nil, err
	}
	return s.takeCall(ctx, info.FullMethod, req, next)
}
