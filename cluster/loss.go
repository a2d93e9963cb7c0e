package cluster

import (
	"slices"
	"time"

	"torc/core/ring"
	"torc/core/wire"
)

// When a shard has lost its quorum for good the meta group begins it anew, empty, and says so. Two
// things must not happen: that the old group goes on beside the new one (two owners of a key), and
// that a group is given up which could have gone on (acknowledged writes lost for nothing).
//
// The naive way is to count the dead by the map, and to reset when too few are left. It fails: the
// map lags. It says that 1, 2 and 3 vote, and 1 and 2 are dead; but 4, a learner in the map, was made a
// voter in the place of 1 before 2 died, and 3 and 4 serve. Nor does it help to ask them: an append
// of 2's that is still under way may tell them tomorrow that 4 votes. So it takes two steps.
//
//  1. Seal. When so many lives are over that the voters of the map cannot make a quorum, or those of the configuration
//     that a stranded replica tells of (stranded.go), and have been for the grace period, the map asks for a seal. A replica whose node adopts that map and which
//     knows no leader (a learner: at once) takes no more messages, ticks no more and answers nobody, and
//     says what configuration it has applied (Sealed). A group that can go on has a leader, obeys
//     in part or not at all, and its report (liftSeal) or what the sealed ones say lifts the seal; it loses
//     a moment, no more. A seal is lifted by a later map and by nothing else.
//  2. Reset. Of a sealed shard the meta group's leader knows what is left. If that is lost for sure
//     it asks for new replicas, in a command that is void unless seal and replicas are still the same.
//
// Whose life is over (superseded: its node has begun a later one, or the operator has said that it never
// comes back, MetaForget) counts as sealed: what is in memory only does not come back, and what it sent is
// dropped by whoever has the map (OnFrame). The map knows every replica that votes or ever can (reportedRole
// drops only those that are over, or whose turn is). So, with N those replicas that are not over:
//
//   - Fenced. Every configuration of the group has at least as many voters as the map says now, or
//     the wanted number if that is less (mend adds before it removes, and promotes one for one): fewer than
//     the cluster was made for where fewer nodes are to hold anything, down to one. What counts is the fewest that any
//     map ever wanted: a leader that has an older one goes by that. A quorum
//     needs more than half of that. While fewer of N than that have not sealed themselves, nothing can
//     ever be committed, no leader elected, no lease renewed; and old leases ran out in the grace period. That begins anew
//     with every life of the shard's that is over: 3 and 4 may have served until 4 was restarted a moment ago, long after the map
//     had asked for the seal.
//   - Sure. If all of N have sealed themselves, the newest configuration that one of them has applied is
//     the group's: any later one would have to be committed by a quorum of it. If N holds no quorum of
//     it, the group is lost. If some of N are silent they may know a later one, so then the shard is given
//     up only when they, with all that ever had a part of the log, are too few for any quorum. (Who has
//     never had any is nobody's voter, unless the map says that it votes: mend promotes those that have answered.) Otherwise it waits: for
//     the silent ones to speak, to be superseded, or for the operator.
//
// A new group's replicas have new IDs, on lives that the meta group's leader has heard a moment ago. They
// start with the founders as their first configuration, however late and from whichever later map: an
// ID is started once in a life, so a late founder has promised nothing yet; it is as slow as one that
// was paused when the others began.

// LossPolicy says what becomes of a shard that has lost its quorum for good.
type LossPolicy uint8

// The policies. That of the meta group's leader counts.
const (
	LossReset  LossPolicy = iota // it is begun anew, empty, and the loss is declared
	LossRefuse                   // it stays down until an operator decides
)

// doubt is what the meta group's leader keeps of a shard that may be lost.
type doubt struct {
	since time.Duration                   // it is, or the last of its replicas was over
	over  []wire.ReplicaID                // those that are
	told  map[wire.ReplicaID]*wire.Sealed // for look-up, never ranged
}

