package session

import (
	"slices"
	"time"

	"torc/core/invariant"
	"torc/core/limit"
	"torc/core/mutant"
	"torc/core/wire"
)

// redirectsMax is how many hints in a row are followed at once. After that the nodes do not
// agree who leads, and the part backs off like any other.
const redirectsMax = 3

type why uint8

const (
	first      why = iota
	retried        // after a failure, a timeout or a refusal: costs a token
	redirected     // a node or a map told where to go: free
)

// admit gives a part its turn: at once, or for writes when the session's window has room.
func (b *Brain) admit(p *part) {
	if p.fresh && b.atHome(p) {
		b.shed(p)
		return
	}
	if p.write {
		s := &b.shards[p.shard]
		if s.window == nil {
			s.window = newWindowOf(b.client)
		}
		if s.window.full() || len(s.queue) > 0 {
			s.queue = append(s.queue, p)
			b.wait(p, queued, p.op.deadline-b.clock.Now())
			return
		}
		p.window, p.seq = s.window, s.window.open()
	}
	b.try(p, first)
}

// try sends a part, if it can be sent now.
func (b *Brain) try(p *part, w why) {
	p.leaveLine()
	now := b.clock.Now()
	if now >= p.op.deadline {
		b.giveUp(p, wire.ReasonDeadline)
		return
	}
	if w == retried && !b.budget.take(now) {
		b.wait(p, waiting, b.jitter(b.cfg.RetryMax))
		return
	}
	node, addr := b.route(p, now)
	if addr == "" {
		if w == retried {
			b.budget.earn(budgetRetry)
		}
		b.refresh(0)
		b.backOff(p)
		return
	}
	if to := b.peer(addr); to.limit.Full() {
		b.lineUp(p, w, to)
		return
	}
	b.send(p, w, node, addr, now)
}

func (b *Brain) send(p *part, w why, node wire.NodeID, addr string, now time.Duration) {
	switch w {
	case first:
		b.budget.earn(budgetFirst)
	case retried:
		b.stats.Retries++
	}
	limit := min(b.patience(p.shard, node), p.op.deadline-now)
	p.sent, p.wantsMap = true, false
	b.wait(p, inFlight, limit)
	if after := b.hedgeAfter(p, w); after > 0 && after < limit {
		p.hedgeable = true
		b.set(&p.timer, after)
	}
	b.hand(p, attempt{node: node, addr: addr, paid: w == retried, first: w == first}, limit)
}

// hand gives an attempt to the transport.
func (b *Brain) hand(p *part, made attempt, limit time.Duration) {
	b.req = wire.Request{Shard: p.shard, Epoch: b.cmap.Epoch, Cluster: b.cmap.ClusterID, Commands: p.cmds}
	if p.write {
		if p.seq < p.window.base {
			invariant.Check(false, "session: seq %d is below floor %d", p.seq, p.window.base) // asked only then: its words cost memory
		}
		b.req.Session = wire.Session{Client: p.window.client, Seq: p.seq, Floor: p.window.base, Retry: p.window.known || p.inDoubt()}
	}
	b.lastID++
	a := b.newAttempt()
	*a = made
	a.id, a.part, a.peer, a.at = b.lastID, p, b.peer(made.addr), b.clock.Now()
	b.stats.Attempts++
	b.attempts[a.id] = a
	a.peer.asked(a.at)
	a.peer.limit.Begin()
	p.pending = append(p.pending, a)
	// The node is to give up a little before we do: its word is worth more than our silence.
	b.out.Send(a.id, a.addr, &b.req, limit-limit/8)
}

// patience is how long an attempt waits for its answer: not long for that of a node which is called
// down and which nobody names as the leader. (It may come later, and counts then.)
func (b *Brain) patience(id wire.ShardID, node wire.NodeID) time.Duration {
	if b.down(node) && b.shards[id].leader != node {
		return b.cfg.AttemptLimit / 4
	}
	return b.cfg.AttemptLimit
}

