package sim

import (
	"slices"
	"time"

	"torc/core/limit"
	"torc/core/session"
	"torc/core/trace"
	"torc/core/wire"
)

// client is an endpoint that asks. It either has a session brain, as users of Torc's own
// client do, or is plain: one node at a time, no session, no retry, as Redis users are.
type client struct {
	w        *World
	index    int    // among clients
	endpoint int32  // among endpoints
	rand     Stream // what it does, and when
	chance   Stream // what its brain draws
	brain    *session.Brain
	busy     []bool // by thread
	open     []*call
	node     int // plain: whom it talks to now
	asked    uint64
	issues   bool   // threads take new operations
	asks     uint64 // how many operations the brain was given
	heard    answers
	clock    *clock // its own, if what it does rests on it; nil: true time
	caches   bool   // it keeps what it reads
	deposed  bool   // it was told that leadership was lost, and has not retried since
}

// call is a call under way.
type call struct {
	thread int // that waits for it, or -1
	atomic bool
	asked  uint64
	since  int64
	ops    []operation
	left   int // of ops, those without an outcome

	began uint64   // see answers
	asks  []string // by operation: what it asks for
	twin  []bool   // and whether another one under way asks the same
}

// batchChance is how often, in ten-thousandths, a session client sends a batch, which its
// brain splits by shard. A history knows no batches: to it they are operations that overlap.
const batchChance = 600

func (w *World) addClients() {
	s := &w.settings
	for i := range s.Clients + s.Plain + 1 {
		name := "c" + string(rune('a'+i))
		c := &client{w: w, index: i, endpoint: int32(len(w.nodes) + i), rand: NewStream(w.seed, "client:"+name)}
		c.busy = make([]bool, s.Threads)
		c.chance = NewStream(w.seed, "brain:"+name)
		if i < s.Clients || i == s.Clients+s.Plain {
			cfg := w.brainConfig()
			if most := s.Limit; most > 0 && i < s.Clients { // the oracles' client asks again at once when it is refused at once
				cfg.Limit = limit.Config{Min: 1, Start: most, Max: most}
			}
			if i < s.Clients {
				cfg.Hedge = session.Hedge{On: s.Hedge, After: s.HedgeAfter}
				cfg.Cache = c.drawCache(name)
			}
			c.brain = session.New(cfg, &clientClock{c}, &c.chance, (*transport)(c))
		}
		w.network.addresses[name] = address{c.endpoint, portReply}
		w.clients = append(w.clients, c)
	}
}

func (w *World) brainConfig() session.Config {
	cfg := session.Config{Timeout: w.settings.Timeout, Addr: func(m *wire.Member) string { return m.GRPCAddr }}
	for _, n := range w.nodes {
		cfg.Seeds = append(cfg.Seeds, n.name+":client")
	}
	return cfg
}

// prober is the client that the workloads do not use: it asks the questions of the oracles.
func (w *World) prober() *client { return w.clients[len(w.clients)-1] }

// users are the clients that the workloads use.
func (w *World) users() []*client { return w.clients[:len(w.clients)-1] }

// begin readies a client for the torture, and starts its threads if it is to draw operations.
func (c *client) begin(draws bool) {
	c.issues = true
	c.node = c.rand.IntN(len(c.w.nodes))
	if c.brain != nil {
		c.brain.Start()
	}
	if !draws {
		return
	}
	for i := range c.busy {
		c.rest(i)
	}
}

// rest plans a thread's next operation.
func (c *client) rest(i int) {
	e := c.w.agenda.add(c.w.now+int64(c.rand.Around(c.w.settings.Think)), evThread)
	e.to, e.lane = c.endpoint, int16(i)
}

// onThread draws what a thread does next.
func (c *client) onThread(i int) {
	if !c.issues || c.busy[i] {
		return
	}
	count := 1
	if c.brain != nil && c.rand.Chance(batchChance) {
		count = c.rand.Between(2, 4)
	}
	ops := make([]operation, 0, count)
	atomic := len(c.w.work.families) > 0 && c.rand.Chance(transactionRate)
	if atomic {
		ops = c.w.work.transaction(c)
	} else if again, fond := c.w.work.fond(c, i); fond {
		ops = append(ops, again)
	} else {
		for range count {
			ops = append(ops, c.w.work.next(c))
		}
	}
	if c.brain == nil && c.rand.Chance(500) {
		c.node = c.rand.IntN(len(c.w.nodes)) // it changes nodes now and then
	}
	c.busy[i] = true
	c.do(&call{thread: i, ops: ops, atomic: atomic}, c.node)
}

