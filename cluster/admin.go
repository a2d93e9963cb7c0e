package cluster

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"torc/core/wire"
)

// Operators' requests. Any node takes them; the meta group's leader deals with them.
//
//	Admin ----> the origin's desk --Ask--> the meta leader's desk --> clerk
//	told <----------'              <--Told-------'                    nil: look again next tick
//
// A request is answered when the map shows that it is done, or when a clerk has found a reason
// against it. It may be sent, or proposed, more than once: each of them says what should be, not
// what should change. When the time is over and it had been sent on or proposed, the answer is
// that nobody knows.
//
// A request that IsLocal is about the node that was asked, and is dealt with there.
//
// To add one: an AdminOp (core/wire/admin.go), a clerk in a file of its own, a line in clerkOf.

// clerk deals with one sort of request at the meta group's leader. It is asked again every tick
// until it has an answer.
type clerk func(l *Lane, m *wire.ClusterMap, p *petition) *wire.Told

func clerkOf(op wire.AdminOp) clerk {
	switch op {
	case wire.AdminDrain:
		return (*Lane).drain
	case wire.AdminUndrain:
		return (*Lane).undrain
	case wire.AdminSetWeight:
		return (*Lane).setWeight
	case wire.AdminRollCheck:
		return (*Lane).rollCheck
	case wire.AdminProgress:
		return (*Lane).progress
	case wire.AdminForget:
		return (*Lane).forgetNode
	case wire.AdminSetPolicy:
		return (*Lane).setPolicy
	case wire.AdminRecoverMeta:
		return (*Lane).recoverMeta
	}
	return nil
}

// petitionsMax bounds the requests that wait on a desk; operators are few.
const petitionsMax = 64

// resendTicks is after how many ticks a request is sent to the leader again.
const resendTicks = 20

// desk is where a lane keeps operators' requests. Only lane 0 has any.
type desk struct {
	number   uint64
	open     []*petition
	visiting *inspection // of the shards, for whoever asked (inspect.go)
}

// petition is a request that waits.
type petition struct {
	wire.Ask
	deadline time.Duration
	told     func(*wire.Told)
	from     wire.NodeID // the origin, zero for this node
	life     wire.Incarnation

	ticks    int         // since it was sent, or proposed
	sentTo   wire.NodeID // of the origin's
	proposed bool        // it may be carried out from now on
	since    time.Duration
}

// Admin takes an operator's request (lane 0 only). told is called exactly once, on the lane's
// thread, perhaps at once.
func (l *Lane) Admin(a *wire.Ask, told func(*wire.Told)) {
	l.desk.number++
	p := &petition{Ask: *a, told: told}
	p.ID = l.desk.number
	l.receive(p)
}

func (l *Lane) receive(p *petition) {
	timeout := time.Duration(p.TimeoutMillis) * time.Millisecond
	if timeout <= 0 {
		timeout = l.cfg.Timeout
	}
	p.since = l.env.Now()
	p.deadline = p.since + timeout
	switch {
	case clerkOf(p.Op) == nil:
		p.told(refused(wire.RefusalValue, "this node knows no such request: it runs an older version"))
	case len(l.desk.open) >= petitionsMax:
		p.told(refused(wire.RefusalState, "too many requests are waiting: try again"))
	default:
		l.desk.open = append(l.desk.open, p)
		l.deal()
	}
}

// onAsk takes a request that another node has sent here as to the meta group's leader.
func (l *Lane) onAsk(f *wire.Frame, a *wire.Ask) {
	g := l.groups[wire.MetaShard]
	if g == nil || !g.member.Leads() || a.Op.IsLocal() {
		return // the origin finds out who leads, and asks again
	}
	same := func(p *petition) bool { return p.from == f.From && p.life == f.FromIncarnation && p.ID == a.ID }
	if slices.ContainsFunc(l.desk.open, same) {
		return
	}
	from, life := f.From, f.FromIncarnation
	l.receive(&petition{Ask: *a, from: from, life: life, told: func(t *wire.Told) {
		t.ID = a.ID
		front{l}.Answer(from, life, t)
	}})
}

