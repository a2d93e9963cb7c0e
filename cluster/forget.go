package cluster

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"time"

	"torc/core/gossip"
	"torc/core/wire"
)

// A machine that is gone for good proves nothing: it is as silent as one that is cut off. So its replicas
// keep a shard that cannot do without them down until the operator says that this life never comes back
// (loss.go). If that is wrong, and those who were forgotten are a majority of a shard and live on
// somewhere together, they serve whoever reaches them beside the group that is begun anew, until they hear
// of the map. No check from here can see that, so the word must not be given by accident:
//
//   - Nobody is forgotten who is heard, by this leader's own ears or by gossip, or who was half a grace ago.
//   - Who asks is first told what would be lost, with a code that only this answer gives away and that
//     fits no other node, no other life of it and no other cluster.

// forgetNode is the clerk for AdminForget.
func (l *Lane) forgetNode(m *wire.ClusterMap, p *petition) *wire.Told {
	who := m.Member(p.Node)
	if who == nil {
		return nobody(m)
	}
	code := forgetCode(m.ClusterID, who.ID, who.Incarnation)
	switch {
	case p.proposed && p.Confirm != code, forgotten(who) && p.Confirm == forgetCode(m.ClusterID, who.ID, who.Incarnation-1):
		return done("%s is forgotten: what it held counts as lost; started anew it joins as a new node", nameOf(who))
	case forgotten(who):
		return refused(wire.RefusalAlready, "%s is forgotten already", nameOf(who))
	case who.State == wire.MemberLeft:
		return refused(wire.RefusalAlready, "%s has left: it holds nothing that could be waited for", nameOf(who))
	}
	if why := l.signOfLife(who); why != "" {
		return refused(wire.RefusalLives, "%s", why)
	}
	if p.Confirm != code {
		t := &wire.Told{Refusal: wire.RefusalUnconfirmed, Lines: l.forgetFindings(m, who), Confirm: code}
		if p.Confirm != 0 {
			t.Lines = append([]string{"the code does not fit: it is of another node, another cluster or a former life of this one"}, t.Lines...)
		}
		return t
	}
	return l.ordered(p, &wire.MetaCommand{Kind: wire.MetaForget, Node: who.ID, Incarnation: who.Incarnation})
}

// forgetCode is what the operator must repeat. It is no secret.
func forgetCode(cluster uint64, node wire.NodeID, life wire.Incarnation) uint64 {
	h := fnv.New32a()
	b := binary.BigEndian.AppendUint64([]byte("forget"), cluster)
	b = binary.BigEndian.AppendUint64(b, uint64(node))
	_, _ = h.Write(binary.BigEndian.AppendUint64(b, uint64(life)))
	return max(uint64(h.Sum32()), 1)
}

// signOfLife says why a life may not be gone, or nothing. A leader that is new has listened for
// too short a time to tell.
func (l *Lane) signOfLife(who *wire.Member) string {
	silent, enough := l.env.Now()-max(l.heard[who.ID], l.since), l.cfg.Grace/2
	switch e, ok := l.view.Of(who.ID); {
	case who.ID == l.cfg.Self.ID:
		return nameOf(who) + " leads the meta group: it lives"
	case silent < enough:
		return fmt.Sprintf("%s was heard %s ago, or this meta leader is newer than that: nobody is forgotten who has not been silent for %s", nameOf(who), silent.Round(time.Second), enough)
	case ok && e.Incarnation == who.Incarnation && e.Status == gossip.Alive:
		return nameOf(who) + " is heard by others, though not by the meta group's leader: mend the network"
	}
	return ""
}

// forgetFindings tell what forgetting a node would do.
func (l *Lane) forgetFindings(m *wire.ClusterMap, who *wire.Member) []string {
	after := m.Clone()
	forget(after, &wire.MetaCommand{Node: who.ID, Incarnation: who.Incarnation})
	fate := fmt.Sprintf("cannot do without it: given up, and begun anew, EMPTY, about %s later", l.resetGrace())
	if l.cfg.OnQuorumLoss == LossRefuse {
		fate = "cannot do without it, and stays down (the policy is refuse)"
	}
	var found findings
	for i := range m.Placements {
		p := &m.Placements[i]
		r := p.On(who.ID, who.Incarnation)
		switch {
		case r == nil:
		case m.QuorumGone(p):
			found.add(p.Shard, "has no majority already; a replica less may know of one")
		case after.QuorumGone(&after.Placements[i]):
			found.add(p.Shard, fate)
		default:
			found.add(p.Shard, "loses a replica, keeps its majority, and is given another one if a node can hold it")
		}
	}
	if len(found.texts) == 0 {
		return []string{nameOf(who) + " holds nothing: no shard loses anything"}
	}
	return append(found.lines(), fmt.Sprintf("if %s lives on all the same, cut off, it and others like it may serve their side with what they hold: be sure that it is gone", nameOf(who)))
}
