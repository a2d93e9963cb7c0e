package client_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/client"
)

// lockedText is a log.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// A load in the background that fails is told to whom the options name, or else to the log, without the key. That there is no such value
// any more is no failure.
func TestGetOrLoadTellsOfTheBackground(t *testing.T) {
	log := &lockedText{}
	c, err := client.New(ctx, client.Options{Seeds: seeds(), Timeout: 20 * time.Second, Logger: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	_, err = c.GetOrLoad(ctx, "her-key", 100*time.Millisecond, func(context.Context) ([]byte, error) { return []byte("old"), nil }, client.Stale(time.Minute))
	require.NoError(t, err)

	broken := errors.New("the database is down")
	told := make(chan error, 1000)
	get := func(loaded error, options ...client.LoadOption) error {
		_, err := c.GetOrLoad(ctx, "her-key", 100*time.Millisecond, func(context.Context) ([]byte, error) { return nil, loaded },
			append(options, client.Stale(time.Minute))...)
		return err
	}
	background := client.Background(func(err error) { told <- err })
	require.Eventually(t, func() bool {
		require.NoError(t, get(broken, background), "the old value is served")
		return len(told) > 0
	}, 10*time.Second, 5*time.Millisecond)
	require.Equal(t, broken, <-told)
	require.NotContains(t, log.String(), "background")

	require.Eventually(t, func() bool {
		require.NoError(t, get(broken))
		return strings.Contains(log.String(), "a value was not loaded anew in the background")
	}, 10*time.Second, 5*time.Millisecond)
	require.Contains(t, log.String(), "the database is down")
	require.NotContains(t, log.String(), "her-key")

	for len(told) > 0 {
		<-told
	}
	require.Eventually(t, func() bool {
		return errors.Is(get(client.ErrNotFound, background, client.Absent(time.Minute)), client.ErrNotFound)
	}, 10*time.Second, 5*time.Millisecond)
	require.Empty(t, told)
}

// Whoever is told of a load in the background, and the loader itself, may close the client.
func TestTheBackgroundMayCloseTheClient(t *testing.T) {
	for _, who := range []string{"told", "loader"} {
		t.Run(who, func(t *testing.T) {
			log := &lockedText{}
			c, err := client.New(ctx, client.Options{Seeds: seeds(), Timeout: 3 * time.Second, Logger: slog.New(slog.NewTextHandler(log, nil))})
			require.NoError(t, err)
			key := "closed-by-" + who
			_, err = c.GetOrLoad(ctx, key, 100*time.Millisecond, func(context.Context) ([]byte, error) { return []byte("old"), nil }, client.Stale(time.Minute))
			require.NoError(t, err)
			closed := make(chan struct{})
			closes := sync.OnceFunc(func() { _ = c.Close(); close(closed) })
			require.Eventually(t, func() bool {
				_, err := c.GetOrLoad(ctx, key, 100*time.Millisecond, func(context.Context) ([]byte, error) {
					if who == "loader" {
						closes()
					}
					return nil, errors.New("the database is down")
				}, client.Stale(time.Minute), client.Background(func(error) { closes() }))
				return errors.Is(err, client.ErrClosed)
			}, 20*time.Second, 5*time.Millisecond)
			select {
			case <-closed:
			case <-time.After(20 * time.Second):
				require.Fail(t, "Close waits for who has called it")
			}
			require.Equal(t, who == "loader", strings.Contains(log.String(), "has called Close itself"), log.String())
		})
	}
}
