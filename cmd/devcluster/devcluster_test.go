package devcluster

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/client"
)

func TestStartServeStop(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := Start(ctx, 3, "--shards=4")
	require.NoError(t, err)
	db, err := client.New(ctx, client.Options{Seeds: c.Seeds()[2:]})
	require.NoError(t, err)
	_, err = db.Set(ctx, "k", []byte("v"))
	require.NoError(t, err)
	require.NoError(t, db.Close())
	c.Stop()
	for _, addr := range append(c.Seeds(), c.RESP()...) {
		l, err := net.Listen("tcp", addr)
		require.NoError(t, err, "the port is given back")
		require.NoError(t, l.Close())
	}
}

func TestAWrongSettingLeavesNothingRunning(t *testing.T) {
	_, err := Start(context.Background(), 3, "--no-such-setting=1")
	require.ErrorContains(t, err, "no-such-setting")
}
