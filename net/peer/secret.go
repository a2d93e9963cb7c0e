package peer

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// secretKey is the metadata key under which a node shows the cluster's secret.
const secretKey = "torc-cluster-secret"

// showSecret puts the secret on an outgoing stream.
func showSecret(ctx context.Context, secret string) context.Context {
	if secret == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, secretKey, secret)
}

// askSecret refuses streams that do not show the secret. The digests are compared, so that
// the time taken tells neither the secret nor its length.
func (n *Network) askSecret(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if n.opts.Secret == "" {
		n.hearElection(ss.Context())
		return next(srv, ss)
	}
	var shown string
	if values := metadata.ValueFromIncomingContext(ss.Context(), secretKey); len(values) == 1 {
		shown = values[0]
	}
	want, got := sha256.Sum256([]byte(n.opts.Secret)), sha256.Sum256([]byte(shown))
	if subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		n.stats.refused.Add(1)
		err := status.Error(codes.Unauthenticated, "the cluster's secret is missing or wrong (--cluster-secret)")
		if from, ok := peer.FromContext(ss.Context()); ok {
			n.turnedAway(from.Addr, err)
		}
		return err
	}
	n.hearElection(ss.Context())
	return next(srv, ss)
}
