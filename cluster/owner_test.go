package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/wire"
)

// Whatever is cut, drained by force, taken back and restarted, on nodes that are all set differently: no two leaders of a shard ever read from
// memory at the same time, be it one of the group that was lost and one of its successor; and no shard is begun anew while the newest
// configuration of its group that any living node has applied has a majority on lives that last.
//
// (The meta group keeps its majority: what an operator may do without one is another story.)
func TestAShardHasOneOwner(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { newTown(t).live(30) })
}

const townShards = 3

// town is a small cluster with much going on.
type town struct {
	*world
	t      *rapid.T
	cut    map[string]bool // from all others
	groups [townShards + 1][]housed
	losses [townShards + 1]uint64
}

// housed is a replica of a shard's present group, on a life.
type housed struct {
	on *node
	of *group
}

func newTown(t *rapid.T) *town {
	w := &town{world: newWorld(rapid.Uint64().Draw(t, "seed")), t: t, cut: map[string]bool{}}
	names := []string{"a", "b", "c", "d", "e", "f"}[:rapid.IntRange(4, 6).Draw(t, "nodes")]
	base := rapid.Uint64Range(1, 1<<40).Draw(t, "first ID")
	replicas := rapid.IntRange(2, 3).Draw(t, "replicas")
	for i, name := range names {
		w.start(name, wire.NodeID(base)+wire.NodeID(i), 7, Config{Join: names, Expect: len(names), Shards: townShards, Replicas: replicas,
			ElectionTicks: rapid.SampledFrom([]int{10, 10, 10, 100}).Draw(t, "election"), Grace: 3 * time.Second,
			ResetGrace: time.Duration(rapid.IntRange(1, 4000).Draw(t, "reset grace")) * time.Millisecond})
	}
	if !w.until(time.Minute, w.everywhere) {
		t.Fatalf("not founded: %v", mapsOf(w.world))
	}
	w.drop = func(addr string, f *wire.Frame) bool {
		from := w.nodes[addr].m.Member(f.From)
		return from != nil && w.cut[from.Name] != w.cut[addr]
	}
	w.run(5 * time.Second)
	return w
}

func (w *town) live(steps int) {
	for range steps {
		w.step()
		w.loss = rapid.SampledFrom([]int{0, 0, 50, 200}).Draw(w.t, "loss")
		for range rapid.IntRange(1, 40).Draw(w.t, "rest") {
			w.run(50 * time.Millisecond)
			w.look()
		}
	}
}

func (w *town) step() {
	addr := rapid.SampledFrom(w.names).Draw(w.t, "node")
	shard := wire.ShardID(rapid.IntRange(1, townShards).Draw(w.t, "shard"))
	switch rapid.SampledFrom([]string{"restart", "restart all", "cut", "heal", "drain", "undrain", "keep one", "behead", "behead"}).Draw(w.t, "what") {
	case "restart":
		w.tryRestart(addr)
	case "restart all":
		for _, holder := range w.holdersOf(shard) {
			w.tryRestart(holder)
		}
	case "cut":
		w.cut[addr] = true
	case "heal":
		clear(w.cut)
	case "drain":
		w.order(wire.MetaDrain, addr)
	case "undrain":
		w.order(wire.MetaUndrain, addr)
	case "keep one": // all others are drained, or all are taken back
		kind := rapid.SampledFrom([]wire.MetaKind{wire.MetaDrain, wire.MetaUndrain}).Draw(w.t, "kind")
		for _, other := range w.names {
			if other != addr || kind == wire.MetaUndrain {
				w.order(kind, other)
			}
		}
	case "behead": // a leader is cut off, and the others with a replica are restarted
		leader := w.leader(shard)
		if leader == nil {
			return
		}
		clear(w.cut)
		w.cut[leader.cfg.Self.Name] = true
		w.run(time.Duration(rapid.IntRange(0, 1500).Draw(w.t, "after")) * time.Millisecond)
		for _, holder := range w.holdersOf(shard) {
			if holder != leader.cfg.Self.Name {
				w.tryRestart(holder)
			}
		}
	}
}

