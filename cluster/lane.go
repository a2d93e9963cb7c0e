package cluster

import (
	"torc/core/env"
	"torc/core/gossip"
	"torc/core/trace"
	"torc/core/wire"
)

// Board is where a node's lanes put up what the rest of the node wants to know. The world
// provides it; calls come from the lanes' own threads.
type Board interface {
	// PublishMap shows a newer cluster map. The world must hand it to every lane of this node
	// by OnMap, as an event of its own.
	PublishMap(m *wire.ClusterMap)
	// PublishLeader shows which node leads a shard now, as far as this node knows (zero: none).
	PublishLeader(shard wire.ShardID, leader wire.NodeID, term uint64)
}

// LaneOf says which lane of a node with this many lanes owns a shard. The meta group and all
// that concerns the whole node live on lane 0.
func LaneOf(shard wire.ShardID, lanes int) int { return int(shard) % lanes }

// Lane is one event loop's worth of a node: a disjoint set of shards. It is driven by one
// logical thread: some events (OnFrame, OnCall, OnMap, OnGossip, timers by env), then Flush.
type Lane struct {
	cfg   *Config
	index int
	env   env.Env
	board Board
	trace trace.Sink
}

// NewLane makes a lane. Nothing happens before Start.
func NewLane(cfg *Config, index int, e env.Env, board Board, tr trace.Sink) *Lane {
	return &Lane{cfg: cfg, index: index, env: e, board: board, trace: tr}
}

// Start sets the lane's timers and, on lane 0, begins to seek or form a cluster.
func (l *Lane) Start() {}

// OnFrame takes a frame. All its messages must be for this lane (the world splits frames by
// LaneOf when the sender's lanes differ).
func (l *Lane) OnFrame(f *wire.Frame) {}

// OnCall takes a request from a client of this node. Its sink gets exactly one response.
func (l *Lane) OnCall(c *wire.Call) {}

// OnMap takes a cluster map that another lane of this node published.
func (l *Lane) OnMap(m *wire.ClusterMap) {}

// OnGossip takes what the membership protocol believes about a node (lane 0 only). It is advice.
func (l *Lane) OnGossip(e gossip.Event) {}

// Flush ends a turn: it proposes what was gathered, sends one frame per peer, applies what is
// committed and delivers responses.
func (l *Lane) Flush() {}

// Stop hands leaderships over as far as that is possible soon, then calls done (on the
// lane's thread). Calls that arrive later are refused.
func (l *Lane) Stop(done func()) { done() }

// GroupStatus is how one shard stands on this node.
type GroupStatus struct {
	Shard     wire.ShardID
	Replica   wire.ReplicaID
	Role      string // leader, follower, candidate, pre-candidate, learner
	Leader    wire.ReplicaID
	LeaderOn  wire.NodeID
	Term      uint64
	Commit    uint64
	Applied   uint64
	Last      uint64 // last log index
	Voters    []wire.ReplicaID
	Learners  []wire.ReplicaID
	Lag       map[wire.ReplicaID]uint64 // leader only: entries each other replica is behind
	Keys      int
	Bytes     int64 // of keys and values
	LogBytes  int64
	LeaseLeft int64 // nanoseconds; leader only
}

// LaneStatus is how a lane stands.
type LaneStatus struct {
	Groups   []GroupStatus
	Waiting  int   // requests that wait for an answer
	Bytes    int64 // everything held: stores, logs, queues
	LogTime  int64
	Refused  uint64 // requests refused since the start
	Answered uint64
}

// Status describes the lane. Call it on the lane's thread.
func (l *Lane) Status() LaneStatus { return LaneStatus{} }
