package client

import (
	"time"

	"torc/core/wire"
)

// Topology is the cluster as the client knows it now.
type Topology struct {
	ClusterID   uint64
	Epoch       uint64 // grows with every change
	Replication int    // replicas per shard, when there are nodes enough
	Nodes       []Node
	Shards      []Shard
}

// Node is a member of the cluster.
type Node struct {
	ID       uint64
	Name     string
	RESPAddr string
	GRPCAddr string
	Weight   int    // hundredths: 100 is weight 1
	State    string // active, down or left
}

// Shard is a range of hash slots and the nodes that hold it.
type Shard struct {
	ID        uint32
	FirstSlot int // both slots are included
	LastSlot  int
	Preferred uint64   // the node that should lead, or 0
	Nodes     []uint64 // those that hold a replica

	// Losses is the shard's loss epoch: how often the majority of its replicas was lost for good and the shard
	// was begun anew, empty. LostAt is the last time. What a key held before is gone, not deleted.
	Losses uint64
	LostAt time.Time // zero: never
}

// Topology returns the newest cluster map that the client has learned. It asks nobody.
func (c *Client) Topology() Topology {
	m := c.engine.cmap.Load()
	t := Topology{ClusterID: m.ClusterID, Epoch: uint64(m.Epoch), Replication: int(m.Replication)}
	for _, member := range m.Members {
		t.Nodes = append(t.Nodes, Node{
			ID: uint64(member.ID), Name: member.Name, RESPAddr: member.RESPAddr, GRPCAddr: member.GRPCAddr,
			Weight: int(member.Weight), State: stateName(member.State),
		})
	}
	for _, p := range m.Placements {
		if p.Shard == wire.MetaShard {
			continue
		}
		first, last := wire.SlotRange(p.Shard, int(m.Shards))
		shard := Shard{ID: uint32(p.Shard), FirstSlot: int(first), LastSlot: int(last), Preferred: uint64(p.Preferred), Losses: p.Losses}
		if p.LostAt != 0 {
			shard.LostAt = time.UnixMilli(p.LostAt)
		}
		for _, r := range p.Replicas {
			shard.Nodes = append(shard.Nodes, uint64(r.Node))
		}
		t.Shards = append(t.Shards, shard)
	}
	return t
}

func stateName(s wire.MemberState) string {
	switch s {
	case wire.MemberActive:
		return "active"
	case wire.MemberDown:
		return "down"
	}
	return "left"
}
