package client

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// A call that is cancelled leaves nothing behind that would be sent later: a write that waited for its turn was surely not applied, and the error
// says so. Otherwise it could overwrite what its caller wrote next.
func TestACancelledWriteThatWaitsIsNotSent(t *testing.T) {
	f := newFake(t, 1)
	c := f.client()
	held := make(chan func(), 1)
	f.locked(func() {
		f.respond = func(_ *fakeNode, _ uint64, req *wire.Request, send func(*wire.Response)) bool {
			f.respond = nil
			held <- func() { f.locked(func() { send(f.apply(req)) }) }
			return true
		}
	})
	opener := make(chan error)
	go func() {
		_, err := c.Set(ctx, "k", []byte("first"))
		opener <- err
	}()
	answer := <-held // until it is answered the shard's other writes wait
	during, cancel := context.WithCancel(ctx)
	ended := make(chan error)
	go func() {
		_, err := c.Set(during, "k", []byte("second"))
		ended <- err
	}()
	require.Eventually(t, func() bool {
		s, err := c.Stats(ctx)
		return err == nil && s.InFlight == 2
	}, 10*time.Second, time.Millisecond)
	cancel()
	err := <-ended
	require.ErrorIs(t, err, ErrRefused)
	require.NotErrorIs(t, err, ErrUnknown)
	require.NotErrorIs(t, err, ErrUnavailable, "nobody knows that")
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, context.DeadlineExceeded)
	s, err := c.Stats(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, s.InFlight, "it takes nobody's place any more")

	answer()
	require.NoError(t, <-opener)
	_, err = c.Append(ctx, "k", []byte(", third"))
	require.NoError(t, err)
	v, err := c.Get(ctx, "k")
	require.NoError(t, err)
	require.Equal(t, "first, third", string(v.Bytes))
}

// Of a call on many keys that is cancelled each one is told what is known of it.
func TestACancelledCallOnManyKeysTellsWhatIsKnown(t *testing.T) {
	f := newFake(t, 1)
	c := f.client()
	during, cancel := context.WithCancel(ctx)
	answered, silent := "", ""
	for i := 0; answered == "" || silent == ""; i++ {
		if key := strconv.Itoa(i); wire.ShardOf(wire.Slot([]byte(key)), 4) == 1 {
			silent = key
		} else {
			answered = key
		}
	}
	var kept bool // the silent one has come, and is kept
	f.locked(func() {
		f.respond = func(_ *fakeNode, _ uint64, req *wire.Request, _ func(*wire.Response)) bool {
			kept = kept || req.Shard == 1
			return req.Shard == 1
		}
	})
	told := make(chan []SetResult, 1)
	go func() {
		told <- c.SetMany(during, Entry{Key: silent, Value: []byte("1")}, Entry{Key: answered, Value: []byte("2")})
	}()
	require.Eventually(t, func() bool { // the other one's answer has been taken
		both := false
		f.locked(func() { both = kept })
		s, err := c.Stats(ctx)
		return err == nil && both && f.has(answered) != "" && s.InFlight == 1
	}, 10*time.Second, time.Millisecond)
	cancel()
	results := <-told
	require.ErrorIs(t, results[0].Err, ErrUnknown)
	require.ErrorIs(t, results[0].Err, context.Canceled)
	require.EqualError(t, results[0].Err, fmt.Sprintf(`torc: set %q: outcome unknown: context canceled`, silent))
	require.NoError(t, results[1].Err)
}
