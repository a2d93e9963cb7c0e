package node

import (
	"context"
	"time"

	"torc/cluster"
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
}

// Status asks every lane.
func (n *Node) Status(ctx context.Context) (*Status, error) {
	s := &Status{Node: n.self.Name, ID: n.self.ID, Incarnation: n.self.Incarnation, Uptime: time.Since(n.started)}
	if m := n.host.Map(); m != nil {
		s.ClusterID, s.Epoch, s.Members = m.ClusterID, m.Epoch, n.members(m)
	}
	for i, lane := range n.lanes {
		var of cluster.LaneStatus
		if err := n.host.Do(ctx, i, func() { of = lane.Status() }); err != nil {
			return nil, err
		}
		s.Lanes = append(s.Lanes, of)
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
