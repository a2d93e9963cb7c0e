package grpcapi

import (
	"context"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// Topology tells what the node knows of the cluster.
func (s *Server) Topology(context.Context, *torcv1.TopologyRequest) (*torcv1.TopologyResponse, error) {
	m := s.backend.Map()
	if m == nil {
		return nil, failureError(wire.OutcomeRefused, wire.ReasonNotReady)
	}
	t := &torcv1.TopologyResponse{
		ClusterId: m.ClusterID, Epoch: uint64(m.Epoch), Replication: m.Replication, Self: uint64(s.backend.Self().ID),
	}
	for i := range m.Members {
		t.Nodes = append(t.Nodes, node(&m.Members[i]))
	}
	for shard := wire.ShardID(1); uint32(shard) <= m.Shards; shard++ {
		t.Shards = append(t.Shards, s.shard(m, shard))
	}
	return t, nil
}

func node(m *wire.Member) *torcv1.Node {
	n := &torcv1.Node{
		Id: uint64(m.ID), Name: m.Name, Incarnation: uint64(m.Incarnation),
		RespAddr: m.RESPAddr, GrpcAddr: m.GRPCAddr, Weight: m.Share(), State: torcv1.Node_State(m.State),
	}
	if m.Draining && m.State == wire.MemberActive {
		n.State = torcv1.Node_DRAINING
	}
	return n
}

func (s *Server) shard(m *wire.ClusterMap, id wire.ShardID) *torcv1.Shard {
	first, last := wire.SlotRange(id, int(m.Shards))
	out := &torcv1.Shard{
		Id: uint32(id), FirstSlot: uint32(first), LastSlot: uint32(last), Leader: uint64(s.backend.Leader(id)),
	}
	if p := m.Placement(id); p != nil {
		out.Losses, out.LostAtMillis, out.WithoutQuorum = p.Losses, p.LostAt, m.QuorumGone(p)
		for _, r := range p.Replicas {
			out.Replicas = append(out.Replicas, &torcv1.Shard_Replica{
				Id: uint64(r.ID), Node: uint64(r.Node), Voter: r.Role.Votes(), Leaving: r.Role == wire.RoleLeaving,
			})
		}
	}
	return out
}