// wait sets the one timer of a part: for its state, or for the deadline if that is earlier.
func (b *Brain) wait(p *part, s partState, d time.Duration) {
	p.leaveLine() // whoever waits for something else waits for its node no more
	p.state, p.hedgeable = s, false
	b.set(&p.timer, min(d, p.op.deadline-b.clock.Now()))
}

func (b *Brain) onTimer(p *part) {
	late := p.newest()
	if p.hedgeable && late != nil {
		p.hedgeable = false
		b.set(&p.timer, min(b.patience(p.shard, late.node)-(b.clock.Now()-late.at), p.op.deadline-b.clock.Now()))
		b.hedge(late)
		return
	}
	if late != nil && late.waited(b.clock.Now()) >= b.cfg.AttemptLimit/4 {
		b.silent(late.peer, p.shard, late.at)
	}
	switch {
	case b.clock.Now() >= p.op.deadline:
		b.giveUp(p, wire.ReasonDeadline)
	case late != nil:
		// It stays pending: its answer may still come, and be the first.
		b.end(late, limit.Lost)
		b.noHelp(late)
		b.refresh(0)
		b.try(p, retried)
	default:
		b.try(p, retried)
	}
}

// backOff tries again later.
func (b *Brain) backOff(p *part) {
	b.wait(p, waiting, b.jitter(p.backoff))
	p.backoff = min(2*p.backoff, b.cfg.RetryMax)
}

// OnResponse takes a node's answer to Transport.Send.
func (b *Brain) OnResponse(id uint64, r *wire.Response) {
	b.enter()
	defer b.leave()
	a, awaited := b.answered(id)
	if a == nil {
		return
	}
	if mutant.On(mutant.BreakerFlap) && r.Outcome == wire.OutcomeRefused {
		b.failed(a.peer)
	} else {
		b.heardFrom(a.peer, a.part.shard)
	}
	b.end(a, a.endsAs(endOf(r)))
	if r.Epoch > b.cmap.Epoch && r.Reason != wire.ReasonOtherCluster {
		b.refresh(r.Epoch)
	}
	switch {
	case r.Outcome == wire.OutcomeOK && len(r.Results) == len(a.part.cmds):
		b.onOK(a, r)
	case r.Outcome == wire.OutcomeRefused:
		b.onRefused(a, r, awaited)
	case r.Reason == wire.ReasonSessionExpired:
		b.onForgotten(a, r, awaited)
	case r.Reason == wire.ReasonTooLarge && !a.hedge:
		// Its answer is longer than we take, and stays so however often we ask: the table has the same one.
		b.conclude(a.part, Item{Outcome: wire.OutcomeUnknown, Reason: r.Reason}, nil)
	default: // in doubt; so is an answer that does not fit the question
		a.part.doubt = a.part.doubt || !a.hedge
		if awaited {
			b.noHelp(a)
			b.hint(a.part.shard, r.Leader)
			b.backOff(a.part)
		}
	}
	if a.paid && a.part.state == concluded {
		b.budget.earn(budgetRetry) // it was worth it
	}
}

// endOf is what an answer tells of how much its node can take. How long a refusal took tells nothing: it may have waited
// for a leader that is not there.
func endOf(r *wire.Response) limit.End {
	switch {
	case r.Outcome == wire.OutcomeOK:
		return limit.Answered
	case r.Outcome == wire.OutcomeRefused && r.Reason == wire.ReasonOverloaded:
		return limit.Lost
	}
	return limit.Left
}

// OnFailure says that a Send or FetchMap came to nothing. maybeSent says whether the node
// may have received it.
func (b *Brain) OnFailure(id uint64, maybeSent bool) {
	b.enter()
	defer b.leave()
	if id != 0 && id == b.fetch.id {
		b.failed(b.peer(b.fetch.addr))
		b.endFetch()
		b.fruitless()
		return
	}
	a, awaited := b.answered(id)
	if a == nil {
		return
	}
	b.failed(a.peer)
	b.end(a, a.endsAs(limit.Lost))
	a.part.doubt = a.part.doubt || maybeSent && !a.hedge
	if awaited {
		b.noHelp(a)
		b.refresh(0)
		b.backOff(a.part)
	}
}

