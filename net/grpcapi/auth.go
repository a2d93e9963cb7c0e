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
	if !s.passwordFits(shown) {
		s.stats.denied.Add(1)
		return definite(codes.Unauthenticated, "UNAUTHENTICATED", "password missing or wrong: send authorization: Bearer <password>")
	}
	return nil
}

// passwordFits says that a password is the node's, or the one that it has just taken the place of.
func (s *Server) passwordFits(shown string) bool {
	got, fits := sha256.Sum256([]byte(shown)), 0
	for _, password := range []string{s.opts.Password, s.opts.OldPassword} {
		want := sha256.Sum256([]byte(password))
		if same := subtle.ConstantTimeCompare(want[:], got[:]); password != "" {
			fits |= same
		}
	}
	return fits == 1
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
