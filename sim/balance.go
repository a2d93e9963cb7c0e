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
	replicas, weights := 0, 0
	for i := range m.Placements {
		for _, r := range m.Placements[i].Replicas {
			held[r.Node]++
			replicas++
		}
		led[leaders[i]]++
	}
	for i := range m.Members {
		weights += shareOf(&m.Members[i])
	}
	for i := range m.Members {
		id, weight := m.Members[i].ID, shareOf(&m.Members[i])
		if weight == 0 {
			continue
		}
		if text := within("replicas", held[id], replicas*weight, weights, 10); text != "" {
			return fmt.Sprintf("n%d holds %s", id, text)
		}
		if text := within("shards", led[id], len(m.Placements)*weight, weights, 15); text != "" {
			return fmt.Sprintf("n%d leads %s", id, text)
		}
	}
	return ""
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

// within says how far a number is from share/of, if by more than slack percent, rounded outwards.
func within(what string, n, share, of, slack int) string {
	low, high := share*(100-slack)/(of*100), (share*(100+slack)+of*100-1)/(of*100)
	if n >= low && n <= high {
		return ""
	}
	return fmt.Sprintf("%d %s, not %d to %d", n, what, low, high)
}
