package real

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"torc/cluster"
	"torc/cmd/internal/node"
	"torc/core/wire"
)

// Election is a leader that was seen for the first time.
type Election struct {
	At    time.Duration // from the start of the torture
	Shard wire.ShardID
	Node  int // from 1
	Term  uint64
}

const (
	askEvery  = 25 * time.Millisecond
	askWithin = 400 * time.Millisecond // a frozen node does not answer
	freshFor  = time.Second
)

// watcher knows from the nodes' own status who leads what.
type watcher struct {
	now  func() time.Duration
	told func(number int, s *node.Status) // of every status, when set

	mu     sync.Mutex
	seen   []sighting // by node
	newest []Election // by shard
	all    []Election
	counts []int // by shard: changes of leader
}

// sighting is what a node said last, and when.
type sighting struct {
	status *node.Status
	at     time.Duration
}

func newWatcher(nodes, shards int, now func() time.Duration) *watcher {
	return &watcher{now: now, seen: make([]sighting, nodes), newest: make([]Election, shards+1), counts: make([]int, shards+1)}
}

// follow asks one node again and again until ctx ends.
func (w *watcher) follow(ctx context.Context, p *process) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if p.is() == down {
			continue
		}
		asking, cancel := context.WithTimeout(ctx, askWithin)
		s, err := p.status(asking)
		cancel()
		if err == nil {
			w.take(p.number, s)
		}
	}
}

func (w *watcher) take(number int, s *node.Status) {
	if w.told != nil {
		w.told(number, s)
	}
	at := w.now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen[number-1] = sighting{s, at}
	for _, lane := range s.Lanes {
		for _, g := range lane.Groups {
			if g.Role != "leader" || int(g.Shard) >= len(w.newest) || g.Term <= w.newest[g.Shard].Term {
				continue
			}
			e := Election{At: at, Shard: g.Shard, Node: number, Term: g.Term}
			w.newest[g.Shard] = e
			w.all = append(w.all, e)
			w.counts[g.Shard]++
		}
	}
}

// leader is who was elected last in a shard.
func (w *watcher) leader(shard wire.ShardID) (number int, known bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.newest[min(int(shard), len(w.newest)-1)]
	return e.Node, e.Term > 0
}

// voter is the node with the i-th voter of a shard besides its leader, counted from 1.
func (w *watcher) voter(shard wire.ShardID, i int) (number int, known bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	homes, voters := map[wire.ReplicaID]int{}, []wire.ReplicaID(nil)
	leader := w.newest[min(int(shard), len(w.newest)-1)].Node
	for node, s := range w.seen {
		if s.status == nil {
			continue
		}
		for _, lane := range s.status.Lanes {
			for _, g := range lane.Groups {
				if g.Shard != shard {
					continue
				}
				if homes[g.Replica] = node + 1; node+1 == leader {
					voters = g.Voters
				}
			}
		}
	}
	for _, id := range voters {
		if home := homes[id]; home != 0 && home != leader {
			if i--; i == 0 {
				return home, true
			}
		}
	}
	return 0, false
}

// changes counts by shard how often the leader has changed.
func (w *watcher) changes() []int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.counts)
}

// elections are all that were seen.
func (w *watcher) elections() []Election {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.all)
}

// whole says what is missing until every shard has a leader and as many living voters as it should,
// or nil. Nodes that were not heard of lately do not count.
func (w *watcher) whole(replicas int) error {
	now := w.now()
	w.mu.Lock()
	defer w.mu.Unlock()
	groups := make([][]cluster.GroupStatus, len(w.newest))
	for _, s := range w.seen {
		if s.status == nil || now-s.at > freshFor {
			continue
		}
		for _, lane := range s.status.Lanes {
			for _, g := range lane.Groups {
				if int(g.Shard) < len(groups) {
					groups[g.Shard] = append(groups[g.Shard], g)
				}
			}
		}
	}
	for shard, list := range groups {
		if err := wholeShard(list, replicas); err != nil {
			return fmt.Errorf("shard %d: %w", shard, err)
		}
	}
	return nil
}

// lagMost is how many entries a voter may be behind and count as close.
const lagMost = 1000

// wholeShard judges one shard as the simulator does: by its newest leader's configuration and by what
// lives.
func wholeShard(list []cluster.GroupStatus, replicas int) error {
	var leader *cluster.GroupStatus
	for i := range list {
		if g := &list[i]; g.Role == "leader" && (leader == nil || g.Term > leader.Term) {
			leader = g
		}
	}
	if leader == nil {
		return fmt.Errorf("no leader among %d replicas", len(list))
	}
	if len(leader.Voters) < replicas || len(leader.Outgoing) > 0 {
		return fmt.Errorf("%d of %d voters, %d of a change under way", len(leader.Voters), replicas, len(leader.Outgoing))
	}
	for _, voter := range leader.Voters {
		if !slices.ContainsFunc(list, func(g cluster.GroupStatus) bool {
			return g.Replica == voter && g.Commit > 0 && leader.Commit-min(g.Applied, leader.Commit) < lagMost
		}) {
			return fmt.Errorf("voter %d lives nowhere, or is far behind", voter)
		}
	}
	return nil
}

// forget drops what a node said: that life is over.
func (w *watcher) forget(number int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen[number-1] = sighting{}
}
