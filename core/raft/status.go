package raft

import (
	"time"

	etcdraft "go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/tracker"

	"torc/core/wire"
)

// Status is how a member stands.
type Status struct {
	Role      string
	Commit    uint64
	Lag       map[wire.ReplicaID]uint64 // leader only: entries each other replica is behind
	LeaseLeft int64                     // nanoseconds; leader only
}

// Status describes the member.
func (m *Member) Status() Status {
	st := m.node.BasicStatus()
	s := Status{Role: [...]string{"follower", "candidate", "leader", "pre-candidate"}[st.RaftState], Commit: st.GetCommit()}
	if st.RaftState != etcdraft.StateLeader {
		for _, id := range m.conf.Learners {
			if wire.ReplicaID(id) == m.cfg.Replica {
				s.Role = "learner"
			}
		}
		return s
	}
	s.Lag = map[wire.ReplicaID]uint64{}
	m.node.WithProgress(func(id uint64, _ etcdraft.ProgressType, pr tracker.Progress) {
		if wire.ReplicaID(id) != m.cfg.Replica {
			s.Lag[wire.ReplicaID(id)] = m.log.last() - min(pr.Match, m.log.last())
		}
	})
	now := m.cfg.Clock.Now()
	s.LeaseLeft = max(0, int64(m.lease.until(m.cfg.Replica, now, m.conf)-now))
	return s
}

// CaughtUp reports whether a replica holds everything that is committed, as far as this leader knows.
func (m *Member) CaughtUp(id wire.ReplicaID) bool { return m.Behind(id) == 0 }

// nearly is how many entries a learner may lack to be made a voter: under load there are always
// some on their way.
const nearly = 256

// NearlyCaughtUp reports whether a replica may become a voter without holding the group up: it lacks
// little, and it has answered, lately too. In a short log even one that holds nothing lacks little,
// and one that was never heard of may never come; as a voter in the place of another one it would
// cost the group its majority when a second one fails.
func (m *Member) NearlyCaughtUp(id wire.ReplicaID) bool {
	missing := m.Behind(id)
	return missing <= nearly && missing < m.node.BasicStatus().GetCommit() && m.Recent(id)
}

// Behind is how many of the committed entries a replica is not known to hold.
func (m *Member) Behind(id wire.ReplicaID) uint64 {
	missing := m.node.BasicStatus().GetCommit()
	m.node.WithProgress(func(at uint64, _ etcdraft.ProgressType, pr tracker.Progress) {
		if wire.ReplicaID(at) == id {
			missing -= min(pr.Match, missing)
		}
	})
	return missing
}

// Recent reports whether a replica has been heard from within an election timeout: since the last quorum check, or with an answer to
// something that was sent so lately. Right after a check raft has heard nobody, and whoever looks as regularly as it checks would
// find that each time.
func (m *Member) Recent(id wire.ReplicaID) (ok bool) {
	if lately := m.cfg.Clock.Now() - m.cfg.Tick*time.Duration(m.cfg.ElectionTicks); lately > 0 && m.SpokenSince(id, lately) {
		return true
	}
	m.node.WithProgress(func(at uint64, _ etcdraft.ProgressType, pr tracker.Progress) {
		if wire.ReplicaID(at) == id {
			ok = pr.RecentActive
		}
	})
	return ok
}

// SpokenSince reports whether a replica has answered something that this leader sent at this time of
// its clock or later, in this term. It says more than Recent: what raft has heard may have been under way for long.
func (m *Member) SpokenSince(id wire.ReplicaID, at time.Duration) bool {
	return m.lease.acked[id].stamp >= int64(at)
}

// Shipped is how many bytes of the snapshots under way have been sent.
func (m *Member) Shipped() (n int64) {
	for _, s := range m.ships.out {
		n += s.sent
	}
	return n
}
