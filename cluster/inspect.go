package cluster

import (
	"slices"
	"time"

	"torc/core/wire"
)

// inspection is a question to the leaders of all shards: how are your replicas? A leader answers
// when all its voters have spoken since, so the answers are younger than the question. Without that, a
// node that was stopped a moment ago would still be counted among the living.
type inspection struct {
	id      uint64
	since   time.Duration
	ticks   int
	answers []*wire.Inspected // by shard
	left    int
	over    bool
}

// within is how long an inspection waits for answers.
func (l *Lane) within() time.Duration { return 2 * l.cfg.Tick * time.Duration(l.cfg.ElectionTicks) }

// inspect returns an inspection that has begun at this time or later and is over; nil: not yet. It is
// asked every tick.
func (l *Lane) inspect(since time.Duration) *inspection {
	v := l.desk.visiting
	if v == nil || v.over && v.since < since {
		l.desk.number++
		v = &inspection{id: l.desk.number, since: l.env.Now(), answers: make([]*wire.Inspected, len(l.m.Placements)), left: len(l.m.Placements)}
		l.desk.visiting = v
	}
	if v.over = v.over || v.left == 0 || l.env.Now()-v.since > l.within(); v.over {
		if v.since < since {
			return nil
		}
		return v
	}
	if v.ticks%4 == 0 {
		l.visit(v)
	}
	v.ticks++
	return nil
}

// visit asks every node that holds a replica of a shard without an answer: this lane knows who leads
// its own shards only, and who does not lead says nothing.
func (l *Lane) visit(v *inspection) {
	for i := range v.answers {
		if v.answers[i] != nil || i >= len(l.m.Placements) {
			continue
		}
		for _, r := range l.m.Placements[i].Replicas {
			if alive(l.m, r) {
				l.send(r.Node, &wire.Inspect{ID: v.id, Shard: wire.ShardID(i), WaitMillis: (l.within() / 2).Milliseconds()})
			}
		}
	}
}

// onInspected takes a leader's answer; of two that think they lead, the later term counts.
func (l *Lane) onInspected(m *wire.Inspected) {
	v := l.desk.visiting
	if v == nil || v.id != m.ID || v.over || int(m.Shard) >= len(v.answers) {
		return
	}
	if v.answers[m.Shard] == nil {
		v.left--
	} else if v.answers[m.Shard].Term >= m.Term {
		return
	}
	v.answers[m.Shard] = m
}

// visitor waits for a group's voters to speak.
type visitor struct {
	id       uint64
	from     wire.NodeID
	life     wire.Incarnation
	asked    time.Duration
	deadline time.Duration
}

// visitorsMax bounds who waits at one group: an inspection asks now and then again.
const visitorsMax = 16

func (g *group) onInspect(f *wire.Frame, m *wire.Inspect) {
	same := func(v visitor) bool { return v.id == m.ID && v.from == f.From && v.life == f.FromIncarnation }
	if !g.member.Leads() || len(g.visitors) >= visitorsMax || slices.ContainsFunc(g.visitors, same) {
		return
	}
	now := g.lane.env.Now()
	wait := min(time.Duration(m.WaitMillis)*time.Millisecond, g.lane.within())
	g.visitors = append(g.visitors, visitor{id: m.ID, from: f.From, life: f.FromIncarnation, asked: now, deadline: now + wait})
}

// answerVisitors answers those for whom every voter has spoken, or who have waited long enough.
func (g *group) answerVisitors() {
	if len(g.visitors) == 0 {
		return
	}
	g.visitors = slices.DeleteFunc(g.visitors, func(v visitor) bool {
		if !g.member.Leads() {
			return true // the next leader will be asked
		}
		a := g.inspected(v)
		if len(a.Well) < len(a.Conf.Voters) && g.lane.env.Now() < v.deadline {
			return false
		}
		front{g.lane}.Answer(v.from, v.life, a)
		return true
	})
}

func (g *group) inspected(v visitor) *wire.Inspected {
	a := &wire.Inspected{ID: v.id, Shard: g.shard, Term: g.member.Term(), Conf: g.member.Conf(), Sent: uint64(g.member.Shipped())}
	for _, id := range a.Conf.Voters {
		r := wire.ReplicaID(id)
		if r == g.replica || g.member.SpokenSince(r, v.asked) && g.member.NearlyCaughtUp(r) {
			a.Well = append(a.Well, r)
		}
	}
	if g.store != nil {
		a.Bytes = uint64(g.store.Bytes())
	}
	return a
}