// make does what a script says.
func (c *client) make(planned *Call, number int) {
	k := &call{thread: -1, atomic: planned.Atomic}
	at := time.Duration(c.w.now - c.w.faults.began)
	for i, op := range planned.Ops {
		c.w.work.answers = append(c.w.work.answers, Answer{Call: number, Op: i, At: at})
		k.ops = append(k.ops, operation{Op: op, answer: len(c.w.work.answers)})
	}
	c.do(k, int(planned.Via.find(c.w).index))
}

// do makes a call, and writes it down; a plain client asks the node.
func (c *client) do(k *call, node int) {
	w := c.w
	k.left, k.since = len(k.ops), w.now
	record := Call{At: time.Duration(w.now - w.faults.began), Client: c.index, Atomic: k.atomic}
	if k.atomic {
		w.work.invokeBatch(c, k.ops)
	}
	fenced := guarded(k.ops)
	commands := make([]wire.Command, len(k.ops))
	for j := range k.ops {
		k.ops[j].alone, k.ops[j].guarded = len(k.ops) == 1, fenced
		record.Ops = append(record.Ops, k.ops[j].Op)
		commands[j] = w.work.invoke(c, &k.ops[j])
	}
	if c.caches && len(commands) == 1 && commands[0].Op == wire.OpGet {
		commands[0].Flags |= wire.FlagCache
	}
	c.enter(k, commands)
	if c.brain == nil {
		record.Via = Node(node + 1)
		c.ask(k, node, commands)
	}
	w.work.made = append(w.work.made, record)
	if c.brain == nil {
		return
	}
	c.asks += uint64(len(commands))
	do := c.brain.Do
	if k.atomic {
		do = c.brain.DoAtomic
	}
	do(commands, w.settings.Timeout, func(items []session.Item) {
		if k.left != len(k.ops) || len(items) != len(k.ops) {
			w.violate(OracleSanity, "client %d: the brain concluded operation %d twice or in part", c.index+1, k.ops[0].number)
			return
		}
		for j := range items {
			if items[j].Cached {
				w.reached(branchCached)
			} else {
				c.verify(k, j, items[j].Outcome)
			}
			c.finish(k, j, items[j].Outcome, items[j].Reason, &items[j].Result)
		}
	})
}

// ask sends a plain client's question to a node.
func (c *client) ask(k *call, node int, commands []wire.Command) {
	c.asked++
	k.asked = c.asked
	timeout := c.w.settings.Timeout
	c.w.network.send(c.endpoint, c.w.nodes[node].name+":resp", &wire.Frame{Messages: []wire.Message{&wire.Forward{
		ID: k.asked, TimeoutMillis: timeout.Milliseconds(), Request: wire.Request{Commands: commands}}}})
	e := c.w.agenda.add(c.w.now+int64(timeout), evExpire)
	e.to, e.number = c.endpoint, k.asked
}

// asking is the plain client's call with this question, if it still waits.
func (c *client) asking(asked uint64) *call {
	for _, k := range c.open {
		if k.asked == asked {
			return k
		}
	}
	return nil
}

// onExpire ends a plain client's patience: the outcome is unknown. It then tries another node.
func (c *client) onExpire(asked uint64) {
	if k := c.asking(asked); k != nil {
		c.node = c.rand.IntN(len(c.w.nodes))
		c.finishAll(k, &wire.Response{Outcome: wire.OutcomeUnknown, Reason: wire.ReasonDeadline})
	}
}

// finish notes what the j-th operation of a call came to.
func (c *client) finish(k *call, j int, outcome wire.Outcome, reason wire.Reason, r *wire.Result) {
	c.w.work.finish(c, &k.ops[j], outcome, reason, r)
	if j == 0 && k.atomic && r != nil && r.Kind == wire.KindError && r.Code == wire.CodeGuard {
		c.w.work.doubts(k)
	}
	if k.left--; k.left > 0 {
		return
	}
	c.open = slices.DeleteFunc(c.open, func(other *call) bool { return other == k })
	if c.idle() {
		c.heard.forget()
	}
	if k.thread < 0 {
		return
	}
	c.busy[k.thread] = false
	if outcome == wire.OutcomeRefused && c.brain == nil && c.rand.Bool() {
		c.node = c.rand.IntN(len(c.w.nodes))
	}
	c.rest(k.thread)
}

