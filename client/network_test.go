package client

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A client lives long, and nodes are started anew with other addresses: what has failed is remembered of the seeds alone.
func TestOnlySeedsAreRemembered(t *testing.T) {
	n := newNetwork(Options{Seeds: []string{"a:1", "b:1"}}, nil)
	defer n.close()
	for i := range 1000 {
		n.failed(fmt.Sprintf("10.0.%d.%d:7401", i/250, i%250), errors.New("gone"))
	}
	require.Empty(t, n.seeds)
	n.failed("a:1", errors.New("gone"))
	n.failed("10.0.0.1:7401", status.Error(codes.Unauthenticated, "no"))
	n.failed("b:1", errors.New("gone"))
	select {
	case <-n.denied:
		require.Fail(t, "no seed has said anything of the password")
	default:
	}
	n.failed("b:1", status.Error(codes.Unauthenticated, "no"))
	<-n.denied
	require.ErrorContains(t, n.lastDenial(), "b:1")
}
