package host

import (
	"torc/core/gossip"
	"torc/core/wire"
)

// Lane is one event loop's worth of a node (cluster.Lane). The host calls it from one
// goroutine at a time: some events, then Flush; and Look between two such turns.
type Lane interface {
	Start()
	OnFrame(*wire.Frame)
	OnCall(*wire.Call)
	OnMap(*wire.ClusterMap)
	OnGossip(gossip.Event)
	Look(*wire.Look) bool
	Flush()
	HandOver(done func())
	Stop(done func())
}

// Transport sends frames to other nodes (net/peer). Send never blocks; the frame is the
// transport's from then on.
type Transport interface {
	Send(addr string, f *wire.Frame)
}

// Flusher is a Sink that has something to do at the end of a turn in which it was delivered to: a connection
// writes all the responses of the turn in one piece. Within is called when the lane has taken the call, or with
// nil when no turn will deliver to it (it is refused at once). In Deliver the sink may call what it was given,
// with what is to be done after the lane's Flush, on the same goroutine. That must not block; many says that so
// many others have the same to do that it is better left to a goroutine of one's own.
type Flusher interface {
	wire.Sink
	Within(atEnd func(flush func(many bool)))
}

// laneOf says which lane owns a shard; it is cluster.LaneOf.
func laneOf(shard wire.ShardID, lanes int) int { return int(shard) % lanes }