// answered takes an attempt off the list of those pending. awaited says that it is the one
// its part waits for: an answer to an older one settles what it can and changes no plans.
func (b *Brain) answered(id uint64) (a *attempt, awaited bool) {
	a = b.attempts[id]
	if a == nil {
		return nil, false
	}
	awaited = a.part.newest() == a
	delete(b.attempts, id)
	i := slices.Index(a.part.pending, a)
	a.part.pending = slices.Delete(a.part.pending, i, i+1)
	b.spares.overAttempt(a)
	return a, awaited
}

func (b *Brain) onOK(a *attempt, r *wire.Response) {
	b.heard = b.clock.Now()
	b.learn(a)
	b.served(a, r)
	if a.part.window != nil {
		a.part.window.known = true
	}
	if !a.part.write && len(r.Results) == 1 {
		b.keep(a, &r.Results[0])
	}
	b.conclude(a.part, Item{}, r.Results)
}

// served notes that a shard's leader answered, here or behind this node. When the first guess was of no help to the part, or
// the map is wrong about the node, that need not be found out again: with a leader by preference that is silent
// every write would wait for it first, and come in doubt to a shard that knows no session of its. So it is with a map that came
// while the question was under way, and prefers another node.
func (b *Brain) served(a *attempt, r *wire.Response) {
	b.hint(a.part.shard, r.Leader)
	if r.Leader != 0 {
		return
	}
	if len(a.part.useless) > 0 || b.down(a.node) || a.part.write && b.view.Preferred(a.part.shard) != a.node {
		b.hint(a.part.shard, a.node)
	}
}

// onRefused: the attempt surely had no effect. What that means for the part depends on its
// other attempts.
func (b *Brain) onRefused(a *attempt, r *wire.Response, awaited bool) {
	p := a.part
	if a.hedge {
		return
	}
	p.refusal = r.Reason
	switch r.Reason {
	case wire.ReasonSessionExpired:
		b.onForgotten(a, r, awaited)
		return
	case wire.ReasonTooLarge, wire.ReasonOutOfMemory:
		// Trying again soon changes nothing but the load. If an earlier attempt is in doubt,
		// though, only the session table can say what became of it.
		if !p.inDoubt() {
			b.conclude(p, Item{Outcome: wire.OutcomeRefused, Reason: r.Reason}, nil)
			return
		}
	}
	if !awaited {
		return
	}
	switch r.Reason {
	case wire.ReasonNotLeader, wire.ReasonNotOwner, wire.ReasonStaleEpoch:
		b.onRedirect(a, r)
	case wire.ReasonOverloaded:
		b.backOff(p) // going elsewhere would only make another node forward to this one
	default:
		b.noHelp(a)
		b.hint(p.shard, r.Leader)
		b.refresh(0)
		b.backOff(p)
	}
}

func (b *Brain) onRedirect(a *attempt, r *wire.Response) {
	p := a.part
	b.noHelp(a)
	b.hint(p.shard, r.Leader)
	known := r.Leader != 0 && r.Leader != a.node && b.view.Member(r.Leader) != nil
	if known && r.Reason != wire.ReasonStaleEpoch && p.redirects < redirectsMax {
		p.redirects++
		b.stats.Redirects++
		b.try(p, redirected)
		return
	}
	p.redirects = 0
	p.wantsMap = r.Reason != wire.ReasonNotLeader || r.Leader != 0 && !known
	b.refresh(r.Epoch)
	b.backOff(p)
}

// onForgotten: the shard does not remember the session, so this attempt had no effect.
func (b *Brain) onForgotten(a *attempt, r *wire.Response, awaited bool) {
	b.served(a, r)
	p := a.part
	if p.write {
		if s := &b.shards[p.shard]; s.window == p.window {
			s.window = newWindow(b.rand)
		}
	}
	switch {
	case !p.write: // nonsense: a read has no session
		if awaited {
			b.backOff(p)
		}
	case p.inDoubt() && !awaited:
		// The part waits for a newer attempt, or is about to make one: let that decide.
	case p.inDoubt():
		b.conclude(p, Item{Outcome: wire.OutcomeUnknown, Reason: wire.ReasonSessionExpired}, nil)
	default:
		p.window.conclude(p.seq)
		p.window, p.seq = nil, 0
		b.drain(p.shard)
		b.admit(p)
	}
}

