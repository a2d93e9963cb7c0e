package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/cluster"
	"torc/core/env"
	"torc/core/trace"
	"torc/core/wire"
)

// leasing is a toy that leads shard 1 in term 3, with so much left of its lease.
type leasing struct {
	toy
	left time.Duration
}

func (l *leasing) Start() {}

func (l *leasing) Status() (s cluster.LaneStatus) {
	s.Groups = []cluster.GroupStatus{{Shard: 1, Replica: 7, Role: "leader", Term: 3, LeaseLeft: int64(l.left)}}
	return s
}

// Who is elected while the leader before has a lease is accused; not while it is down, reads by asking a quorum, or was elected again itself.
func TestNoLeaseOutlivesAnElection(t *testing.T) {
	elected := func(node, term uint64) trace.Event {
		return trace.Event{Kind: trace.Role, Shard: 1, Replica: 7, Node: wire.NodeID(node), Term: term, A: 2}
	}
	for _, c := range []struct {
		name  string
		left  time.Duration
		reads cluster.ReadMode
		down  bool
		next  uint64 // node
		bad   bool
	}{
		{"it lasts", time.Millisecond, cluster.ReadLease, false, 2, true},
		{"it is over", 0, cluster.ReadLease, false, 2, false},
		{"nobody reads by it", time.Millisecond, cluster.ReadIndex, false, 2, false},
		{"it died with its holder", time.Millisecond, cluster.ReadLease, true, 2, false},
		{"the same one leads on", time.Millisecond, cluster.ReadLease, false, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := DrawSettings(1)
			toySettings(&s)
			s.Reads, s.Mixed = c.reads, false
			w := newWorld(1, s, func(cfg *cluster.Config, _ int, _ env.Env, _ cluster.Board, _ trace.Sink) Lane {
				return &leasing{toy: toy{cfg: cfg}, left: c.left}
			}, nil)
			for _, n := range w.nodes {
				n.start()
			}
			first, next := elected(1, 3), elected(c.next, 4)
			if c.next != 1 {
				next.Replica = 8
			}
			w.watch.see(&first)
			if c.down {
				w.nodes[0].crash()
			}
			w.watch.see(&next)
			require.Equal(t, c.bad, len(w.violations) > 0, "%v", w.violations)
			if c.bad {
				require.Equal(t, OracleRaft, w.violations[0].Oracle)
				require.Contains(t, w.violations[0].Text, "replica 8 on n2 is elected in term 4, while the lease of replica 7 on n1, which leads in term 3, lasts for another 1ms")
			}
		})
	}
}
