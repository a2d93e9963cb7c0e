package real

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"torc/client"
	"torc/linearizability"
)

// answer is an error that a server sent.
type answer string

func (a answer) Error() string { return string(a) }
func (answer) RedisError()     {}

// An operation counts as refused only when a node said so, or when nothing was sent.
func TestOutcomes(t *testing.T) {
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	for _, c := range []struct {
		err    error
		want   linearizability.Outcome
		reason string
	}{
		{answer("CLUSTERDOWN The shard has no quorum on this side: not applied, retry later"), linearizability.Failed, "CLUSTERDOWN The shard has no quorum on this side"},
		{answer("ERR value is not an integer or out of range"), linearizability.Failed, "ERR value is not an integer or out of range"},
		{answer("UNKNOWN outcome: the write may or may not have been applied (deadline exceeded)"), linearizability.Unknown, "UNKNOWN outcome"},
		{answer("TIMEOUT the read was not answered (deadline exceeded): it had no effect, retry"), linearizability.Unknown, "TIMEOUT the read was not answered (deadline exceeded)"},
		{fmt.Errorf("redis: %w", dial), linearizability.Failed, "connection refused"},
		{&net.OpError{Op: "read", Net: "tcp", Err: errors.New("i/o timeout")}, linearizability.Unknown, "i/o timeout"},
		{io.EOF, linearizability.Unknown, "EOF"},
		{redis.ErrClosed, linearizability.Unknown, "client is closed"},
	} {
		require.Equal(t, c.want, outcomeOfRedis(c.err), "%v", c.err)
		require.Equal(t, c.reason, reasonOf(c.err))
	}
	require.Equal(t, linearizability.OK, outcomeOfRedis(redis.Nil))
	for err, want := range map[error]linearizability.Outcome{
		nil: linearizability.OK, client.ErrNotFound: linearizability.OK, client.ErrConflict: linearizability.OK,
		client.ErrRefused: linearizability.Failed, client.ErrUnknown: linearizability.Unknown, io.EOF: linearizability.Unknown,
	} {
		require.Equal(t, want, outcomeOf(err), "%v", err)
	}
}

// Plans happen in the order of their times, those of the same time in the order in which they came;
// what a plan adds takes its turn; nothing happens after the end.
func TestAgenda(t *testing.T) {
	now := time.Duration(0)
	a := newAgenda(func() time.Duration { return now })
	var done []string
	note := func(name string) func() error {
		return func() error { done = append(done, name); return nil }
	}
	a.add(2, note("second"))
	a.add(1, note("first"))
	a.add(2, func() error { a.add(2, note("fourth")); return note("third")() })
	a.add(9, note("never"))
	now = 5
	require.NoError(t, a.until(context.Background(), 5))
	require.Equal(t, []string{"first", "second", "third", "fourth"}, done)
	wrong := errors.New("wrong")
	a.add(5, func() error { return wrong })
	require.ErrorIs(t, a.until(context.Background(), 5), wrong)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, a.until(ended, 100), context.Canceled)
}
