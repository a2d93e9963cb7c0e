package session

import (
	"slices"
	"time"

	"torc/core/wire"
)

// route chooses the node to send a part to: who is said to lead, who should lead, the other
// replicas in turn, those on nodes that the map has declared down, then any member at all (every node
// forwards). A node whose breaker is open
// is passed by, and so are those that were of no help, until all have been asked: two nodes that take
// one another for the leader must not keep a part to themselves. Then a new round begins, with
// another than the last, unless it is the only one. The address is empty when there is nobody to send
// to now.
func (b *Brain) route(p *part, now time.Duration) (wire.NodeID, string) {
	last := p.useless[max(0, len(p.useless)-1):]
	for _, skip := range [][]string{p.useless, last, nil} {
		if len(skip) < len(p.useless) {
			p.useless = append([]string(nil), last...)
		}
		for _, node := range b.candidates(p.shard) {
			addr := b.address(node)
			if addr == "" || slices.Contains(skip, addr) || !b.breaker(addr).Allow(now) {
				continue
			}
			return node, addr
		}
		if len(skip) == 0 {
			break
		}
	}
	return 0, ""
}

// guess returns the node that most likely leads a shard.
func (b *Brain) guess(id wire.ShardID) (wire.NodeID, string) {
	if leader := b.shards[id].leader; leader != 0 {
		return leader, b.address(leader)
	}
	preferred := b.view.Preferred(id)
	if b.down(preferred) {
		return 0, ""
	}
	return preferred, b.address(preferred)
}

// candidates lists a shard's nodes, the best guess first; some may be named twice.
func (b *Brain) candidates(id wire.ShardID) []wire.NodeID {
	s := &b.shards[id]
	nodes := make([]wire.NodeID, 0, 16)
	if guess, _ := b.guess(id); guess != 0 {
		nodes = append(nodes, guess)
	}
	owners := b.view.Owners(id)
	for _, down := range []bool{false, true} {
		for i := range owners {
			if owner := owners[(s.turn+i)%len(owners)]; b.down(owner) == down {
				nodes = append(nodes, owner)
			}
		}
	}
	for i := range b.cmap.Members {
		m := &b.cmap.Members[(s.turn+i)%len(b.cmap.Members)]
		if m.State == wire.MemberActive {
			nodes = append(nodes, m.ID)
		}
	}
	return nodes
}

// address is where a node takes requests; empty when nobody does there.
func (b *Brain) address(node wire.NodeID) string {
	m := b.view.Member(node)
	if m == nil || m.State == wire.MemberLeft {
		return ""
	}
	return b.cfg.Addr(m)
}

// down reports whether the map has declared a node down. It is asked all the same, if it is said to
// lead or if nobody better is left: its shard may hear it well though the meta group does not, and
// while the meta group has no quorum nobody corrects the map.
func (b *Brain) down(node wire.NodeID) bool {
	m := b.view.Member(node)
	return m != nil && m.State == wire.MemberDown
}

// hint notes who is said to lead a shard.
func (b *Brain) hint(id wire.ShardID, leader wire.NodeID) {
	if leader != 0 {
		b.shards[id].leader = leader
	}
}

// noHelp makes the next attempt go elsewhere.
func (b *Brain) noHelp(a *attempt) {
	if p := a.part; !slices.Contains(p.useless, a.addr) {
		p.useless = append(p.useless, a.addr)
	}
	s := &b.shards[a.part.shard]
	s.turn++
	if s.leader == a.node {
		s.leader = 0
	}
}
