package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// A frame that decodes, but says what no node says, breaks nobody.
func TestNonsenseBreaksNobody(t *testing.T) {
	o := newOffice(t, 3, 1)
	o.run(10 * time.Second)
	leader := o.lead(1)
	g := leader.groups[1]
	from := o.nodes["n1"]
	if from == leader {
		from = o.nodes["n2"]
	}
	sender := from.groups[1].replica
	messages := []wire.Message{&wire.MapUpdate{}, &wire.MapUpdate{Initial: true}}
	for kind := range uint8(64) {
		messages = append(messages, &wire.Raft{Shard: 1, RaftMessage: wire.RaftMessage{Type: kind, To: g.replica, From: sender}},
			&wire.Raft{Shard: 1, RaftMessage: wire.RaftMessage{Type: kind, To: g.replica, From: sender, Term: g.member.Term()}})
	}
	for _, m := range messages {
		form := wire.AppendFrame(nil, &wire.Frame{From: from.cfg.Self.ID, FromIncarnation: 1, To: leader.cfg.Self.ID, ToIncarnation: 1, Cluster: leader.m.ClusterID, Messages: []wire.Message{m}})
		f, err := wire.DecodeFrame(form)
		require.NoError(t, err)
		require.NotPanics(t, func() { leader.turn(func() { leader.OnFrame(f) }) }, "%+v", m)
	}
	o.run(10 * time.Second)
	require.NotNil(t, o.lead(1))
	require.Equal(t, wire.OutcomeOK, o.lead(1).call(wire.Command{Op: wire.OpSet, Key: []byte("k")}).Outcome)
}
