package peer

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// Nodes with different election timeouts are safe, and slower than they need be: whoever hears of it says so. They
// go on all the same, for the timeout is changed by restarting one after the other.
func TestAnotherElectionTimeoutIsLogged(t *testing.T) {
	for _, c := range []struct {
		name       string
		own, other time.Duration
		differs    bool
	}{
		{"the same", 500 * time.Millisecond, 500 * time.Millisecond, false},
		{"shorter", 3 * time.Second, 700 * time.Millisecond, true},
		{"an older version", 500 * time.Millisecond, 0, false},
		{"not compared", 0, 500 * time.Millisecond, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			said, frames := make(lines, 100), make(chan struct{}, 100)
			n, err := Listen(Options{Addr: "127.0.0.1:0", Election: c.own, Logger: slog.New(slog.NewTextHandler(said, nil))}, func(*wire.Frame) { frames <- struct{}{} })
			require.NoError(t, err)
			served := make(chan error, 1)
			go func() { served <- n.Serve() }()
			other := listen(t, Options{Election: c.other})
			other.Send(n.Addr().String(), chunk(1, 1))
			select {
			case <-frames:
			case <-time.After(10 * time.Second):
				t.Fatal("the frame did not come")
			}
			select {
			case line := <-said:
				require.True(t, c.differs, line)
				require.Contains(t, line, "level=WARN")
				require.Contains(t, line, "another --election-timeout")
				require.Contains(t, line, "its=700ms own=3s")
			default:
				require.False(t, c.differs, "not a word")
			}
			_ = n.Close(expired())
			require.NoError(t, <-served)
		})
	}
}
