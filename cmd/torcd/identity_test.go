package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/client"
	"torc/cmd/internal/proctest"
)

// A client's map names an address that belongs to another cluster's node now. What it writes is in its own cluster all the same, or it is told that it is not.
func TestAClientKeepsToItsCluster(t *testing.T) {
	c := proctest.Start(t, 3, "--shards", "8")
	db := goClient(t, c)
	ctx := context.Background()
	moved := c.Nodes[2]
	moved.Kill()
	moved.With("--join", moved.Peer, "--expect", "1", "--name", "elsewhere")
	moved.Start()
	moved.WaitReady(proctest.FormsWithin)
	proctest.Until(t, proctest.FormsWithin, "every shard is led by one of the others", func() error {
		if led := len(c.Leads(c.Nodes[0])) + len(c.Leads(c.Nodes[1])); led != 8 {
			return fmt.Errorf("%d of 8 are", led)
		}
		return nil
	})
	of := func(seed string) *client.Client {
		one, err := client.New(ctx, client.Options{Seeds: []string{seed}, Timeout: 10 * time.Second})
		require.NoError(t, err)
		t.Cleanup(func() { _ = one.Close() })
		return one
	}
	ours, theirs := of(c.Nodes[0].GRPC), of(moved.GRPC)
	require.NotEqual(t, ours.Topology().ClusterID, theirs.Topology().ClusterID)
	for i := range 64 {
		key := fmt.Sprintf("k%d", i)
		_, err := db.Set(ctx, key, []byte("v"))
		require.NoError(t, err)
		got, err := ours.Get(ctx, key)
		require.NoError(t, err, "%s was acknowledged", key)
		require.Equal(t, "v", string(got.Bytes))
		_, err = theirs.Get(ctx, key)
		require.ErrorIs(t, err, client.ErrNotFound, "%s is in the other cluster", key)
	}
	require.Equal(t, ours.Topology().ClusterID, db.Topology().ClusterID)
}

// When all nodes have been started anew they are another cluster, and the client's own from then on.
func TestAClientFollowsAClusterBegunAnew(t *testing.T) {
	c := proctest.Start(t, 3, "--shards", "8")
	db := goClient(t, c)
	ctx := context.Background()
	_, err := db.Set(ctx, "k", []byte("v"))
	require.NoError(t, err)
	before := db.Topology().ClusterID
	for _, n := range c.Nodes {
		n.Kill()
	}
	for _, n := range c.Nodes {
		n.Start()
	}
	c.WaitWhole(proctest.FormsWithin)
	_, err = db.Set(ctx, "k", []byte("w"))
	require.NoError(t, err)
	require.NotEqual(t, before, db.Topology().ClusterID)
}