func (w *town) order(kind wire.MetaKind, addr string) {
	if l := w.leader(wire.MetaShard); l != nil {
		l.turn(func() { l.command(&wire.MetaCommand{Kind: kind, Node: w.nodes[addr].cfg.Self.ID, Force: true}) })
	}
}

// tryRestart restarts a node if the meta group can do without it.
func (w *town) tryRestart(addr string) {
	l := w.leader(wire.MetaShard)
	if l == nil {
		return
	}
	g, well := l.groups[wire.MetaShard], map[uint64]bool{} // for look-up, never ranged
	conf := g.member.Conf()
	for _, id := range conf.Voters {
		r := l.m.Placement(wire.MetaShard).Replica(wire.ReplicaID(id))
		well[id] = r != nil && w.livesElsewhere(r, addr) && (r.ID == g.replica || g.member.SpokenSince(r.ID, w.now-500*time.Millisecond))
	}
	if len(conf.VotersOutgoing) == 0 && quorumOf(conf.Voters, well) {
		w.restart(addr)
	}
}

// livesElsewhere reports whether a replica's life lasts, on another node than this.
func (w *town) livesElsewhere(r *wire.Replica, addr string) bool {
	for name, n := range w.nodes {
		if name != addr && n.cfg.Self.ID == r.Node && n.cfg.Self.Incarnation == r.Incarnation {
			return true
		}
	}
	return false
}

func (w *town) holdersOf(shard wire.ShardID) (addrs []string) {
	m := w.newest()
	for _, r := range m.Placement(shard).Replicas {
		if who := m.Member(r.Node); who != nil {
			addrs = append(addrs, who.PeerAddr)
		}
	}
	return addrs
}

// look holds what must be so at any moment.
func (w *town) look() {
	m := w.newest()
	for shard := wire.ShardID(1); shard <= townShards; shard++ {
		var owners []string
		if p := m.Placement(shard); p.Losses > w.losses[shard] {
			w.mayBeLost(shard)
			w.losses[shard], w.groups[shard] = p.Losses, nil
		}
		for _, addr := range w.names {
			n := w.nodes[addr]
			g := n.groups[shard]
			if g == nil {
				continue
			}
			if g.sealed == 0 && g.member.LeaseValid() {
				owners = append(owners, fmt.Sprintf("%s as %d", addr, g.replica))
			}
			if n.m.Placement(shard).Losses == w.losses[shard] {
				w.house(shard, housed{n, g})
			}
		}
		if len(owners) > 1 {
			w.t.Fatalf("shard %d has owners: %v", shard, owners)
		}
	}
}

func (w *town) house(shard wire.ShardID, h housed) {
	for _, other := range w.groups[shard] {
		if other == h {
			return
		}
	}
	w.groups[shard] = append(w.groups[shard], h)
}

// mayBeLost holds that the group that is given up could not have gone on.
func (w *town) mayBeLost(shard wire.ShardID) {
	newest, lives := (*group)(nil), map[uint64]bool{} // for look-up, never ranged
	for _, h := range w.groups[shard] {
		if h.on.over {
			continue
		}
		lives[uint64(h.of.replica)] = true
		if newest == nil || h.of.member.Applied() > newest.member.Applied() {
			newest = h.of
		}
	}
	if newest == nil {
		return
	}
	if conf := newest.member.Conf(); len(conf.Voters) > 0 && quorumOf(conf.Voters, lives) && quorumOf(conf.VotersOutgoing, lives) {
		w.t.Fatalf("shard %d is given up, though a majority of %v lives, by the word of replica %d on %s", shard, conf.Voters, newest.replica, nameOf(&newest.lane.cfg.Self))
	}
}

// The town is no idyll.
func TestShardsAreLostInTown(t *testing.T) {
	lost := uint64(0)
	rapid.Check(t, func(t *rapid.T) {
		w := newTown(t)
		w.live(10)
		for _, n := range w.losses {
			lost += n
		}
	})
	require.Positive(t, lost)
}
