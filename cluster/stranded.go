package cluster

import (
	"time"

	"torc/core/wire"
)

// A group can be lost although the map counts lives enough. The map lags: the group's last change let go of a voter that
// lives, one of those that it kept died, and nobody led long enough after it to tell. The map then takes the one that was let
// go for a voter, sees a majority, and waits for it for ever.
//
// So a replica that has known no leader for long says what configuration it has applied, unasked. If that one has lost its
// quorum the shard is as doubtful as one whose voters are over by the map, and is sealed after the same grace. This
// decides nothing: what becomes of the shard rests on what the sealed ones say (loss.go).

// strandedElections is how many election timeouts without a leader make a replica speak.
const strandedElections = 3

// strandedFor is how long the word of a stranded replica counts, in ticks: several of its rounds.
const strandedFor = 5 * sealedEvery

// tellStranded tells the meta group's leader, again and again, that nobody leads this replica's group.
func (g *group) tellStranded() {
	if g.shard == wire.MetaShard || g.member.Leader() != 0 || !g.votes() {
		g.leaderless = 0
		return
	}
	if g.leaderless++; g.leaderless >= strandedElections*g.lane.cfg.ElectionTicks {
		g.tellSealed()
	}
}

// onStranded takes the word of a replica that nobody leads and that is not to be sealed.
func (l *Lane) onStranded(m *wire.ClusterMap, p *wire.Placement, s *wire.Sealed) {
	if l.leading && !standing(m, p, s.Conf) { // else its next round begins to listen
		l.stranded[p.Shard] = strandedWord{s.Replica, l.env.Now()}
	}
}

// strandedWord is what a replica said last of its group, that it cannot go on.
type strandedWord struct {
	by wire.ReplicaID
	at time.Duration
}

// isStranded reports whether somebody of a shard's present group said, a moment ago, that it cannot go on as it is. The word of
// one from before a reset is about the group that was lost.
func (l *Lane) isStranded(p *wire.Placement) bool {
	word, told := l.stranded[p.Shard]
	return told && p.Replica(word.by) != nil && l.env.Now()-word.at < strandedFor*l.cfg.Tick
}

// standing reports whether a quorum of a configuration is not over, as far as the map knows.
func standing(m *wire.ClusterMap, p *wire.Placement, conf wire.ConfState) bool {
	left := map[uint64]bool{} // for look-up, never ranged
	for _, r := range p.Replicas {
		left[uint64(r.ID)] = !superseded(m, r)
	}
	return quorumOf(conf.Voters, left) && quorumOf(conf.VotersOutgoing, left)
}
