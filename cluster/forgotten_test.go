package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// count has a client add one to a counter, and waits for nothing.
func (n *node) count() *answers {
	told := &answers{}
	n.ask(told, wire.Command{Op: wire.OpIncr, Key: []byte("n"), Delta: 1})
	return told
}

// silenced loses what a node answers to forwarded calls.
func (o *office) silenced(n *node) {
	o.drop = func(_ string, f *wire.Frame) bool {
		_, reply := f.Messages[0].(*wire.Reply)
		return f.From == n.cfg.Self.ID && reply
	}
}

// forgetSessions lets the wall clocks jump by more than sessions are remembered for.
func (o *office) forgetSessions() {
	o.jumped += (o.node(1).cfg.SessionTTL + time.Minute).Milliseconds()
}

// A forwarded write is applied, its answer is lost, and the shard forgets the lane's session. Another write of the lane begins
// it again; it is no proof that the first one was not applied.
func TestASessionThatWasForgottenStaysForgotten(t *testing.T) {
	o := newOffice(t, 3, 1)
	o.run(10 * time.Second)
	leader := o.lead(1)
	other := o.nodes["n1"]
	if other == leader {
		other = o.nodes["n2"]
	}
	require.Equal(t, wire.OutcomeOK, other.call(wire.Command{Op: wire.OpSet, Key: []byte("n"), Value: []byte("0")}).Outcome)
	o.silenced(leader)
	first := other.count()
	o.run(100 * time.Millisecond)
	o.drop = nil
	o.forgetSessions()
	second := other.count()
	require.True(t, o.until(20*time.Second, func() bool { return len(first.all)+len(second.all) == 2 }))
	require.Equal(t, wire.OutcomeUnknown, first.all[0].Outcome, "nobody can tell any more")
	require.Equal(t, wire.OutcomeOK, second.all[0].Outcome)
	got := leader.call(wire.Command{Op: wire.OpGet, Key: []byte("n")})
	require.Equal(t, "2", string(got.Results[0].Value), "each was applied once")
}

// A forwarded write is applied, and its answer is lost with the leader. The next leader is the node that had sent it, in whose
// clock the session is long over.
func TestAWriteThatComesBackIsARetry(t *testing.T) {
	o := newOffice(t, 3, 1)
	o.run(10 * time.Second)
	leader := o.lead(1)
	o.silenced(leader)
	var told []*answers
	for _, name := range o.names {
		if n := o.nodes[name]; n != leader {
			told = append(told, n.count())
		}
	}
	o.run(100 * time.Millisecond)
	leader.over = true
	o.forgetSessions()
	require.True(t, o.until(20*time.Second, func() bool { return o.lead(1) != nil && len(told[0].all)+len(told[1].all) == 2 }))
	got := o.lead(1).call(wire.Command{Op: wire.OpGet, Key: []byte("n")})
	require.Equal(t, "2", string(got.Results[0].Value), "each was applied once")
}