// onItsWay reports whether a shard is better left alone by whoever places replicas.
func onItsWay(m *wire.ClusterMap, p *wire.Placement) bool {
	return p.Shard != wire.MetaShard && (p.Seal != 0 || m.QuorumGone(p))
}

// overseeLosses is the part of the meta leader's round that looks for lost shards.
func (l *Lane) overseeLosses(m *wire.ClusterMap) {
	for i := range m.Placements {
		p := &m.Placements[i]
		if !onItsWay(m, p) && !l.isStranded(p) {
			delete(l.doubts, p.Shard)
			continue
		}
		d := l.doubts[p.Shard]
		if d == nil {
			d = &doubt{since: l.env.Now(), told: map[wire.ReplicaID]*wire.Sealed{}}
			l.doubts[p.Shard] = d
		}
		l.mournReplicas(m, p, d)
		switch {
		case p.Seal != 0 && l.cfg.OnQuorumLoss == LossRefuse:
			l.command(&wire.MetaCommand{Kind: wire.MetaUnseal, Shard: p.Shard, Seal: p.Seal})
		case p.Seal != 0:
			l.decide(m, p, d)
		case l.cfg.OnQuorumLoss == LossReset && l.env.Now()-d.since >= l.resetGrace():
			l.command(&wire.MetaCommand{Kind: wire.MetaSeal, Shard: p.Shard, Index: p.ConfIndex})
		}
	}
}

// mournReplicas has a doubt's grace begin anew with every replica that is over: with each the group may have lost its quorum only now.
func (l *Lane) mournReplicas(m *wire.ClusterMap, p *wire.Placement, d *doubt) {
	for _, r := range p.Replicas {
		if superseded(m, r) && !slices.Contains(d.over, r.ID) {
			d.over, d.since = append(d.over, r.ID), l.env.Now()
		}
	}
}

// decide does with a sealed shard what is sure.
func (l *Lane) decide(m *wire.ClusterMap, p *wire.Placement, d *doubt) {
	switch c, lost := judge(m, p, d.told); {
	case !lost && c != nil: // it can go on
		if roles := setRolesOf(&wire.Report{Shard: p.Shard, Applied: c.Applied, Conf: c.Conf}); settledBy(c, d.told) && wouldChange(m, roles) {
			l.command(roles)
		}
		d.since = l.env.Now()
		l.command(&wire.MetaCommand{Kind: wire.MetaUnseal, Shard: p.Shard, Seal: p.Seal})
	case lost && l.env.Now()-d.since >= l.resetGrace():
		if founders := l.founders(m, p.Shard, d.since); len(founders) > 0 && (len(founders) >= int(m.Replication) || l.env.Now()-d.since >= 2*l.resetGrace()) {
			l.command(&wire.MetaCommand{Kind: wire.MetaReset, Shard: p.Shard, Seal: p.Seal, Voters: idsOf(p.Replicas), Founders: founders, At: l.env.Wall()})
		}
	}
}

// liftSeal lets a shard that was to be sealed go on, as its leader's report shows that it can. Its voters are not
// sealed, and so never say anything; whoever else has sealed himself would wait for ever.
func (l *Lane) liftSeal(m *wire.ClusterMap, r *wire.Report) {
	p := m.Placement(r.Shard)
	if p == nil || p.Seal == 0 || p.Replica(r.Replica) == nil {
		return
	}
	if d := l.doubts[r.Shard]; d != nil {
		d.since = l.env.Now()
	}
	l.command(&wire.MetaCommand{Kind: wire.MetaUnseal, Shard: p.Shard, Seal: p.Seal})
}

