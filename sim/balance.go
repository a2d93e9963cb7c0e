package sim

import (
	"fmt"
	"slices"
	"time"

	"torc/cluster"
	"torc/core/wire"
)

// balanceLimit is how long the cluster may take, from when every shard is whole, until replicas and
// leaderships are where they should be. A leadership is offered again after 5 to 20 seconds, and each
// shard has its turn; a move of a replica waits for others and for the rate.
const balanceLimit = 2 * time.Minute

// evenOut waits until every node has its share: of the replicas, by weight, give or take 10%, and of the
// leaderships, give or take 15%, each bound rounded outwards. Nobody is asked for it while a shard is lost for
// good, since nobody replaces its replicas.
func (w *World) evenOut() {
	if w.ended || slices.Contains(w.lost, true) {
		return
	}
	if !w.await(balanceLimit, 500*time.Millisecond, func() bool { return w.uneven() == "" }) {
		w.violateUnlessEnded(OracleLiveness, "%v after all shards were whole %s", balanceLimit, w.uneven())
	}
}

// uneven says which node has not its share, as the newest map and the leaders see it; "" if all have.
func (w *World) uneven() string {
	m := w.newestMap()
	_, groups := w.living()
	leaders := make([]wire.NodeID, len(m.Placements))
	for i := range leaders {
		leaders[i] = leaderOf(groups[i])
	}
	return unevenIn(m, leaders)
}

// unevenIn is uneven of a map, and of who leads the shards.
func unevenIn(m *wire.ClusterMap, leaders []wire.NodeID) string {
	held, led := map[wire.NodeID]int{}, map[wire.NodeID]int{} // for look-up, never ranged
	replicas, shards := 0, len(m.Placements)
	for i := range m.Placements {
		for _, r := range m.Placements[i].Replicas {
			held[r.Node]++
			replicas++
		}
		led[leaders[i]]++
	}
	list := shares(m, replicas, shards)
	for i := range m.Members {
		id, s := m.Members[i].ID, list[i]
		if s.of == 0 {
			continue
		}
		if text := within("replicas", held[id], s.replicas, s.of, 10, shards); text != "" {
			return fmt.Sprintf("n%d holds %s", id, text)
		}
		if text := within("shards", led[id], s.replicas*shards, s.of*replicas, 15, shards); text != "" {
			return fmt.Sprintf("n%d leads %s", id, text)
		}
	}
	return ""
}

// share is what a node should hold: replicas/of, or nothing at all if of is zero.
type share struct{ replicas, of int }

// shares are what the members should hold, by weight. Nobody holds two replicas of a shard, so what is too heavy
// for its number goes to the others.
func shares(m *wire.ClusterMap, replicas, shards int) []share {
	list := make([]share, len(m.Members))
	for left, again := replicas, true; again; {
		again = false
		weights := 0
		for i := range m.Members {
			if list[i].of == 0 {
				weights += shareOf(&m.Members[i])
			}
		}
		for i := range m.Members {
			if weight := shareOf(&m.Members[i]); list[i].of == 0 && weight > 0 && left*weight >= shards*weights {
				list[i], again = share{shards, 1}, true
				left -= shards
				break // the others' shares are to be counted again
			}
		}
		for i := range m.Members {
			if weight := shareOf(&m.Members[i]); !again && list[i].of == 0 && weight > 0 {
				list[i] = share{left * weight, weights}
			}
		}
	}
	return list
}

// shareOf is the weight with which a member takes part in the spreading, or zero.
func shareOf(who *wire.Member) int {
	if !who.MayHold() {
		return 0
	}
	return int(who.Share())
}

// leaderOf is the node of the newest leader among a shard's replicas, by itself, or zero.
func leaderOf(groups []cluster.GroupStatus) (on wire.NodeID) {
	term := uint64(0)
	for i := range groups {
		if g := &groups[i]; g.Role == "leader" && g.Term > term {
			on, term = g.LeaderOn, g.Term
		}
	}
	return on
}

// within says how far a number is from share/of, if by more than slack percent, rounded outwards, and at most most.
func within(what string, n, share, of, slack, most int) string {
	low, high := share*(100-slack)/(of*100), min((share*(100+slack)+of*100-1)/(of*100), most)
	if n >= low && n <= high {
		return ""
	}
	return fmt.Sprintf("%d %s, not %d to %d", n, what, low, high)
}
