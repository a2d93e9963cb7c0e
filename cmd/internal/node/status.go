package node

import (
	"context"
	"time"

	"torc/cluster"
	"torc/core/gossip"
	"torc/core/wire"
)

// Status is how the node stands, for /status and the tool.
type Status struct {
	Node        string
	ID          wire.NodeID
	Incarnation wire.Incarnation
	ClusterID   uint64
	Epoch       wire.Epoch
	Uptime      time.Duration
	Members     []MemberStatus // by the map that the node knows
	Lanes       []cluster.LaneStatus
	Losses      []cluster.ShardLoss // shards that were lost, or are
	Health      gossip.Health       // as this node tells it the others
	Peers       []gossip.Event      // what gossip says of them
}

// Status asks every lane.
func (n *Node) Status(ctx context.Context) (*Status, error) {
	s := &Status{Node: n.self.Name, ID: n.self.ID, Incarnation: n.self.Incarnation, Uptime: time.Since(n.started)}
	if m := n.host.Map(); m != nil {
		s.ClusterID, s.Epoch, s.Members = m.ClusterID, m.Epoch, n.members(m)
		s.Losses = cluster.LossesOf(m)
	}
	for i, lane := range n.lanes {
		var of cluster.LaneStatus
		if err := n.host.Do(ctx, i, func() { of = lane.Status() }); err != nil {
			return nil, err
		}
		s.Lanes = append(s.Lanes, of)
	}
	s.Health = n.pulse.now()
	if err := n.host.Do(ctx, 0, func() { s.Peers = n.lanes[0].Beliefs() }); err != nil {
		return nil, err
	}
	return s, nil
}

// groups lists the shards' replicas here.
func (s *Status) groups() (all []cluster.GroupStatus) {
	for _, l := range s.Lanes {
		all = append(all, l.Groups...)
	}
	return all
}

// believed counts the other nodes by what gossip says of them.
func (s *Status) believed(status gossip.Status) (n int) {
	for i := range s.Peers {
		if s.Peers[i].Status == status {
			n++
		}
	}
	return n
}
