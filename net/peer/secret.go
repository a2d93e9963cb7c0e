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

// secretKey is the metadata key under which a node shows the cluster's secrets: one, or two while one takes the other's place.
const secretKey = "torc-cluster-secret"

// A node that has two shows both, and takes either. So it is welcome to a node that has one of them alone, and
// takes what that one shows: in a round of restarts from the old one to both, and in one from both to the new one, all
// nodes understand each other, whoever was restarted already.

// secrets are those that the node has.
func (o *Options) secrets() (all []string) {
	for _, secret := range []string{o.Secret, o.OldSecret} {
		if secret != "" {
			all = append(all, secret)
		}
	}
	return all
}

// showSecrets puts the secrets on an outgoing stream.
func showSecrets(ctx context.Context, secrets []string) context.Context {
	for _, secret := range secrets {
		ctx = metadata.AppendToOutgoingContext(ctx, secretKey, secret)
	}
	return ctx
}

// shownMost is how many secrets a caller can have.
const shownMost = 2

// knowsSecret says that a caller has shown a secret that this node has. Digests are compared, all of them in any case,
// so that the time taken tells neither a secret nor its length.
func (n *Network) knowsSecret(ctx context.Context) bool {
	shown := metadata.ValueFromIncomingContext(ctx, secretKey)
	if len(shown) > shownMost {
		return false
	}
	fits := 0
	for _, secret := range n.opts.secrets() {
		want := sha256.Sum256([]byte(secret))
		for _, text := range shown {
			got := sha256.Sum256([]byte(text))
			fits |= subtle.ConstantTimeCompare(want[:], got[:])
		}
	}
	return fits == 1
}

// askSecret refuses streams that do not show a secret of this node's.
func (n *Network) askSecret(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if len(n.opts.secrets()) > 0 && !n.knowsSecret(ss.Context()) {
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
