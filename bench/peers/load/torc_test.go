package load

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/cmd/devcluster"
)

// TestAgainstTorc drives three real nodes by each of the ways that Torc is spoken to.
func TestAgainstTorc(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cluster, err := devcluster.Start(ctx, 3, "--shards=8")
	require.NoError(t, err)
	defer cluster.Stop()
	space := NewKeyspace(200, 100)
	for name, target := range map[string]Target{
		"leaders": Cluster{Addrs: cluster.RESP()}, "any node": RESP{Addrs: cluster.RESP()}, "grpc": Torc{Addrs: cluster.Seeds()},
	} {
		t.Run(name, func(t *testing.T) {
			callers, err := target.Open(4)
			require.NoError(t, err)
			defer closeAll(callers)
			require.NoError(t, Fill(callers, space, 16))
			for _, pipeline := range []int{1, 16} {
				r := Closed{Mix: Mix{Space: space, Reads: 0.5}, Pipeline: pipeline, Measure: 200 * time.Millisecond}.Run(callers)
				require.Zero(t, r.Errors, r.Error)
				require.Positive(t, r.PerSecond)
			}
			miss := []Op{{Read: true, Key: "absent", Value: []byte("x")}, {Read: true, Key: space.Keys[0], Value: []byte("x")}, {Read: true, Key: space.Keys[1], Value: space.Value}}
			judge1(t, closeless{callers[0]}, miss, []error{ErrMiss, ErrLength, nil})
			judge1(t, closeless{callers[1]}, miss[:1], []error{ErrMiss})
		})
	}
}

// closeless is a caller that somebody else closes.
type closeless struct{ Caller }

func (closeless) Close() {}
