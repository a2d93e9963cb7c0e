package wire

import (
	"fmt"
	"hash/fnv"
)

// NodeID names a node across its lives: it is derived from the node's name and stays the
// same when the process restarts. Zero means "nobody".
type NodeID uint64

// Incarnation names one life of a node, from process start to process stop. Torc keeps
// everything in memory, so a restarted node remembers nothing and must never be taken for
// its former self. Zero means "any".
type Incarnation uint64

// ReplicaID names one copy of one shard in one incarnation of one node. The meta group
// hands them out and never uses one twice; it is also the member's Raft ID.
type ReplicaID uint64

// ShardID names a Raft group. MetaShard is the group that owns the cluster map; data
// shards count from 1.
type ShardID uint32

// MetaShard is the Raft group that owns the cluster map.
const MetaShard ShardID = 0

// Epoch stamps a version of the cluster map. It grows by at least one with every change.
type Epoch uint64

// NodeIDOf derives a node's identity from its name (FNV-1a, never zero).
func NodeIDOf(name string) NodeID {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	if id := NodeID(h.Sum64()); id != 0 {
		return id
	}
	return 1
}

// String prints small IDs (the simulator's) in decimal and hashed ones in hexadecimal.
func (id NodeID) String() string {
	if id < 1<<16 {
		return fmt.Sprintf("n%d", uint64(id))
	}
	return fmt.Sprintf("%016x", uint64(id))
}