// judge says of a sealed shard that it is lost, or which replica's word shows that it can go on, or
// neither.
func judge(m *wire.ClusterMap, p *wire.Placement, told map[wire.ReplicaID]*wire.Sealed) (newest *wire.Sealed, lost bool) {
	voters, silent, knowing := 0, 0, 0
	left := map[uint64]bool{} // for look-up, never ranged
	for _, r := range p.Replicas {
		if r.Role.Votes() {
			voters++
		}
		if superseded(m, r) {
			continue
		}
		left[uint64(r.ID)] = true
		switch s := told[r.ID]; {
		case s == nil || s.Seal != p.Seal:
			silent++
		case s.Last > 0 || r.Role.Votes():
			knowing++
			if len(s.Conf.Voters) > 0 && (newest == nil || s.Applied > newest.Applied) {
				newest = s
			}
		}
	}
	if newest != nil && quorumOf(newest.Conf.Voters, left) && quorumOf(newest.Conf.VotersOutgoing, left) {
		return newest, false
	}
	quorum := min(voters, int(fewest(m)))/2 + 1
	return nil, silent == 0 || silent+knowing < quorum
}

// settledBy reports whether so many sealed replicas know of a configuration that whom it leaves out may
// stop (core/raft's settle.go says why that is asked).
func settledBy(c *wire.Sealed, told map[wire.ReplicaID]*wire.Sealed) bool {
	know := map[uint64]bool{} // for look-up, never ranged
	for _, id := range c.Conf.Voters {
		s := told[wire.ReplicaID(id)]
		know[id] = s != nil && s.Seal == c.Seal && s.Applied >= c.Applied
	}
	return len(c.Conf.VotersOutgoing) == 0 && quorumOf(c.Conf.Voters, know)
}

// quorumOf reports whether a majority of the voters is left; of none, all are.
func quorumOf(voters []uint64, left map[uint64]bool) bool {
	n := 0
	for _, id := range voters {
		if left[id] {
			n++
		}
	}
	return len(voters) == 0 || n > len(voters)/2
}

// freshTicks is how lately a life must have been heard to hold a replica of a new group, and since the loss in any case: whatever took the
// others may have cut it off, and a grace may be shorter. One that is cut off a moment later has been heard all the same. It begins when it
// hears of the map; till then the group must do with the others, and nothing is lost by it, for it has promised nothing.
const freshTicks = 60

// founders are the lives that begin a shard anew which was lost at this time, who should lead first.
func (l *Lane) founders(m *wire.ClusterMap, shard wire.ShardID, since time.Duration) (list []wire.Replica) {
	var fresh []wire.Member
	since = max(since, l.env.Now()-freshTicks*l.cfg.Tick)
	for _, who := range m.Members {
		at, heard := l.heard[who.ID]
		if who.State == wire.MemberActive && (who.ID == l.cfg.Self.ID || heard && at > since) {
			fresh = append(fresh, who)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	for _, node := range ring.Place(fresh, int(m.Shards), int(m.Replication), stayingOf(m))[shard].Nodes {
		list = append(list, wire.Replica{Node: node, Incarnation: m.Member(node).Incarnation})
	}
	return list
}

// onSealed takes what a sealed or stranded replica says, from its node; who does not lead the meta group passes it on.
func (l *Lane) onSealed(from wire.NodeID, life wire.Incarnation, s *wire.Sealed) {
	g := l.groups[wire.MetaShard]
	if g == nil || !g.member.Leads() {
		if to := l.hall.Leader(wire.MetaShard); from == l.cfg.Self.ID && to != 0 && to != from {
			l.send(to, s)
		}
		return
	}
	p := g.meta.m.Placement(s.Shard)
	if p == nil || p.Seal != s.Seal {
		return
	}
	r := p.Replica(s.Replica)
	if r == nil || r.Node != from || r.Incarnation != life {
		return
	}
	if d := l.doubts[s.Shard]; s.Seal == 0 {
		l.onStranded(g.meta.m, p, s)
	} else if d != nil {
		d.told[s.Replica] = s
	}
}

// newLosses are the shards that a map declares lost and the one before did not.
func newLosses(before, after *wire.ClusterMap) (lost []*wire.Placement) {
	if before == nil {
		return nil // who has just come has lost nothing
	}
	for i := range after.Placements {
		if p := &after.Placements[i]; i < len(before.Placements) && p.Losses > before.Placements[i].Losses {
			lost = append(lost, p)
		}
	}
	return slices.Clip(lost)
}
