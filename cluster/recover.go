package cluster

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"torc/core/gossip"
	"torc/core/wire"
)

// The meta group decides what becomes of every other shard that has lost its quorum (loss.go); when it has
// lost its own, nobody is left to decide. Data shards serve on while they have their majorities, but no node
// is admitted, replaced, or forgotten. Then an operator may begin the meta group anew, on a node that has
// lived through it and has the map:
//
//	the newest map that a node in reach has --> the same, but: the meta group is one new replica, here;
//	                                            an epoch and replica IDs above all that there were
//
// All else is what the cluster does anyway: fresh lives say hello and are admitted, the new group grows to
// the wanted number, and data shards that are lost are sealed and begun anew.
//
// What the operator asserts: every node that is not in reach of this one is gone for good, or else holds
// nothing that is to be kept. From that follows:
//
//   - Enough is known. A map counts only by what nodes have done on it, and a node that has a newer one
//     says so with its hello (onHello), and sends it. So this map is at least as new as all that the nodes in
//     reach have acted on: it names every replica that they run. What was decided after it, nobody who
//     lives has heard of. (It may have given out replica IDs; so this one skips a great many.)
//   - The old group is over. Its replicas have other IDs, and are not in the map: who hears of it ends them.
//     Its maps have lesser epochs, however many it makes: recoveries count in an epoch's upper bits.
//     Its reports are of a former group (ofFormerGroup).
//
// What would break if the assertion is wrong: until they hear of each other, two meta groups decide. The old
// one serves its side: it may move a shard to replicas that this map has never heard of, or begin one anew,
// while the new one begins the same shard anew here. Two owners of a key, then, and clients of both. When
// they meet the greater epoch holds: the other side's replicas that are not in it end, and what was
// acknowledged by them alone is lost without being declared. Nothing from before the split is lost for a
// shard whose replicas neither side had to replace. Of two operators who do this on two sides the same is
// true, and a random part of the epoch says who holds.
//
// So it is refused while there is any sign that the old group lives: this node's replica follows a
// leader, a leader answers when asked, a majority of the voters was heard by this node or by gossip within
// half a grace, or a node in reach has a newer map. (A group of nodes in reach that is between two leaders,
// and whose configuration this node has not heard of yet, shows none of them for a moment. It is fenced
// within a hello's time, and what it decides in between is undone, as above.) And nothing is done without the code that shows that
// its consequences were read.

// recoverMeta is the clerk for AdminRecoverMeta, on the node that was asked.
func (l *Lane) recoverMeta(m *wire.ClusterMap, p *petition) *wire.Told {
	if why := l.unfitToRecover(m); why != "" {
		return refused(wire.RefusalState, "%s", why)
	}
	if why := l.metaLives(m); why != "" {
		return refused(wire.RefusalLives, "%s", why)
	}
	v := l.inspect(p.since)
	if v == nil {
		return nil // it asks around first whether anybody leads; meanwhile all in reach say hello once more
	}
	if v.answers[wire.MetaShard] != nil {
		return refused(wire.RefusalLives, "the meta group has a leader: it answers this node")
	}
	code := recoverCode(m, &l.cfg.Self)
	if p.Confirm != code {
		t := &wire.Told{Refusal: wire.RefusalUnconfirmed, Lines: l.recoverFindings(m, v), Confirm: code}
		if p.Confirm != 0 {
			t.Lines = append([]string{"the code does not fit: it is of another node, or this one's map has changed since"}, t.Lines...)
		}
		return t
	}
	next := recovered(m, &l.cfg.Self, l.env.Uint64(), l.env.Wall())
	l.newMap(next)
	return done("the meta group is begun anew on %s, from its map of epoch %d; the new one has epoch %d: see torc status", nameOf(&l.cfg.Self), m.Epoch, next.Epoch)
}

// recoverCode is what the operator must repeat. It is no secret.
func recoverCode(m *wire.ClusterMap, self *wire.Member) uint64 {
	h := fnv.New32a()
	b := []byte("recover-meta")
	for _, n := range []uint64{m.ClusterID, uint64(m.Epoch), uint64(self.ID), uint64(self.Incarnation)} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	_, _ = h.Write(b)
	return max(uint64(h.Sum32()), 1)
}

// unfitToRecover says why the meta group cannot be begun anew here, or nothing.
func (l *Lane) unfitToRecover(m *wire.ClusterMap) string {
	if m.Placement(wire.MetaShard) == nil {
		return "this node is in no cluster: ask one that has lived through the loss"
	}
	who := m.Member(l.cfg.Self.ID)
	switch listened := time.Duration(l.ticks) * l.cfg.Tick; {
	case who == nil || who.Incarnation != l.cfg.Self.Incarnation || who.State == wire.MemberLeft:
		return "this life of the node is not in the cluster: ask one that has lived through the loss"
	case listened < l.cfg.Grace/2:
		return fmt.Sprintf("this node has listened for %s only: it must be %s to know who is gone", listened.Round(time.Second), l.cfg.Grace/2)
	}
	for _, other := range m.Members {
		if l.epochs[other.ID] > m.Epoch && l.hears(other.ID) {
			return fmt.Sprintf("%s has a newer map, which is on its way here: ask again", nameOf(&other))
		}
	}
	return ""
}