// onTold takes the leader's answer.
func (l *Lane) onTold(t *wire.Told) {
	i := slices.IndexFunc(l.desk.open, func(p *petition) bool { return p.from == 0 && p.ID == t.ID })
	if i >= 0 {
		l.close(i, t)
	}
}

// deal looks at every request that waits, once a tick.
func (l *Lane) deal() {
	if g := l.groups[wire.MetaShard]; g == nil || !g.member.Leads() {
		l.desk.open = slices.DeleteFunc(l.desk.open, func(p *petition) bool { return p.from != 0 }) // their origins ask the next leader
	}
	for i := 0; i < len(l.desk.open); {
		if t := l.consider(l.desk.open[i]); t != nil {
			l.close(i, t)
		} else {
			i++
		}
	}
	if len(l.desk.open) == 0 {
		l.desk.visiting = nil
	}
}

func (l *Lane) close(i int, t *wire.Told) {
	p := l.desk.open[i]
	l.desk.open = slices.Delete(l.desk.open, i, i+1)
	p.told(t)
}

// consider deals with one request, and returns its answer if there is one.
func (l *Lane) consider(p *petition) *wire.Told {
	p.ticks++
	g := l.groups[wire.MetaShard]
	if p.Op.IsLocal() {
		if t := clerkOf(p.Op)(l, l.m, p); t != nil {
			return t
		}
	} else if g != nil && g.member.Leads() {
		if t := clerkOf(p.Op)(l, g.meta.m, p); t != nil {
			return t
		}
	} else if l.m != nil {
		l.passOn(p)
	}
	switch {
	case l.env.Now() < p.deadline:
		return nil
	case l.m == nil:
		return refused(wire.RefusalNoQuorum, "this node is in no cluster yet")
	case !p.Changes() && (p.sentTo != 0 || g != nil && g.member.Leads()):
		return &wire.Told{Refusal: wire.RefusalUnknown, Lines: []string{"no answer in time: ask again"}}
	case p.proposed || p.sentTo != 0:
		return &wire.Told{Refusal: wire.RefusalUnknown, Lines: []string{"no answer in time: it may have been carried out, or may yet be; ask again, that does no harm"}}
	}
	if !p.Changes() {
		return refused(wire.RefusalNoQuorum, "nobody is known to lead the meta group, and nobody else can say: torc status shows what it lacks")
	}
	return refused(wire.RefusalNoQuorum, "nobody is known to lead the meta group: without a majority of it nothing about the members can be changed; torc status shows what it lacks")
}

// passOn sends a request to the meta group's leader, when that one is new or has not answered.
func (l *Lane) passOn(p *petition) {
	to := l.hall.Leader(wire.MetaShard)
	if to == 0 || to == l.cfg.Self.ID || to == p.sentTo && p.ticks < resendTicks {
		return
	}
	p.sentTo, p.ticks = to, 0
	again := p.Ask
	again.TimeoutMillis = max((p.deadline - l.env.Now()).Milliseconds(), 1)
	l.send(to, &again)
}

// ordered proposes a request's command; the map will show whether it was carried out.
func (l *Lane) ordered(p *petition, c *wire.MetaCommand) *wire.Told {
	if !p.proposed || p.ticks >= resendTicks {
		p.proposed, p.ticks = true, 0
		l.command(c)
	}
	return nil
}

func done(format string, args ...any) *wire.Told {
	return &wire.Told{Lines: []string{fmt.Sprintf(format, args...)}}
}

func refused(why wire.Refusal, format string, args ...any) *wire.Told {
	return &wire.Told{Refusal: why, Lines: []string{fmt.Sprintf(format, args...)}}
}

// nobody is the answer about a node that there is not.
func nobody(m *wire.ClusterMap) *wire.Told {
	var names []string
	for i := range m.Members {
		names = append(names, nameOf(&m.Members[i]))
	}
	return refused(wire.RefusalNoNode, "the cluster has no such node; it has %s", strings.Join(names, ", "))
}
