package host

import (
	"torc/core/gossip"
	"torc/core/wire"
)

// Lane is one event loop's worth of a node (cluster.Lane). The host calls it from one
// goroutine: some events, then Flush.
type Lane interface {
	Start()
	OnFrame(*wire.Frame)
	OnCall(*wire.Call)
	OnMap(*wire.ClusterMap)
	OnGossip(gossip.Event)
	Flush()
	HandOver(done func())
	Stop(done func())
}

// Transport sends frames to other nodes (net/peer). Send never blocks; the frame is the
// transport's from then on.
type Transport interface {
	Send(addr string, f *wire.Frame)
}

// Flusher is a Sink that wants to know when the turn in which it was delivered to is over,
// so that it can wake its connection once for many responses. The host calls FlushReplies on
// the same goroutine as Deliver, once per turn, after the lane's Flush. A Flusher must be
// comparable (a pointer).
type Flusher interface {
	wire.Sink
	FlushReplies()
}

// laneOf says which lane owns a shard; it is cluster.LaneOf.
func laneOf(shard wire.ShardID, lanes int) int { return int(shard) % lanes }