// metaLives says why the meta group may not be lost, or nothing.
func (l *Lane) metaLives(m *wire.ClusterMap) string {
	g := l.groups[wire.MetaShard]
	if g != nil && g.member.Leader() != 0 {
		return "the meta group has a leader: this node follows it"
	}
	p := m.Placement(wire.MetaShard)
	voters, outgoing := metaVoters(p, g)
	if heard := l.heardOf(p, voters); heard > len(voters)/2 && (len(outgoing) == 0 || l.heardOf(p, outgoing) > len(outgoing)/2) {
		return fmt.Sprintf("%d of the meta group's %d voters were heard within %s: they can elect a leader", heard, len(voters), l.cfg.Grace/2)
	}
	return ""
}

// metaVoters are the voters of the newest configuration of the meta group that this node knows of: its
// own replica's, or the map's when that is from a later one.
func metaVoters(p *wire.Placement, g *group) (voters, outgoing []wire.ReplicaID) {
	if g != nil && g.member.Applied() >= p.ConfIndex {
		if conf := g.member.Conf(); len(conf.Voters) > 0 {
			return replicas(conf.Voters), replicas(conf.VotersOutgoing)
		}
	}
	for _, r := range p.Replicas {
		if r.Role.Votes() {
			voters = append(voters, r.ID)
		}
	}
	return voters, nil
}

func (l *Lane) heardOf(p *wire.Placement, ids []wire.ReplicaID) (n int) {
	for _, id := range ids {
		if r := p.Replica(id); r != nil && l.hearsLife(r) {
			n++
		}
	}
	return n
}

// hearsLife reports whether the life that a replica is on was heard lately, by this node or by gossip.
func (l *Lane) hearsLife(r *wire.Replica) bool {
	if r.Node == l.cfg.Self.ID {
		return r.Incarnation == l.cfg.Self.Incarnation
	}
	e, ok := l.view.Of(r.Node)
	return l.known[r.Node].Incarnation == r.Incarnation && l.hears(r.Node) || ok && e.Incarnation == r.Incarnation && e.Status == gossip.Alive
}

// recoverFindings tell what this node believes, and what would be done.
func (l *Lane) recoverFindings(m *wire.ClusterMap, v *inspection) (lines []string) {
	var voters []string
	for _, r := range m.Placement(wire.MetaShard).Replicas {
		word := "silent"
		switch {
		case r.Node == l.cfg.Self.ID:
			word = "this node"
		case l.known[r.Node].Incarnation > r.Incarnation:
			word = "restarted, empty"
		case l.hearsLife(&r):
			word = "heard"
		}
		voters = append(voters, fmt.Sprintf("%s (%s)", nameOf(memberOr(m, r.Node)), word))
	}
	var reached, gone []string
	for i := range m.Members {
		switch who := &m.Members[i]; {
		case who.ID == l.cfg.Self.ID:
		case l.hears(who.ID):
			reached = append(reached, fmt.Sprintf("%s (epoch %d)", nameOf(who), l.epochs[who.ID]))
		case who.State != wire.MemberLeft:
			gone = append(gone, nameOf(who))
		}
	}
	lines = append(lines,
		fmt.Sprintf("%s has the map of epoch %d; the meta group by that map: %s", nameOf(&l.cfg.Self), m.Epoch, strings.Join(voters, ", ")),
		"in reach: "+orNobody(reached), "not in reach: "+orNobody(gone))
	var found findings
	for i, a := range v.answers {
		if a == nil && i != int(wire.MetaShard) {
			found.add(wire.ShardID(i), "nobody answers as its leader; what cannot be led any more is begun anew, EMPTY, once the meta group decides again")
		}
	}
	return append(append(lines, found.lines()...),
		"a new meta group would begin here, from this map; what was decided later and is known to no node in reach is forgotten",
		"if a node that is not in reach lives on, it is fenced as soon as it hears of this, and what it has acknowledged alone is lost: be sure that it is gone")
}

func orNobody(names []string) string {
	if len(names) == 0 {
		return "nobody"
	}
	return strings.Join(names, ", ")
}

func memberOr(m *wire.ClusterMap, id wire.NodeID) *wire.Member {
	if who := m.Member(id); who != nil {
		return who
	}
	return &wire.Member{ID: id}
}

// skippedIDs is how many replica IDs a recovery skips at least: more than the lost group can have given
// out that nobody has heard of, and few enough for a great many recoveries (versionsAbove counts them, in 31 bits).
const skippedIDs = 1 << 20

// recovered is the first map of a meta group that is begun anew from another one. salt keeps
// two of them apart that are made from the same.
func recovered(m *wire.ClusterMap, self *wire.Member, salt uint64, at int64) *wire.ClusterMap {
	next := m.Clone()
	next.Epoch = m.Epoch.Recovered(salt)
	next.NextReplica += wire.ReplicaID(skippedIDs + salt%skippedIDs)
	who, p := next.Member(self.ID), next.Placement(wire.MetaShard)
	who.State = wire.MemberActive
	p.Replicas = []wire.Replica{{ID: next.NextReplica, Node: who.ID, Incarnation: who.Incarnation, Role: wire.RoleVoter}}
	p.Founders = []wire.ReplicaID{next.NextReplica}
	p.Preferred, p.ConfIndex = who.ID, 0
	p.Losses++
	p.LostAt = at
	next.NextReplica++
	next.Fewest = fewest(next)
	return next
}