// finishAll notes what a plain client's call came to.
func (c *client) finishAll(k *call, r *wire.Response) {
	if r.Outcome == wire.OutcomeOK && len(r.Results) != len(k.ops) {
		c.w.violate(OracleSanity, "client %d asked for %d operations, from %d on, and was answered %d", c.index+1, len(k.ops), k.ops[0].number, len(r.Results))
		r = &wire.Response{Outcome: wire.OutcomeUnknown}
	}
	for j := range k.ops {
		var result *wire.Result
		if r.Outcome == wire.OutcomeOK {
			result = &r.Results[j]
		}
		c.finish(k, j, r.Outcome, r.Reason, result)
	}
}

// onFrame takes a node's answer.
func (c *client) onFrame(f *wire.Frame) {
	c.w.entropy.current = &c.chance
	for _, m := range f.Messages {
		switch m := m.(type) {
		case *wire.Reply:
			c.onReply(m)
		case *wire.MapUpdate:
			c.brain.OnMap(m.Proposal, m.Map)
		case *wire.Recall:
			c.brain.OnRecall(c.w.nodes[f.From-1].name+":client", m)
		}
	}
	c.w.entropy.current = &c.w.stray
}

func (c *client) onReply(m *wire.Reply) {
	if c.brain != nil {
		if m.ID&fetchBit != 0 {
			c.brain.OnMap(m.ID&^fetchBit, nil)
			return
		}
		c.heard.answer(m.ID, &m.Response)
		c.deposed = c.deposed || m.Response.Reason == wire.ReasonLeadershipLost
		c.brain.OnResponse(m.ID, &m.Response)
		return
	}
	if k := c.asking(m.ID); k != nil {
		c.finishAll(k, &m.Response)
	}
}

// idle reports whether no operation of the client is under way.
func (c *client) idle() bool { return len(c.open) == 0 }

// transport carries a brain's questions over the simulated links.
type transport client

// fetchBit marks the question number of a map fetch, so that a refusal finds its way.
const fetchBit = 1 << 39

func (t *transport) Send(id uint64, addr string, req *wire.Request, timeout time.Duration) {
	if len(t.open) > 0 {
		t.heard.ask(id, req.Commands)
	}
	if t.deposed && req.Session.Retry {
		t.deposed = false
		t.w.reached(branchLostThenRetried)
	}
	t.w.network.send(t.endpoint, addr, &wire.Frame{Messages: []wire.Message{&wire.Forward{
		ID: id, TimeoutMillis: timeout.Milliseconds(), Request: *req}}})
}

func (t *transport) FetchMap(id uint64, addr string) {
	t.w.network.send(t.endpoint, addr, &wire.Frame{Messages: []wire.Message{&wire.Hello{Pledged: id}}})
}

// clientClock is a client's clock: true time, because nothing a client does rests on it; unless it keeps what it reads.
type clientClock struct{ c *client }

func (k *clientClock) Now() time.Duration {
	if k.c.clock != nil {
		return time.Duration(k.c.clock.at(k.c.w.now))
	}
	return time.Duration(k.c.w.now)
}

func (k *clientClock) Wall() int64 { return wallOrigin + k.c.w.now/1_000_000 }

func (k *clientClock) After(d time.Duration, f func()) {
	at := k.c.w.now + int64(max(d, 0))
	if own := k.c.clock; own != nil {
		at = own.when(k.c.w.now, own.at(k.c.w.now)+int64(max(d, 0)))
	}
	e := k.c.w.agenda.add(at, evTimer)
	e.to, e.fn = k.c.endpoint, f
}

// drawCache has a client keep what it reads, if those of the run do, and gives it a clock as wrong as nodes' are: some as slow as clocks may be.
func (c *client) drawCache(name string) session.Cache {
	w := c.w
	if !w.settings.Cache {
		return session.Cache{}
	}
	r := NewStream(w.seed, "clock:"+name)
	rate := w.drawRate(&r)
	if slowest := 1_000_000 - int64(w.settings.DriftUsed)*1000*48/100; r.Bool() {
		rate = slowest
	}
	own := newClock(int64(r.Duration(0, time.Hour)), rate, 0)
	c.clock, c.caches = &own, true
	return session.Cache{MaxBytes: 1 << 20}
}

// probe asks one question through the session client and waits for nobody.
func (c *client) probe(cmd wire.Command, done func(session.Item)) {
	c.w.emit(trace.Event{Kind: trace.Invoke, Node: c.w.idOf(c.endpoint), B: printOf(cmd.Key)})
	c.asks++
	c.brain.Do([]wire.Command{cmd}, c.w.settings.Timeout, func(items []session.Item) { done(items[0]) })
}
