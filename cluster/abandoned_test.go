package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// asker takes an answer, for somebody who may have gone.
type asker struct {
	gone   bool
	answer *wire.Response
}

func (a *asker) Deliver(_ uint64, r *wire.Response) { a.answer = r }
func (a *asker) Gone() bool                         { return a.gone }

// What is read for somebody who has gone is not read: a client that asked for much at once is cut off when its first answers fill the
// memory, and the others would be made for nothing.
func TestNothingIsReadForWhoHasGone(t *testing.T) {
	w := five(t, Config{})
	lead := w.leader(1)
	here, gone := &asker{}, &asker{gone: true}
	for _, who := range []*asker{here, gone} {
		lead.turn(func() {
			lead.OnCall(&wire.Call{Request: wire.Request{Shard: 1, Epoch: lead.m.Epoch, Commands: []wire.Command{{Op: wire.OpGet, Key: []byte("k")}}}, Sink: who})
		})
	}
	w.run(time.Second)
	require.Equal(t, wire.OutcomeOK, here.answer.Outcome)
	require.Equal(t, wire.ReasonOverloaded, gone.answer.Reason)
	require.Empty(t, gone.answer.Results)
}
