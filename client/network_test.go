package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

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

// Where nobody listens nobody need be waited for, unless the caller knows better.
func TestNobodyListens(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := free.Addr().String()
	require.NoError(t, free.Close())

	began := time.Now()
	_, err = New(context.Background(), Options{Seeds: []string{addr, "no-such-host.invalid:7401", ""}, Timeout: time.Minute})
	require.ErrorIs(t, err, ErrUnavailable)
	require.ErrorContains(t, err, "nobody listens at any of")
	require.ErrorContains(t, err, addr)
	require.Less(t, time.Since(began), 30*time.Second, "it has waited for nothing")

	_, err = New(context.Background(), Options{Seeds: []string{addr}, Timeout: 300 * time.Millisecond, AwaitNodes: true})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotErrorIs(t, err, ErrUnavailable)
	require.ErrorContains(t, err, "connection refused")
}

// One that is silent may answer yet, whatever becomes of the others.
func TestASilentSeedIsWaitedFor(t *testing.T) {
	n := newNetwork(Options{Seeds: []string{"a:1", "b:1"}}, nil)
	defer n.close()
	refused := errors.New("dial tcp: connect: connection refused")
	n.failed("a:1", refused)
	n.failed("b:1", errors.New("reset"))
	select {
	case <-n.deserted:
		require.Fail(t, "b is there")
	default:
	}
	n.failed("a:1", errors.New("reset")) // and refuses no more
	n.failed("b:1", refused)
	select {
	case <-n.deserted:
		require.Fail(t, "a is there")
	default:
	}
	n.failed("a:1", refused)
	<-n.deserted
	n.failed("a:1", refused)
}
