package client_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/client"
	"torc/cmd/devcluster"
)

// cluster is a real cluster of three nodes in this process, for the examples and the tests that need one. It is started
// when it is first asked for.
var cluster = sync.OnceValue(func() *devcluster.Cluster {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := devcluster.Start(ctx, 3, "--shards=8")
	if err != nil {
		panic(err)
	}
	started = c
	return c
})

var started *devcluster.Cluster

func TestMain(m *testing.M) {
	code := m.Run()
	if started != nil {
		started.Stop()
	}
	os.Exit(code)
}

// seeds are the addresses of the nodes of a running cluster.
func seeds() []string { return cluster().Seeds() }

// connected is a client of the cluster, for the examples. A program makes one and keeps it.
func connected() *client.Client {
	c, err := client.New(context.Background(), client.Options{Seeds: seeds()})
	if err != nil {
		panic(fmt.Sprintf("no cluster: %v", err))
	}
	return c
}

// alone is a client of a node with settings of its own, for the test.
func alone(t *testing.T, settings ...string) *client.Client {
	t.Helper()
	node, err := devcluster.Start(ctx, 1, append([]string{"--shards=2"}, settings...)...)
	require.NoError(t, err)
	t.Cleanup(node.Stop)
	c, err := client.New(ctx, client.Options{Seeds: node.Seeds()})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}
