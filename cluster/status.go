package cluster

import (
	"torc/core/evict"
	"torc/core/store"
	"torc/core/wire"
)

// GroupStatus is how one shard stands on this node.
type GroupStatus struct {
	Shard     wire.ShardID
	Replica   wire.ReplicaID
	Role      string // leader, follower, candidate, pre-candidate, learner
	Leader    wire.ReplicaID
	LeaderOn  wire.NodeID
	Preferred wire.NodeID // who is to lead it, by the map
	Term      uint64
	Commit    uint64
	Applied   uint64
	Last      uint64 // last log index
	Voters    []wire.ReplicaID
	Outgoing  []wire.ReplicaID // the voters before, while a joint change is under way: their majority counts too
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
	Waiting  int          // requests that wait for an answer
	Bytes    int64        // everything held: stores, logs, queues
	Memory   store.Memory // of the stores, as this node holds them
	Holds    Holdings     // what all is for
	LogTime  int64
	Refused  uint64 // requests refused since the start
	Answered uint64
	Hits     uint64 // reads that found their key, since the start
	Misses   uint64
	Shipped  uint64        // bytes of snapshots sent since the start
	Shipping int           // snapshots under way
	Refusals Refusals      // of copies that came in
	Slow     []wire.NodeID `json:",omitempty"` // nodes that answer so late that they had better not lead (core/late)
	Yielded  uint64        // leaderships given away for that, since the start
	Fenced   bool          // the cluster knows a later life of this node: this one is over
	Policy   evict.Kind
	Hot      HotStatus                          // copies of keys that other nodes lead
	Evicted  uint64                             // keys given up since the start
	Expired  uint64                             // keys that expired since the start
	Curve    [len(evict.CurveSizes)]evict.Point // by evict.CurveSizes: what would have become of reads
	Seeking  *Seeking                           // lane 0 of a node without a cluster; else nil
}

// Status describes the lane. Call it on the lane's thread.
func (l *Lane) Status() LaneStatus {
	s := LaneStatus{Fenced: l.fenced(), Seeking: l.seeking(), Waiting: l.hall.Waiting(), Refused: l.hall.Refused, Answered: l.hall.Answered, Hits: l.hits, Misses: l.misses,
		Shipped: l.pace.sent, Shipping: l.pace.ships, Refusals: l.refusals, Policy: l.policy(), Curve: l.curvePoints(), Evicted: l.evicted, Expired: l.expired, Holds: l.Holdings(), Slow: l.judge.AllSlow(), Yielded: l.yielded, Hot: l.hotStatus()}
	for _, g := range l.order {
		st := g.member.Status()
		gs := GroupStatus{Shard: g.shard, Replica: g.replica, Role: st.Role, Leader: g.member.Leader(), LeaderOn: l.hall.Leader(g.shard),
			Term: g.member.Term(), Commit: st.Commit, Applied: g.member.Applied(), Last: g.member.LastIndex(), Lag: st.Lag,
			Voters: replicas(g.member.Conf().Voters), Outgoing: replicas(g.member.Conf().VotersOutgoing), Learners: replicas(g.member.Conf().Learners), LogBytes: g.member.LogBytes(), LeaseLeft: st.LeaseLeft}
		if p := l.m.Placement(g.shard); p != nil {
			gs.Preferred = p.Preferred
		}
		if g.store != nil {
			gs.Keys, gs.Bytes = g.store.Len(), g.store.Bytes()
			s.Memory.Add(g.store.Memory())
			s.LogTime = max(s.LogTime, g.store.Time())
		}
		s.Bytes += gs.Bytes + gs.LogBytes
		s.Groups = append(s.Groups, gs)
	}
	return s
}

func (l *Lane) fenced() bool {
	self := l.m.Member(l.cfg.Self.ID)
	return self != nil && self.Incarnation > l.cfg.Self.Incarnation
}
