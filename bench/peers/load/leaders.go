package load

import (
	"fmt"
	"slices"

	"torc/core/wire"
)

// Leaders speaks the Redis protocol to the leaders of a cluster: every caller keeps to one of them and to the keys that it leads, as
// redis-benchmark --cluster does. So a pipeline is one piece, as it is with a single server.
type Leaders struct{ Addrs []string }

// Open asks for the leaders and connects the callers to them in turn.
func (t Leaders) Open(callers int) ([]Caller, error) {
	slots, nodes, err := leaders(t.Addrs[0])
	if err != nil {
		return nil, fmt.Errorf("CLUSTER SHARDS: %w", err)
	}
	return openEach(callers, func(i int) (Caller, error) {
		at := i % len(nodes)
		conn, err := dialRESP(nodes[at], NoWait)
		if err != nil {
			return nil, err
		}
		return &leaderCaller{respCaller: conn, slots: slots, node: uint8(at)}, nil
	})
}

type leaderCaller struct {
	*respCaller
	slots []uint8
	node  uint8
}

// Choose leaves away the keys that others lead.
func (c *leaderCaller) Choose(keys []string) []string {
	return slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return c.slots[wire.Slot([]byte(key))] != c.node })
}
