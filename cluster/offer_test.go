package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// The preferred node of a shard reaches one other node, which reaches all but a fifth, that is
// alone. Whenever that bridge leads it thinks that the preferred node could: it is offered the
// leadership, cannot win, and costs an election each time. So that is not tried again at once.
func TestAnOfferThatIsNotTakenIsNotRepeatedSoon(t *testing.T) {
	addrs := []string{"a", "b", "c", "d", "e"}
	w := newWorld(1)
	for i, addr := range addrs {
		w.start(addr, wire.NodeID(i+1), 7, Config{Join: addrs, Expect: 5, Shards: 1, Replicas: 5})
	}
	require.True(t, w.until(10*time.Second, w.everywhere), "founded")
	w.run(20 * time.Second)
	preferred := int(w.nodes["a"].m.Placement(1).Preferred) - 1
	away, bridge, alone := addrs[preferred], addrs[(preferred+1)%5], addrs[(preferred+2)%5]
	w.drop = func(to string, f *wire.Frame) bool {
		from := addrs[f.From-1]
		return from == alone || to == alone || from == away && to != bridge || to == away && from != bridge
	}
	terms := func() uint64 { return w.nodes[bridge].groups[1].member.Term() }
	w.run(5 * time.Second)
	before := terms()
	w.run(time.Minute)
	require.Less(t, terms()-before, uint64(20), "elections in a minute")
	require.Equal(t, wire.OutcomeOK, w.nodes[bridge].call(wire.Command{Op: wire.OpSet, Key: []byte("k")}).Outcome)

	w.drop = nil
	require.True(t, w.until(time.Minute, w.nodes[away].groups[1].member.Leads), "whole again, the preferred node leads")
}
