package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// A request may name a large value so often that no node could carry the answer, or hold it. It is refused, wherever it was asked.
func TestAnswersAreBounded(t *testing.T) {
	const size, most = 32 << 20, wire.AnswerMax / (32 << 20)
	w := five(t, Config{})
	lead := w.leader(1)
	var other *node
	for _, n := range w.nodes {
		if n != lead {
			other = n
		}
	}
	ask := func(n *node, commands ...wire.Command) *wire.Response {
		who := &asker{}
		n.turn(func() {
			n.OnCall(&wire.Call{Request: wire.Request{Shard: 1, Epoch: n.m.Epoch, Commands: commands}, Sink: who})
		})
		require.True(t, w.until(2*time.Second, func() bool { return who.answer != nil }))
		return who.answer
	}
	key := []byte("k")
	written := ask(lead, wire.Command{Op: wire.OpSetRange, Key: key, Start: size - 1, Value: []byte("x")})
	require.EqualValues(t, size, written.Results[0].Int)
	gets := make([]wire.Command, most+1)
	for i := range gets {
		gets[i] = wire.Command{Op: wire.OpGet, Key: key}
	}
	for _, n := range []*node{lead, other} {
		require.Len(t, ask(n, gets[:most]...).Results, most)
		refused := ask(n, gets...)
		require.Equal(t, wire.OutcomeRefused, refused.Outcome)
		require.Equal(t, wire.ReasonTooLarge, refused.Reason)
	}
}
