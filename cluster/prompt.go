package cluster

import (
	"slices"
	"time"

	"torc/core/late"
	"torc/core/wire"
)

// Every lane asks those that share a group with it, about three times a second, for an answer, and tells them how late the others
// answer. What comes of it is in core/late: who is slow. A slow node gives away what it leads
// (yield.go), and is offered nothing (mend.go).
//
// It is the lane's way that is measured, there and back: the queue to the peer, the network, the other lane's inbox and
// turn, and the same again. Whatever makes a node slow shows in it.

const (
	// Between two rounds are pingLeast ticks or up to twice as many, drawn to the microsecond and not to the tick: what comes and goes
	// as regularly as ticks do must be met at every stage of it. (A processor that is rationed gets its share every 100 ms.) Who stands
	// still for a while does not make up for the rounds that it missed, and is to judge itself as soon as the others do.
	pingLeast = 4
	// lateParts: who answers within this part of an election timeout is never slow. It is far above what a healthy node
	// takes at full load, and far below what costs leaderships anyway.
	lateParts = 40
	lateTimes = 4 // and by how many times it must be later than the others
)

// promptness is what a lane knows of how promptly nodes answer.
type promptness struct {
	judge   *late.Judge
	peers   []lateNode // by node
	yielded uint64     // leaderships given away because this node is slow
}

// lateNode is another node's present life, and how late it answers this lane.
type lateNode struct {
	late.Node
	window late.Window
}

// meet takes note of those that share a group with this lane.
func (l *Lane) meet(m *wire.ClusterMap) {
	nodes := []late.Node{{ID: l.cfg.Self.ID, Life: l.cfg.Self.Incarnation}}
	for _, g := range l.order {
		p := m.Placement(g.shard)
		if p == nil {
			continue
		}
		for _, r := range p.Replicas {
			n := late.Node{ID: r.Node, Life: r.Incarnation}
			if who := m.Member(r.Node); who != nil && who.Incarnation == r.Incarnation && !slices.Contains(nodes, n) {
				nodes = append(nodes, n)
			}
		}
	}
	l.judge.Keep(nodes)
	var peers []lateNode
	for _, n := range nodes[1:] {
		peer := lateNode{Node: n}
		if i := slices.IndexFunc(l.peers, func(p lateNode) bool { return p.Node == n }); i >= 0 {
			peer.window = l.peers[i].window
		}
		peers = append(peers, peer)
	}
	l.peers = peers
}

// ping ends a round and begins the next.
func (l *Lane) ping() {
	least := l.cfg.Tick * pingLeast
	l.env.After(least+time.Duration(l.env.Uint64()%uint64(max(least/time.Microsecond, 1)))*time.Microsecond, l.ping)
	if len(l.peers) == 0 {
		return
	}
	var says []wire.Lateness
	for i := range l.peers {
		p := &l.peers[i]
		p.window.Round()
		if after, known := p.window.Late(l.judge.Floor()); known {
			says = append(says, wire.Lateness{Node: p.ID, After: after.Truncate(time.Microsecond)})
		}
	}
	l.judge.Hear(l.cfg.Self.ID, says)
	l.judge.Round()
	if l.judge.Slow(l.cfg.Self.ID) {
		after, _ := l.judge.Late(l.cfg.Self.ID)
		says = append(says, wire.Lateness{Node: l.cfg.Self.ID, After: after})
	}
	m := &wire.Ping{Lane: wire.ShardID(l.index), Stamp: int64(l.env.Now()), Floor: l.floor().Truncate(time.Microsecond), Says: says}
	for i := range l.peers {
		l.send(l.peers[i].ID, m)
	}
}

// mistrusts reports whether a node had better be offered nothing: it is slow, or says so, or this lane finds it so by itself. A lane may hear
// of nobody else's measurements, when nodes have different numbers of lanes.
func (l *Lane) mistrusts(id wire.NodeID) bool {
	if l.judge.Slow(id) || l.judge.Admits(id) {
		return true
	}
	var its, least time.Duration
	compared := false
	for i := range l.peers {
		after, known := l.peers[i].window.Late(l.judge.Floor())
		switch {
		case l.peers[i].ID == id:
			its = after
		case known && (!compared || after < least):
			least, compared = after, true
		}
	}
	return compared && its >= l.judge.Floor() && its >= lateTimes*least
}

// floor is how late nobody need be called slow for, in this node's eyes. What counts is the longest that anybody tells (late.Judge).
func (l *Lane) floor() time.Duration {
	return l.cfg.Tick * time.Duration(l.cfg.ElectionTicks) / lateParts
}

func (l *Lane) onPing(from wire.NodeID, m *wire.Ping) {
	l.judge.Hear(from, m.Says)
	l.judge.HearFloor(from, m.Floor)
	l.send(from, &wire.Pong{Lane: m.Lane, Stamp: m.Stamp})
}

func (l *Lane) onPong(from wire.NodeID, m *wire.Pong) {
	for i := range l.peers {
		if l.peers[i].ID == from {
			l.peers[i].window.Answered(l.env.Now() - time.Duration(m.Stamp))
		}
	}
}
