package node

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"torc/core/gossip"
	"torc/core/wire"
)

// changes says in the log what becomes of the other nodes and of this node's shards, so that who reads one node's log sees an outage
// begin and end. It looks once a second and says only what is another than it was.
type changes struct {
	logger *slog.Logger
	self   wire.NodeID
	nodes  map[wire.NodeID]seen

	without time.Time // since when shards have no leader; zero: they have
	told    bool      // that they have none
}

// seen is how another node was found last.
type seen struct {
	name  string
	life  wire.Incarnation
	state wire.MemberState
	word  gossip.Status // of gossip, but for suspicions: those are often refuted
}

// leaderlessLeast is for how long shards must have been without a leader for it to be said. An election takes a second.
const leaderlessLeast = 3 * time.Second

// look compares the others with what they were, by the map and by what gossip says of them.
func (c *changes) look(m *wire.ClusterMap, belief func(wire.NodeID) (gossip.Event, bool)) {
	if m == nil {
		return
	}
	first := c.nodes == nil
	now := map[wire.NodeID]seen{}
	for i := range m.Members {
		who := &m.Members[i]
		if who.ID == c.self {
			continue
		}
		before, known := c.nodes[who.ID]
		is := seen{name: who.Name, life: who.Incarnation, state: who.State, word: gossip.Alive}
		if e, heard := belief(who.ID); heard && e.Incarnation == who.Incarnation {
			is.word = e.Status
		}
		if is.word == gossip.Suspect {
			is.word = gossip.Alive
			if known && before.life == is.life {
				is.word = before.word
			}
		}
		now[who.ID] = is
		switch {
		case known:
			c.node(who, before, is)
		case !first:
			c.logger.Info("a node has joined the cluster", slog.String("of", who.Name))
		}
	}
	for id, was := range c.nodes {
		if _, there := now[id]; !there {
			c.logger.Info("a node that was gone is off the map", slog.String("of", was.name))
		}
	}
	c.nodes = now
}

// node says what has become of a node.
func (c *changes) node(who *wire.Member, before, is seen) {
	of := slog.String("of", who.Name)
	switch {
	case is.life != before.life:
		c.logger.Info("a node has been started anew: it is empty, and given back what it held", of)
	case is.state == before.state:
	case is.state == wire.MemberDown:
		c.logger.Warn("a node is declared down: what it held is made anew on the others, as far as there are enough", of)
	case is.state == wire.MemberLeft:
		c.logger.Info("a node was drained and has left", of)
	default:
		c.logger.Info("a node takes part again", of)
	}
	switch {
	case is.word == before.word:
	case is.word == gossip.Dead:
		c.logger.Warn("a node does not answer any more", of)
	case is.word == gossip.Left:
		c.logger.Info("a node has said goodbye: it was told to stop", of)
	case is.life == before.life:
		c.logger.Info("a node answers again", of)
	}
}

// shards takes those of this node's shards of which no leader is known, of so many.
func (c *changes) shards(without []wire.ShardID, of int, now time.Time) {
	switch {
	case len(without) == 0 && c.told:
		c.logger.Info("every shard of this node has a leader again", slog.Duration("after", now.Sub(c.without).Round(time.Second)))
		fallthrough
	case len(without) == 0:
		c.without, c.told = time.Time{}, false
	case c.without.IsZero():
		c.without = now
	case !c.told && now.Sub(c.without) >= leaderlessLeast:
		c.told = true
		c.logger.Warn("shards have no leader, and what is asked of them is refused: torc status says which nodes they lack",
			slog.Int("without", len(without)), slog.Int("of", of), slog.String("shards", shardNames(without)))
	}
}

// shardNames names shards, which are in order, in a line of a log: meta, 1-3, 7.
func shardNames(shards []wire.ShardID) string {
	var b strings.Builder
	for i := 0; i < len(shards); i++ {
		first, name := shards[i], fmt.Sprint(shards[i])
		if first == wire.MetaShard {
			name = "meta"
		}
		for first != wire.MetaShard && i+1 < len(shards) && shards[i+1] == shards[i]+1 {
			i++
		}
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(name)
		if shards[i] != first {
			fmt.Fprintf(&b, "-%d", shards[i])
		}
	}
	return b.String()
}
