package cluster

import (
	"fmt"
	"slices"
	"strings"

	"torc/core/ring"
	"torc/core/wire"
)

// rollCheck is the clerk for AdminRollCheck: may the node be stopped now, as for an update?
func (l *Lane) rollCheck(m *wire.ClusterMap, p *petition) *wire.Told {
	if p.Node != 0 && m.Member(p.Node) == nil {
		return nobody(m)
	}
	v := l.inspect(p.since)
	if v == nil {
		return nil
	}
	if found := rollFindings(m, v.answers, p.Node); len(found) > 0 {
		return &wire.Told{Refusal: wire.RefusalUnsafe, Lines: found}
	}
	if p.Node == 0 {
		return done("any one node may be stopped now: every replica is well, and each shard keeps its majority without any one of them")
	}
	return done("%s may be stopped now: every replica is well, and each shard keeps its majority without it", nameOf(m.Member(p.Node)))
}

// rollFindings are the reasons against stopping a node now (0: any one node). There is none if every
// shard is led, has all its replicas where they should be, all of them have spoken just now and lack
// little, and each keeps a majority without the node.
func rollFindings(m *wire.ClusterMap, answers []*wire.Inspected, node wire.NodeID) []string {
	var found findings
	for i := range m.Placements {
		p := &m.Placements[i]
		switch {
		case i >= len(answers) || answers[i] == nil:
			found.add(p.Shard, "nobody answers as its leader")
		default:
			found.shard(m, p, answers[i], node)
		}
	}
	if n := replicasToGo(m); n > 0 {
		found.texts = append(found.texts, fmt.Sprintf("%d replicas are yet to be made or moved", n))
		found.shards = append(found.shards, nil)
	}
	return found.lines()
}

func (f *findings) shard(m *wire.ClusterMap, p *wire.Placement, a *wire.Inspected, node wire.NodeID) {
	voters := len(a.Conf.Voters)
	if len(a.Conf.VotersOutgoing) > 0 || len(a.Conf.Learners) > 0 || len(p.Replicas) != voters {
		f.add(p.Shard, "a change of its replicas is under way")
	}
	if want := wanted(m); voters < want {
		f.add(p.Shard, fmt.Sprintf("it has %d of %d replicas", voters, want))
	}
	there := node == 0
	for _, id := range a.Conf.Voters {
		r := p.Replica(wire.ReplicaID(id))
		switch {
		case r == nil || !alive(m, *r):
			f.add(p.Shard, "a replica of it is gone and not yet replaced")
		case !slices.Contains(a.Well, r.ID):
			f.add(p.Shard, fmt.Sprintf("its replica on %s is silent, or lacks much of the log", nameOf(m.Member(r.Node))))
		}
		there = there || r != nil && r.Node == node
	}
	if there && voters-1 < voters/2+1 {
		f.add(p.Shard, fmt.Sprintf("with %d replicas it cannot do without any", voters))
	}
}

// replicasToGo counts the replicas that shards lack on the nodes where they should have them.
func replicasToGo(m *wire.ClusterMap) (n int) {
	for i, target := range ring.Place(holders(m), int(m.Shards), int(m.Replication), stayingOf(m)) {
		for _, node := range target.Nodes {
			if r := m.Placements[i].On(node, m.Member(node).Incarnation); r == nil || r.Role != wire.RoleVoter {
				n++
			}
		}
	}
	return n
}

// findings are texts, each with the shards that it is true of, in the order in which they came up.
type findings struct {
	texts  []string
	shards [][]wire.ShardID
}

func (f *findings) add(shard wire.ShardID, text string) {
	i := slices.Index(f.texts, text)
	if i < 0 {
		i = len(f.texts)
		f.texts, f.shards = append(f.texts, text), append(f.shards, nil)
	}
	if n := len(f.shards[i]); n == 0 || f.shards[i][n-1] != shard {
		f.shards[i] = append(f.shards[i], shard)
	}
}

func (f *findings) lines() (lines []string) {
	for i, text := range f.texts {
		if len(f.shards[i]) > 0 {
			text = shardsText(f.shards[i]) + ": " + text
		}
		lines = append(lines, text)
	}
	return lines
}

// shardsShown is how many shards a finding names.
const shardsShown = 8

func shardsText(shards []wire.ShardID) string {
	var names []string
	for _, s := range shards[:min(len(shards), shardsShown)] {
		if s == wire.MetaShard {
			names = append(names, "meta")
		} else {
			names = append(names, fmt.Sprint(s))
		}
	}
	text := "shard " + strings.Join(names, ", ")
	if len(shards) > 1 {
		text = "shards " + strings.Join(names, ", ")
	}
	if more := len(shards) - shardsShown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
