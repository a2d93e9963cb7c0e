package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// What waits in a group is bounded, whatever it waits for. The hall's bound does not do: who is told that his time is over counts there no more,
// and lies here until what he waits for comes.
func TestWhatWaitsIsBounded(t *testing.T) {
	const most = 8
	get, set := wire.Command{Op: wire.OpGet, Key: []byte("k")}, wire.Command{Op: wire.OpSet, Key: []byte("k"), Value: []byte("new")}
	for name, c := range map[string]struct {
		command wire.Command
		begin   func(o *office, leader *node)
		waiting func(g *group) int
	}{
		"for others under way": {set, func(o *office, leader *node) { o.isolate(leader) }, func(g *group) int { return len(g.writes) }},
		"for a quorum": {get, func(o *office, leader *node) {
			leader.cfg.Reads = ReadIndex
			o.isolate(leader)
		}, func(g *group) int { return len(g.reads) }},
		"for log time": {get, func(o *office, leader *node) {
			leader.ask(&answers{}, wire.Command{Op: wire.OpSet, Key: []byte("k"), TTLKind: wire.TTLRelative, TTL: 60_000})
			o.run(100 * time.Millisecond)
			o.isolate(leader)
			o.jumped += 61_000
		}, func(g *group) int { return len(g.ticked) }},
		"for a holder": {set, nil, func(g *group) int { return g.standingNow() }},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, 3, 1)
			leader, _ := o.kept()
			if c.begin != nil {
				o.run(10 * time.Second) // and promises are over
				c.begin(o, leader)
			}
			leader.cfg.InboxMax = most
			told := &answers{}
			for range 10 * most { // of writes as many as wait are under way
				leader.ask(told, c.command)
			}
			require.Equal(t, most, c.waiting(leader.groups[1]))
			require.GreaterOrEqual(t, len(told.all), most)
			for i := range told.all {
				require.Equal(t, wire.ReasonOverloaded, told.all[i].Reason)
			}
		})
	}
}

// isolate cuts a node off.
func (o *office) isolate(n *node) {
	o.drop = func(addr string, f *wire.Frame) bool { return f.From == n.cfg.Self.ID || addr == n.cfg.Self.PeerAddr }
}
