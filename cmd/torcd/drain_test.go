package main

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	torcv1 "torc/api/v1"
	"torc/cmd/internal/proctest"
)

func office(t *testing.T, n *proctest.Node) torcv1.AdminClient {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+n.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return torcv1.NewAdminClient(conn)
}

// A node of four is drained under a load of writes: it gives away what it holds, stays and forwards, and
// not a write is lost. Three nodes cannot spare another one. With --when-drained exit it ends by itself.
func TestDrain(t *testing.T) {
	c := proctest.Start(t, 4, "--when-drained", "exit", "--shards", "16")
	load := startLoad(t, c)
	victim, ctx := c.Nodes[2], context.Background()
	_, err := office(t, c.Nodes[0]).Drain(ctx, &torcv1.DrainRequest{Node: victim.Peer})
	require.NoError(t, err)
	require.Equal(t, 0, victim.Wait(proctest.FormsWithin), "exit code\n%s", victim.Log())
	require.Contains(t, victim.Log(), "drained: this node holds nothing any more, and ends")

	_, err = office(t, c.Nodes[1]).Drain(ctx, &torcv1.DrainRequest{Node: c.Nodes[3].Peer})
	require.Equal(t, codes.FailedPrecondition, status.Code(err), "%v", err)
	require.ErrorContains(t, err, "2 nodes would be left for 3 replicas of each shard")
	proctest.Until(t, proctest.FormsWithin, "a node may be stopped", func() error {
		check, err := office(t, c.Nodes[3]).RollCheck(ctx, &torcv1.RollCheckRequest{Node: c.Nodes[3].Peer})
		switch {
		case err != nil:
			return err
		case !check.Safe:
			return errors.New(fmt.Sprint(check.Lines))
		}
		return nil
	})
	acked := load.stop()
	require.NotEmpty(t, acked)
	db := redisClient(t, c.Nodes[0])
	for _, w := range acked {
		require.Equal(t, w.value, db.Get(ctx, w.key).Val(), "acknowledged write of %s is lost", w.key)
	}
	victim.Start()
	proctest.Until(t, proctest.FormsWithin, "its next life joins and is given its share", func() error { return victim.Holds(8) })
}
