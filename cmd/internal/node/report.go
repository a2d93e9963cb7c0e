package node

import (
	"context"
	"time"

	torcv1 "torc/api/v1"
	"torc/cluster"
	"torc/core/gossip"
	"torc/core/wire"
)

// Report is the node's status for the gRPC API.
func (b backend) Report(ctx context.Context) (*torcv1.StatusResponse, error) {
	s, err := b.n.Status(ctx)
	if err != nil {
		return nil, err
	}
	r := &torcv1.StatusResponse{ClusterId: s.ClusterID, Epoch: uint64(s.Epoch), UptimeMillis: s.Uptime.Milliseconds(), Lanes: uint32(len(s.Lanes))}
	for _, loss := range s.Losses {
		if loss.Shard == wire.MetaShard {
			r.MetaLosses, r.MetaLostAtMillis = loss.Losses, loss.LostAt
		}
	}
	for _, l := range s.Lanes {
		r.Answered += l.Answered
		r.Refused += l.Refused
		r.Waiting += uint64(l.Waiting)
	}
	for _, g := range s.groups() {
		r.Replicas = append(r.Replicas, replicaReport(&g))
	}
	r.Eviction = evictionReport(s)
	h := s.hot()
	r.HotKeys = &torcv1.HotKeys{Held: uint64(h.Keys), Reads: h.Reads, Copies: h.Taken, Recalls: h.Recalls}
	own := gossip.Event{Node: s.ID, Incarnation: s.Incarnation, Status: gossip.Alive, Digest: s.Health.Encode()}
	for _, e := range append([]gossip.Event{own}, s.Peers...) {
		r.Peers = append(r.Peers, beliefReport(&e))
	}
	return r, nil
}

func beliefReport(e *gossip.Event) *torcv1.Belief {
	p := &torcv1.Belief{Node: uint64(e.Node), Incarnation: uint64(e.Incarnation), Belief: e.Status.String()}
	if h, err := gossip.DecodeHealth(e.Digest); err == nil && e.Status < gossip.Dead {
		p.Health = &torcv1.Health{Epoch: uint64(h.Epoch), UptimeSeconds: int64(h.Uptime / time.Second), RequestRate: h.RequestRate, Waiting: h.Waiting,
			MemoryUsed: h.MemoryUsed, MemoryMax: h.MemoryMax, HitRate: int32(h.HitRate), Replicas: h.Replicas, Leads: h.LeadCount}
	}
	return p
}

func replicaReport(g *cluster.GroupStatus) *torcv1.ReplicaStatus {
	r := &torcv1.ReplicaStatus{Shard: uint32(g.Shard), Replica: uint64(g.Replica), Role: g.Role, Leader: uint64(g.LeaderOn), Term: g.Term,
		Commit: g.Commit, Applied: g.Applied, Voters: numbers(g.Voters), Learners: numbers(g.Learners),
		Keys: uint64(g.Keys), Bytes: uint64(g.Bytes), LogBytes: uint64(g.LogBytes)}
	for _, lag := range g.Lag {
		r.Lag = max(r.Lag, lag)
	}
	return r
}

func numbers(ids []wire.ReplicaID) (out []uint64) {
	for _, id := range ids {
		out = append(out, uint64(id))
	}
	return out
}
