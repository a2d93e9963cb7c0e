package real

import (
	"fmt"
	"strings"

	"torc/core/wire"
	"torc/sim"
)

// stage is the run as targets see it.
type stage struct{ r *run }

func (s stage) Nodes() int                            { return len(s.r.nodes) }
func (s stage) Leader(shard wire.ShardID) (int, bool) { return s.r.watch.leader(shard) }
func (s stage) Draw(n int) int                        { return s.r.rand.IntN(n) }
func (s stage) Voter(shard wire.ShardID, i int) (int, bool) {
	return s.r.watch.voter(shard, i)
}

// Sender and Receiver are of armed faults, which are not done with real processes.
func (s stage) Sender() (int, bool)   { return 0, false }
func (s stage) Receiver() (int, bool) { return 0, false }

func (s stage) Part(name string) (int, bool) {
	number, known := s.r.parts[name]
	return number, known
}

// find is the node, counted from 0, that a target is now.
func (r *run) find(t sim.Target) int { return t.On(stage{r}) - 1 }

// name is a node with what it leads.
func (r *run) name(n int) string {
	var shards []string
	for shard := 1; shard <= r.settings.Shards; shard++ {
		if number, known := r.watch.leader(wire.ShardID(shard)); known && number == n+1 {
			shards = append(shards, fmt.Sprint(shard))
		}
	}
	switch {
	case len(shards) == 0:
		return r.nodes[n].String()
	case len(shards) > 4:
		return fmt.Sprintf("%v (leads %d shards)", r.nodes[n], len(shards))
	}
	return fmt.Sprintf("%v (leads %s)", r.nodes[n], strings.Join(shards, ","))
}
