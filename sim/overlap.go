package sim

import (
	"time"

	"torc/cluster"
	"torc/core/trace"
)

// overlaps holds the leases to what they rest on (core/raft, lease.go): until one is over nobody else is elected. A stale read needs a client that asks the
// old leader in the moments that are left of its lease, for a key that was written at the new one meanwhile; that the lease is there at all is wrong in
// any case, and is seen at the election. A lease that nobody reads by (readindex) may be as long as it likes.
//
// Of all former leaders the one before is enough: of the ones before that it was asked when that one was elected, and no majority has promised them
// anything since.
func (o *watch) overlaps(e *trace.Event, former *leadership) {
	if former.term == 0 || former.node == e.Node {
		return
	}
	n := o.w.nodes[former.node-1]
	if n.state == stateDown || n.incarnation != former.life || o.w.settings.ReadsOf(int(n.index)) != cluster.ReadLease {
		return
	}
	for _, g := range n.lanes[cluster.LaneOf(e.Shard, len(n.lanes))].core.Status().Groups {
		if g.Shard == e.Shard && g.Role == "leader" && g.Term < e.Term && g.LeaseLeft > 0 {
			o.w.violate(OracleRaft, "shard %d: replica %d on n%d is elected in term %d, while the lease of replica %d on %v, which leads in term %d, lasts for another %v",
				e.Shard, e.Replica, e.Node, e.Term, g.Replica, n, g.Term, time.Duration(g.LeaseLeft))
		}
	}
}
