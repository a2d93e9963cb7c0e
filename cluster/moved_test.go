package cluster

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// A read waits at a follower for a quorum's word when that one's replica is moved elsewhere: it goes to where the shard is now, and does not
// wait until its time is over.
func TestAReadIsNotForgottenWithItsReplica(t *testing.T) {
	w := five(t, Config{Reads: ReadIndex})
	lead := w.leader(1)
	_, addrs := w.others(lead)
	follower := w.nodes[addrs[0]]
	const question = 15 // raftpb.MsgReadIndex
	w.drop = func(_ string, f *wire.Frame) bool {
		return slices.ContainsFunc(f.Messages, func(m wire.Message) bool {
			r, is := m.(*wire.Raft)
			return is && r.Shard == 1 && r.Type == question
		})
	}
	told := &answers{}
	follower.ask(told, wire.Command{Op: wire.OpGet, Key: []byte("k")})
	w.run(50 * time.Millisecond)
	require.Empty(t, told.all)
	follower.turn(func() {
		m := follower.m.Clone()
		m.Epoch++
		p := m.Placement(1)
		p.Replicas = slices.DeleteFunc(p.Replicas, func(r wire.Replica) bool { return r.Node == follower.cfg.Self.ID })
		follower.OnMap(m)
	})
	w.run(time.Second)
	require.Len(t, told.all, 1)
	require.Equal(t, wire.OutcomeOK, told.all[0].Outcome)
}
