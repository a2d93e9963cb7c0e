package session

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// listener is a transport that keeps what it is given, and answers it.
type listener struct {
	*wide
	got []wire.Request
}

func (l *listener) Send(id uint64, _ string, req *wire.Request, _ time.Duration) {
	l.got = append(l.got, *req)
	r := &wire.Response{Results: make([]wire.Result, len(req.Commands)), Epoch: l.cmap.Epoch}
	for i := range r.Results {
		r.Results[i].Int = int64(i)
	}
	l.After(time.Millisecond, func() { l.brain.OnResponse(id, r) })
}

// Reads and writes of an operation are otherwise two requests, that others may come between.
func TestAnAtomicOperationIsOneRequest(t *testing.T) {
	for name, c := range map[string]struct {
		commands []wire.Op
		session  bool
	}{
		"reads and writes": {[]wire.Op{wire.OpGuard, wire.OpGet, wire.OpSet, wire.OpGet, wire.OpDelete}, true},
		"a write last":     {[]wire.Op{wire.OpGet, wire.OpSet}, true},
		"reads":            {[]wire.Op{wire.OpGuard, wire.OpGet}, false},
		"one":              {[]wire.Op{wire.OpGet}, false},
	} {
		t.Run(name, func(t *testing.T) {
			l := &listener{wide: newWide(1, 3, 3)}
			l.brain.out = l
			var commands []wire.Command
			for _, op := range c.commands {
				commands = append(commands, wire.Command{Op: op, Key: []byte("k")})
			}
			var items []Item
			l.brain.DoAtomic(commands, time.Second, func(done []Item) { items = done })
			l.run(l.now + time.Second)
			require.Len(t, l.got, 1)
			require.Equal(t, commands, l.got[0].Commands)
			require.Equal(t, c.session, l.got[0].Session.Client != 0, "what writes is done once at most, however often it is sent")
			require.Len(t, items, len(commands))
			for i := range items {
				require.EqualValues(t, i, items[i].Result.Int)
			}
		})
	}
}
