package sim

import (
	"time"

	"torc/core/session"
	"torc/core/trace"
	"torc/core/wire"
)

// client is an endpoint that asks. It either has a session brain, as users of Torc's own
// client do, or is plain: one node at a time, no session, no retry, as Redis users are.
type client struct {
	w        *World
	index    int   // among clients
	endpoint int32 // among endpoints
	rand     Stream
	brain    *session.Brain
	threads  []thread
	node     int // plain: whom it talks to now
	asked    uint64
	issues   bool // threads take new operations
}

// thread is one call at a time: of one operation, or of a batch.
type thread struct {
	busy  bool
	asked uint64      // plain: the question's number
	ops   []operation // of the call under way
	left  int         // of ops, those without an outcome
}

// batchChance is how often, in ten-thousandths, a session client sends a batch, which its
// brain splits by shard. A history knows no batches: to it they are operations that overlap.
const batchChance = 600

func (w *World) addClients() {
	s := &w.settings
	for i := range s.Clients + s.Plain + 1 {
		name := "c" + string(rune('a'+i))
		c := &client{w: w, index: i, endpoint: int32(len(w.nodes) + i), rand: NewStream(w.seed, "client:"+name)}
		c.threads = make([]thread, s.Threads)
		if i < s.Clients || i == s.Clients+s.Plain {
			c.brain = session.New(w.brainConfig(), &clientClock{c}, &c.rand, (*transport)(c))
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

// begin starts a client's threads.
func (c *client) begin() {
	c.issues = true
	c.node = c.rand.IntN(len(c.w.nodes))
	if c.brain != nil {
		c.brain.Start()
	}
	for i := range c.threads {
		c.rest(i)
	}
}

// rest plans a thread's next operation.
func (c *client) rest(i int) {
	e := c.w.agenda.add(c.w.now+int64(c.rand.Around(c.w.settings.Think)), evThread)
	e.to, e.lane = c.endpoint, int16(i)
}

func (c *client) onThread(i int) {
	t := &c.threads[i]
	if !c.issues || t.busy {
		return
	}
	t.busy = true
	count := 1
	if c.brain != nil && c.rand.Chance(batchChance) {
		count = c.rand.Between(2, 4)
	}
	t.ops = make([]operation, 0, count)
	for range count {
		t.ops = append(t.ops, c.w.work.next(c))
	}
	for j := range t.ops {
		c.w.work.invoke(c, &t.ops[j])
	}
	t.left = count
	if c.brain == nil {
		c.ask(i)
		return
	}
	commands := make([]wire.Command, count)
	for j := range t.ops {
		commands[j] = t.ops[j].command
	}
	number := t.ops[0].number
	c.brain.Do(commands, c.w.settings.Timeout, func(items []session.Item) {
		if !t.busy || t.ops[0].number != number || len(items) != count {
			c.w.violate(OracleSanity, "client %d: the brain concluded operation %d twice or in part", c.index, number)
			return
		}
		for j := range items {
			c.finish(i, j, items[j].Outcome, items[j].Reason, &items[j].Result)
		}
	})
}

// ask sends a plain client's question to its node; it changes nodes now and then.
func (c *client) ask(i int) {
	t := &c.threads[i]
	if c.rand.Chance(500) {
		c.node = c.rand.IntN(len(c.w.nodes))
	}
	c.asked++
	t.asked = c.asked
	timeout := c.w.settings.Timeout
	c.w.network.send(c.endpoint, c.w.nodes[c.node].name+":resp", &wire.Frame{Messages: []wire.Message{&wire.Forward{
		ID: t.asked, TimeoutMillis: timeout.Milliseconds(), Request: wire.Request{Commands: []wire.Command{t.ops[0].command}}}}})
	e := c.w.agenda.add(c.w.now+int64(timeout), evExpire)
	e.to, e.lane, e.number = c.endpoint, int16(i), t.asked
}

// onExpire ends a plain client's patience: the outcome is unknown. It then tries another node.
func (c *client) onExpire(i int, asked uint64) {
	if t := &c.threads[i]; t.busy && t.asked == asked {
		c.node = c.rand.IntN(len(c.w.nodes))
		c.finish(i, 0, wire.OutcomeUnknown, wire.ReasonDeadline, nil)
	}
}

// finish notes what the j-th operation of a thread's call came to.
func (c *client) finish(i, j int, outcome wire.Outcome, reason wire.Reason, r *wire.Result) {
	t := &c.threads[i]
	c.w.work.finish(c, &t.ops[j], outcome, reason, r)
	if t.left--; t.left > 0 {
		return
	}
	t.busy = false
	if outcome == wire.OutcomeRefused && c.brain == nil && c.rand.Bool() {
		c.node = c.rand.IntN(len(c.w.nodes))
	}
	c.rest(i)
}

// onFrame takes a node's answer.
func (c *client) onFrame(f *wire.Frame) {
	c.w.entropy.current = &c.rand
	for _, m := range f.Messages {
		switch m := m.(type) {
		case *wire.Reply:
			c.onReply(m)
		case *wire.MapUpdate:
			c.brain.OnMap(m.Proposal, m.Map)
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
		c.brain.OnResponse(m.ID, &m.Response)
		return
	}
	for i := range c.threads {
		t := &c.threads[i]
		if !t.busy || t.asked != m.ID {
			continue
		}
		var r *wire.Result
		if m.Response.Outcome == wire.OutcomeOK {
			r = &m.Response.Results[0]
		}
		c.finish(i, 0, m.Response.Outcome, m.Response.Reason, r)
		return
	}
}

// idle reports whether no operation of the client is under way.
func (c *client) idle() bool {
	for i := range c.threads {
		if c.threads[i].busy {
			return false
		}
	}
	return true
}

// transport carries a brain's questions over the simulated links.
type transport client

// fetchBit marks the question number of a map fetch, so that a refusal finds its way.
const fetchBit = 1 << 39

func (t *transport) Send(id uint64, addr string, req *wire.Request, timeout time.Duration) {
	t.w.network.send(t.endpoint, addr, &wire.Frame{Messages: []wire.Message{&wire.Forward{
		ID: id, TimeoutMillis: timeout.Milliseconds(), Request: *req}}})
}

func (t *transport) FetchMap(id uint64, addr string) {
	t.w.network.send(t.endpoint, addr, &wire.Frame{Messages: []wire.Message{&wire.Hello{Pledged: id}}})
}

// clientClock is a client's clock: true time, because nothing a client does rests on it.
type clientClock struct{ c *client }

func (k *clientClock) Now() time.Duration { return time.Duration(k.c.w.now) }
func (k *clientClock) Wall() int64        { return wallOrigin + k.c.w.now/1_000_000 }

func (k *clientClock) After(d time.Duration, f func()) {
	e := k.c.w.agenda.add(k.c.w.now+int64(max(d, 0)), evTimer)
	e.to, e.fn = k.c.endpoint, f
}

// probe asks one question through the session client and waits for nobody.
func (c *client) probe(cmd wire.Command, done func(session.Item)) {
	c.w.emit(trace.Event{Kind: trace.Invoke, Node: c.w.idOf(c.endpoint), B: printOf(cmd.Key)})
	c.brain.Do([]wire.Command{cmd}, c.w.settings.Timeout, func(items []session.Item) { done(items[0]) })
}
