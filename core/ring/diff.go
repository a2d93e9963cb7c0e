package ring

import (
	"fmt"
	"slices"

	"torc/core/wire"
)

// Move is one replica's change of place. From is zero when the shard only gains a replica,
// To when it only loses one.
type Move struct {
	Shard    wire.ShardID
	From, To wire.NodeID
}

func (m Move) String() string {
	switch {
	case m.From == 0:
		return fmt.Sprintf("shard %d: + %v", m.Shard, m.To)
	case m.To == 0:
		return fmt.Sprintf("shard %d: - %v", m.Shard, m.From)
	}
	return fmt.Sprintf("shard %d: %v -> %v", m.Shard, m.From, m.To)
}

// Diff lists the moves that lead from where shards are to where they should be, in the order
// of the targets. A change of leader alone is no move.
func Diff(from []wire.Placement, to []Target) []Move {
	var moves []Move
	for _, target := range to {
		i := slices.IndexFunc(from, func(p wire.Placement) bool { return p.Shard == target.Shard })
		var lost []wire.NodeID
		if i >= 0 {
			lost = nodesOf(&from[i])
		}
		var gained []wire.NodeID
		for _, node := range target.Nodes {
			if j := slices.Index(lost, node); j >= 0 {
				lost = slices.Delete(lost, j, j+1)
			} else {
				gained = append(gained, node)
			}
		}
		for j := range max(len(lost), len(gained)) {
			move := Move{Shard: target.Shard}
			if j < len(lost) {
				move.From = lost[j]
			}
			if j < len(gained) {
				move.To = gained[j]
			}
			moves = append(moves, move)
		}
	}
	return moves
}

// nodesOf lists the distinct nodes that hold a replica, in the order of the replicas.
func nodesOf(p *wire.Placement) []wire.NodeID {
	var nodes []wire.NodeID
	for _, r := range p.Replicas {
		if !slices.Contains(nodes, r.Node) {
			nodes = append(nodes, r.Node)
		}
	}
	return nodes
}