// giveUp concludes a part that has no time left, with what is known about its attempts.
func (b *Brain) giveUp(p *part, reason wire.Reason) {
	item := Item{Outcome: wire.OutcomeRefused, Reason: reason, Late: reason == wire.ReasonDeadline}
	switch {
	case p.inDoubt():
		item.Outcome = wire.OutcomeUnknown
	case reason == wire.ReasonDeadline && p.refusal != wire.ReasonNone:
		item.Reason = p.refusal
	}
	b.conclude(p, item, nil)
}

// Abandon ends an operation whose caller waits no longer, as its deadline would: nothing of it is sent any more, and its items say what is known. Done
// is called before Abandon returns. An operation that has ended is left alone.
func (b *Brain) Abandon(op *Call) {
	b.enter()
	defer b.leave()
	if i := slices.Index(b.mapless, op); i >= 0 {
		b.mapless = slices.Delete(b.mapless, i, i+1)
		b.refuse(op, wire.ReasonDeadline)
		return
	}
	var own []*part // giving one up moves the others
	for _, p := range b.parts {
		if p.op == op {
			own = append(own, p)
		}
	}
	for _, p := range own {
		if p.state != concluded {
			b.giveUp(p, wire.ReasonDeadline)
		}
	}
}

// conclude ends a part: with results, or with one item for all its commands.
func (b *Brain) conclude(p *part, item Item, results []wire.Result) {
	invariant.Check(p.state != concluded, "session: a part is concluded twice")
	last := len(b.parts) - 1
	b.parts[p.place] = b.parts[last]
	b.parts[p.place].place = p.place
	b.parts[last] = nil
	b.parts = b.parts[:last]
	b.forget(p)
	if p.state == queued {
		s := &b.shards[p.shard]
		if i := slices.Index(s.queue, p); i >= 0 {
			s.queue = slices.Delete(s.queue, i, i+1)
		}
	}
	p.state = concluded
	b.settle(p, item, results)
	b.spares.over(p)
	if s := &b.shards[p.shard]; p.window != nil && p.window == s.window && !p.window.known {
		s.window = newWindow(b.rand) // an opener without an answer may yet begin its session
	}
	if p.write {
		b.drain(p.shard)
	}
}

// forget stops everything that could still call on a part.
func (b *Brain) forget(p *part) {
	b.stop(&p.timer)
	p.leaveLine()
	p.leaveHome()
	for _, a := range p.pending {
		delete(b.attempts, a.id)
		b.end(a, limit.Left)
		b.spares.overAttempt(a)
	}
	if p.window != nil {
		p.window.conclude(p.seq)
	}
}

// settle writes a part's outcomes down.
func (b *Brain) settle(p *part, item Item, results []wire.Result) {
	for i, at := range p.index {
		to := &p.op.Items[at]
		*to = item
		if results != nil {
			*to = Item{Outcome: wire.OutcomeOK, Result: results[i]}
			p.op.Caller.Keep(&to.Result)
		}
	}
	if p.op.left--; p.op.left == 0 {
		if mutant.On(mutant.BatchLies) { // what is true of the first is said of all
			for i := range p.op.Items {
				p.op.Items[i].Outcome, p.op.Items[i].Reason = p.op.Items[0].Outcome, p.op.Items[0].Reason
			}
		}
		b.finished = append(b.finished, p.op)
	}
}

// drain gives queued writes the turns that have become free. One that is too late keeps out
// of it: its timer is due.
func (b *Brain) drain(id wire.ShardID) {
	s := &b.shards[id]
	for len(s.queue) > 0 && !b.stopped && !s.window.full() {
		p := s.queue[0]
		s.queue = s.queue[1:]
		if b.clock.Now() >= p.op.deadline {
			continue
		}
		p.window, p.seq = s.window, s.window.open()
		b.try(p, first)
	}
}
