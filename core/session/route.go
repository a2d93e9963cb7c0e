package session

import (
	"slices"
	"time"

	"torc/core/wire"
)

// nearRounds is how many rounds among the likely nodes come before one that the map has declared down
// is asked. It is most likely dead, and a question to the dead costs time that is not there while the
// others elect somebody, which is when nobody else is of help either.
const nearRounds = 3

// route chooses the node to send a part to. The likely ones come first: who is said to lead, who should
// lead, the other replicas in turn. Those that were of no help are passed by until all have been asked:
// two nodes that take one another for the leader must not keep a part to themselves. Then a new round
// begins, with another than the last, unless it is the only one. Every few rounds a replica on a node
// that the map has declared down has its turn: the map may be wrong, and who leads may be known to
// nobody but the down. A node whose breaker is open, its own or that of the shard there, is passed by. When nobody else is left it is any
// member at all (every node forwards). The address is empty when there is nobody to send to now.
func (b *Brain) route(p *part, now time.Duration) (wire.NodeID, string) {
	if len(p.useless) == 0 { // the usual case: the best guess is first among those near
		if node, addr := b.guess(p.shard); addr != "" && b.peer(addr).allow(p.shard, now) {
			return node, addr
		}
	}
	near, far := b.owners(p.shard)
	if node, addr := b.pick(p.shard, near, p.useless, now); addr != "" {
		return node, addr
	}
	last := p.useless[max(0, len(p.useless)-1):]
	p.useless = append([]string(nil), last...)
	if p.rounds++; p.rounds%nearRounds == 0 {
		if node, addr := b.pick(p.shard, far, last, now); addr != "" {
			return node, addr
		}
	}
	for _, nodes := range [][]wire.NodeID{near, far, b.members(p.shard)} {
		if node, addr := b.pick(p.shard, nodes, last, now); addr != "" {
			return node, addr
		}
	}
	return b.pick(p.shard, append(near, far...), nil, now)
}

// pick returns the first of some nodes that may be asked now and is not to be passed by.
func (b *Brain) pick(shard wire.ShardID, nodes []wire.NodeID, skip []string, now time.Duration) (wire.NodeID, string) {
	for _, node := range nodes {
		if addr := b.address(node); addr != "" && !slices.Contains(skip, addr) && b.peer(addr).allow(shard, now) {
			return node, addr
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

// owners lists the nodes that may lead a shard, the best guess first: the likely ones, and those that
// the map has declared down. Some may be named twice.
func (b *Brain) owners(id wire.ShardID) (near, far []wire.NodeID) {
	s := &b.shards[id]
	near = make([]wire.NodeID, 0, 8)
	if guess, _ := b.guess(id); guess != 0 {
		near = append(near, guess)
	}
	owners := b.view.Owners(id)
	for i := range owners {
		if owner := owners[(s.turn+i)%len(owners)]; !b.down(owner) {
			near = append(near, owner)
		}
		if owner := owners[(s.farTurn+i)%len(owners)]; b.down(owner) {
			far = append(far, owner)
		}
	}
	return near, far
}

// members lists the members that are not down, in turn.
func (b *Brain) members(id wire.ShardID) (nodes []wire.NodeID) {
	turn := b.shards[id].turn
	for i := range b.cmap.Members {
		if m := &b.cmap.Members[(turn+i)%len(b.cmap.Members)]; m.State == wire.MemberActive {
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
// lead or if the others were of no help for long: its shard may hear it well though the meta group does not, and
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
	if s.turn++; b.down(a.node) {
		s.farTurn = 1 + max(0, slices.Index(b.view.Owners(a.part.shard), a.node))
	}
	if s.leader == a.node {
		s.leader = 0
	}
}
