package session

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// quiet is a cluster that takes nothing, until another one has its addresses.
type quiet struct {
	*listener
	over bool
}

func (q *quiet) Send(id uint64, addr string, req *wire.Request, limit time.Duration) {
	if q.over && req.Cluster == q.cmap.ClusterID {
		q.listener.Send(id, addr, req, limit)
		return
	}
	q.After(time.Millisecond, func() { q.brain.OnFailure(id, false) })
}

// Another cluster gives the same versions out for other things: who has seen one in the former must not take that one's for it.
func TestAVersionIsOfItsCluster(t *testing.T) {
	conflict := func(code wire.ErrorCode) wire.Result { return wire.Result{Kind: wire.KindError, Code: code} }
	for name, c := range map[string]struct {
		commands []wire.Command
		want     wire.Result // of each; none: it is sent to the other cluster
	}{
		"a guarded transaction":  {[]wire.Command{{Op: wire.OpGuard, Version: 5}, {Op: wire.OpSet}}, conflict(wire.CodeGuard)},
		"of reads":               {[]wire.Command{{Op: wire.OpGet}, {Op: wire.OpGuard, Version: 5}}, conflict(wire.CodeGuard)},
		"guarded by an absence":  {[]wire.Command{{Op: wire.OpGuard}, {Op: wire.OpSet}}, wire.Result{}},
		"a compare and swap":     {[]wire.Command{{Op: wire.OpSet, Flags: wire.FlagVersion, Version: 5}}, conflict(wire.CodeVersion)},
		"a set if it is absent":  {[]wire.Command{{Op: wire.OpSet, Flags: wire.FlagVersion}}, wire.Result{}},
		"one without conditions": {[]wire.Command{{Op: wire.OpSet}}, wire.Result{}},
	} {
		t.Run(name, func(t *testing.T) {
			q := &quiet{listener: &listener{wide: newWide(1, 3, 3)}}
			q.brain.out = q
			for i := range c.commands {
				c.commands[i].Key = []byte("k")
			}
			var items []Item
			q.brain.DoAtomic(c.commands, time.Minute, func(done []Item) { items = done })
			q.run(q.now + 5*time.Second)
			require.Nil(t, items)
			q.cmap, q.over = threeNodes(1, 1, 2), true
			q.run(q.now + 20*time.Second)
			require.Len(t, items, len(c.commands))
			for _, item := range items {
				require.Equal(t, wire.OutcomeOK, item.Outcome)
				if c.want.Kind != 0 {
					require.Equal(t, c.want, item.Result)
				}
			}
			require.Equal(t, c.want.Kind == 0, len(q.got) > 0, "what is sent")
		})
	}
}
