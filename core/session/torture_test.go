package session

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/breaker"
	"torc/core/limit"
	"torc/core/wire"
)

// cluster is a fake with a ground truth: it applies writes behind a session table, as a
// shard's replicas do together, and its nodes and links are as bad as they may be. Every
// command has a key of its own, so what was applied, and how often, is known exactly.
type cluster struct {
	*world
	t       require.TestingT
	faults  faults
	brain   *Brain
	epoch   wire.Epoch
	shards  []fakeShard
	down    [4]bool      // by node
	mute    wire.NodeID  // a node that takes requests and answers none
	stuck   wire.ShardID // a shard that node 1 answers nothing about
	doubles bool         // links give a question twice, against the contract: all but the truth must hold

	applied map[string]int
	answers map[string]int64
	moments int64 // counts everything that is applied: a clock for reads
	sent    int
}

// faults are chances in hundredths.
type faults struct {
	lose, redirect, refuse, depose, forget, dropLate, abandon int
	delay                                                     time.Duration
	reasons                                                   []wire.Reason // of refusals
}

var allReasons = []wire.Reason{
	wire.ReasonNoQuorum, wire.ReasonOverloaded, wire.ReasonNotOwner, wire.ReasonDeadline,
	wire.ReasonOutOfMemory, wire.ReasonStopping, wire.ReasonNotReady, wire.ReasonTooLarge,
}

type fakeShard struct {
	leader   wire.NodeID
	sessions map[uint64]*fakeSession
	pending  int // requests on their way to the table
}

type fakeSession struct {
	floor   uint64
	results map[uint64][]wire.Result
}

func newCluster(t require.TestingT, seed uint64, shards int) *cluster {
	c := &cluster{world: newWorld(seed), t: t, epoch: 5, applied: map[string]int{}, answers: map[string]int64{}}
	c.shards = make([]fakeShard, shards+1)
	for i := range c.shards {
		c.shards[i] = fakeShard{leader: wire.NodeID(c.rng.IntN(3) + 1), sessions: map[uint64]*fakeSession{}}
	}
	return c
}

func nodeOf(addr string) wire.NodeID {
	for id := wire.NodeID(1); id <= 3; id++ {
		if id.String() == addr {
			return id
		}
	}
	return 0
}

func (c *cluster) FetchMap(id uint64, addr string) {
	node := nodeOf(addr)
	c.travel(func() {
		switch {
		case c.down[node]:
			c.travel(func() { c.brain.OnFailure(id, false) })
		case c.chance(20):
			c.travel(func() { c.brain.OnMap(id, nil) })
		default:
			m := threeNodes(c.epoch, uint32(len(c.shards)-1), 1)
			c.travel(func() { c.brain.OnMap(id, m) })
		}
	})
}

// travel runs f after a link's delay, or never.
func (c *cluster) travel(f func()) {
	if !c.chance(c.faults.lose) {
		c.After(c.upTo(c.faults.delay), f)
	}
}

func (c *cluster) Send(id uint64, addr string, req *wire.Request, timeout time.Duration) {
	c.sent++
	kept := *req
	req = &kept
	require.Positive(c.t, timeout)
	shard := &c.shards[req.Shard]
	if node := nodeOf(addr); node == c.mute && c.mute != 0 || node == 1 && req.Shard == c.stuck && c.stuck != 0 {
		return
	}
	copies := 1
	if c.doubles && c.chance(30) {
		copies = 2
	}
	for range copies {
		if c.chance(c.faults.lose) {
			if c.chance(50) {
				c.After(c.upTo(c.faults.delay), func() { c.brain.OnFailure(id, true) })
			}
			continue
		}
		if c.chance(c.faults.lose / 3) { // the connection breaks with the question on it
			c.After(c.upTo(c.faults.delay), func() { c.brain.OnFailure(id, true) })
		}
		shard.pending++
		c.After(c.upTo(c.faults.delay), func() { c.arrive(id, nodeOf(addr), req) })
	}
}

func (c *cluster) arrive(id uint64, node wire.NodeID, req *wire.Request) {
	shard := &c.shards[req.Shard]
	answer := func(r wire.Response) {
		r.Epoch = c.epoch
		for range 1 + c.rng.IntN(2) { // answers may come twice
			c.travel(func() { c.brain.OnResponse(id, &r) })
		}
	}
	refuse := func(reason wire.Reason, leader wire.NodeID) {
		shard.pending--
		answer(wire.Response{Outcome: wire.OutcomeRefused, Reason: reason, Leader: leader})
	}
	switch {
	case c.down[node]:
		shard.pending--
		c.travel(func() { c.brain.OnFailure(id, c.chance(50)) })
	case req.Epoch+2 < c.epoch:
		refuse(wire.ReasonStaleEpoch, 0)
	case node != shard.leader && c.chance(c.faults.redirect):
		hint := shard.leader
		if c.chance(30) {
			hint = wire.NodeID(c.rng.IntN(5)) // nobody, anybody, a stranger
		}
		refuse(wire.ReasonNotLeader, hint)
	case c.chance(c.faults.refuse):
		refuse(c.faults.reasons[c.rng.IntN(len(c.faults.reasons))], 0)
	case c.chance(c.faults.depose):
		// The leader proposes and is deposed: the entry may come to be applied all the same, after
		// the caller has been told that nobody knows.
		answer(wire.Response{Outcome: wire.OutcomeUnknown, Reason: wire.ReasonLeadershipLost, Leader: shard.leader})
		if c.chance(c.faults.dropLate) {
			shard.pending--
			return
		}
		c.After(c.upTo(4*c.faults.delay), func() { shard.pending--; c.apply(shard, req) })
	default:
		c.After(c.upTo(c.faults.delay), func() { shard.pending--; answer(c.apply(shard, req)) })
	}
}

// apply is the replicated state: the session table, then the commands.
func (c *cluster) apply(shard *fakeShard, req *wire.Request) wire.Response {
	q := req.Session
	if !req.IsWrite() {
		require.Zero(c.t, q, "a read carries no session")
		return c.ok(make([]wire.Result, len(req.Commands)))
	}
	require.NotZero(c.t, q.Client)
	require.LessOrEqual(c.t, q.Floor, q.Seq)
	require.Less(c.t, q.Seq-q.Floor, uint64(WindowMax))
	s := shard.sessions[q.Client]
	switch {
	case s == nil && q.Retry:
		return wire.Response{Outcome: wire.OutcomeUnknown, Reason: wire.ReasonSessionExpired}
	case s == nil:
		s = &fakeSession{results: map[uint64][]wire.Result{}}
		shard.sessions[q.Client] = s
	case q.Seq < s.floor:
		return wire.Response{Outcome: wire.OutcomeUnknown, Reason: wire.ReasonSessionExpired}
	}
	for ; s.floor < q.Floor; s.floor++ {
		delete(s.results, s.floor)
	}
	if s.results[q.Seq] == nil {
		s.results[q.Seq] = make([]wire.Result, len(req.Commands))
		for i := range req.Commands {
			key := string(req.Commands[i].Key)
			c.moments++
			c.applied[key]++
			c.answers[key] = c.moments
			s.results[q.Seq][i] = wire.Result{Kind: wire.KindInt, Int: c.moments}
		}
	}
	return c.ok(s.results[q.Seq])
}

func (c *cluster) ok(results []wire.Result) wire.Response {
	r := wire.Response{Outcome: wire.OutcomeOK}
	for _, result := range results {
		if result.Kind == wire.KindNil {
			result.Int = c.moments // a read's answer: when it was read
		}
		r.Results = append(r.Results, result)
	}
	return r
}

// trouble makes something happen to the cluster, now and then.
func (c *cluster) trouble(every time.Duration, until time.Duration) {
	c.After(c.upTo(every), func() {
		if c.now >= until {
			c.down = [4]bool{}
			return
		}
		shard := &c.shards[c.rng.IntN(len(c.shards))]
		switch c.rng.IntN(4) {
		case 0:
			shard.leader = wire.NodeID(c.rng.IntN(3) + 1)
		case 1:
			c.epoch++
		case 2:
			c.down[c.rng.IntN(3)+1] = c.chance(50)
		case 3:
			// Shards forget sessions that have long been idle: never one that a request is under way
			// for, because links do not keep requests that long.
			if shard.pending == 0 && c.chance(c.faults.forget) {
				shard.sessions = map[uint64]*fakeSession{}
			}
		}
		c.trouble(every, until)
	})
}

type call struct {
	keys     []string
	writes   []bool
	began    int64
	deadline time.Duration
	items    []Item
	inside   bool
}

func (c *cluster) call(calls *[]*call, timeout time.Duration) {
	k := &call{began: c.moments, deadline: c.now + timeout, inside: true}
	*calls = append(*calls, k)
	var cmds []wire.Command
	for range 1 + c.rng.IntN(1+c.rng.IntN(8)) {
		key := "key" + time.Duration(c.Uint64()).String()
		op := []wire.Op{wire.OpIncr, wire.OpGet}[c.rng.IntN(2)]
		k.keys, k.writes = append(k.keys, key), append(k.writes, op.IsWrite())
		cmds = append(cmds, wire.Command{Op: op, Key: []byte(key)})
	}
	op := &Call{Commands: cmds, Timeout: timeout}
	op.Caller = callback(func(items []Item) {
		require.False(c.t, k.inside, "done was called from inside Run")
		require.Nil(c.t, k.items, "done was called twice")
		require.Len(c.t, items, len(cmds))
		require.LessOrEqual(c.t, c.now, k.deadline)
		k.items = items
		for i, item := range items {
			c.judgeNow(k, i, item)
		}
	})
	c.brain.Run(op)
	k.inside = false
	if c.chance(c.faults.abandon) {
		c.After(c.upTo(timeout), func() {
			c.brain.Abandon(op)
			require.NotNil(c.t, k.items, "done was not called by Abandon")
		})
	}
}

// judgeNow holds an outcome against what is true at the moment it is told.
func (c *cluster) judgeNow(k *call, i int, item Item) {
	if item.Outcome != wire.OutcomeOK {
		require.NotEqual(c.t, wire.ReasonNone, item.Reason)
		return
	}
	switch {
	case k.writes[i] && c.doubles:
		// One copy may be refused, and believed, while the other is applied later than the write
		// has gone on under a new name. This is why links must not double questions.
		require.Positive(c.t, c.applied[k.keys[i]], "answered OK")
	case k.writes[i]:
		require.Equal(c.t, 1, c.applied[k.keys[i]], "answered OK")
		require.Equal(c.t, c.answers[k.keys[i]], item.Result.Int)
	default:
		require.GreaterOrEqual(c.t, item.Result.Int, k.began, "a read from before it began")
	}
}

func TestOutcomesAreTrue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCluster(t, rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 6).Draw(t, "shards"))
		percent := func(most int, name string) int { return rapid.IntRange(0, most).Draw(t, name) }
		c.faults = faults{
			lose: percent(30, "lose"), redirect: percent(100, "redirect"), refuse: percent(30, "refuse"), depose: percent(30, "depose"),
			forget: percent(100, "forget"), dropLate: percent(100, "dropLate"), abandon: percent(50, "abandon"),
			delay:   time.Duration(rapid.IntRange(1, 800).Draw(t, "delayMillis")) * time.Millisecond,
			reasons: allReasons,
		}
		c.doubles = rapid.IntRange(0, 4).Draw(t, "doubles") == 0
		cfg := Config{Seeds: []string{"n1", "n2", "n3"}, AttemptLimit: 400 * time.Millisecond}
		narrow := rapid.Bool().Draw(t, "narrow")
		if narrow {
			cfg.Limit.Min = rapid.IntRange(2, 3).Draw(t, "limitMin")
			cfg.Limit.Max = cfg.Limit.Min + rapid.IntRange(0, 4).Draw(t, "limitMore")
		}
		if rapid.Bool().Draw(t, "hedge") {
			cfg.Hedge = Hedge{On: true, After: time.Duration(rapid.IntRange(0, 200).Draw(t, "hedgeMillis")) * time.Millisecond}
		}
		c.brain = New(cfg, c, c, c)
		c.brain.Start()

		var calls []*call
		count := rapid.IntRange(1, 60).Draw(t, "calls")
		for range count {
			c.After(c.upTo(20*time.Second), func() { c.call(&calls, 100*time.Millisecond+c.upTo(4*time.Second)) })
		}
		c.trouble(500*time.Millisecond, c.now+25*time.Second)
		c.run(c.now + 60*time.Second)

		for _, k := range calls {
			require.NotNil(t, k.items, "done was never called")
			for i, item := range k.items {
				if c.doubles {
					continue // see judgeNow
				}
				require.LessOrEqual(t, c.applied[k.keys[i]], 1, "applied twice")
				if item.Outcome == wire.OutcomeRefused {
					require.Zero(t, c.applied[k.keys[i]], "refused (%v) and applied all the same", item.Reason)
				}
			}
		}
		require.Zero(t, c.brain.Stats().InFlight)
		require.Empty(t, c.brain.attempts, "attempts are kept after their parts")
		for _, p := range c.brain.peers {
			require.Zero(t, p.limit.UnderWay(), "%s: attempts are counted after their parts", p.addr)
			require.Empty(t, p.line, "%s: parts stand in line after their end", p.addr)
		}
		for i := range c.brain.shards {
			s := &c.brain.shards[i]
			require.Empty(t, s.queue)
			require.True(t, s.window == nil || len(s.window.live) == 0)
		}

		// The storm is over: everything must work again, at once.
		c.faults = faults{delay: time.Millisecond, redirect: 100}
		calls = calls[:0]
		for range 20 {
			c.call(&calls, 3*time.Second)
			if narrow { // all at once would be too many; one call makes 8 requests at most, and 2 and a line of 8 are let in
				c.run(c.now + 100*time.Millisecond)
			}
		}
		c.run(c.now + 5*time.Second)
		for _, k := range calls {
			for _, item := range k.items {
				require.Equal(t, wire.OutcomeOK, item.Outcome, "after the storm: %v", item.Reason)
			}
		}
	})
}

// When nothing answers, retries stay within the budget however many operations wait.
func TestRetriesDoNotMakeItWorse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCluster(t, rapid.Uint64().Draw(t, "seed"), 4)
		c.faults = faults{delay: time.Millisecond}
		c.brain = New(Config{Seeds: []string{"n1"}}, c, c, c)
		c.brain.Start()
		c.run(c.now + time.Second)
		require.NotNil(t, c.brain.Map())

		c.faults.refuse, c.faults.reasons = 100, []wire.Reason{wire.ReasonNoQuorum, wire.ReasonOverloaded}
		var calls []*call
		waiting := rapid.IntRange(1, 600).Draw(t, "waiting")
		for range waiting {
			c.call(&calls, 5*time.Second)
		}
		c.run(c.now + 6*time.Second)
		s := c.brain.Stats()
		firsts := s.Attempts - s.Retries - s.Redirects
		require.LessOrEqual(t, s.Retries, 100+firsts/10+60+1, "burst, a tenth, and the drip")

		// And when the cluster answers again, everybody who waits gets through soon.
		c.faults.refuse = 0
		calls = calls[:0]
		for range waiting {
			c.call(&calls, 5*time.Second)
		}
		c.run(c.now + 500*time.Millisecond)
		for _, k := range calls {
			require.NotNil(t, k.items)
		}
	})
}

// After an outage with many operations in flight the budget refills as fast as retries
// succeed: nobody waits for the drip.
func TestBacklogGetsThroughSoon(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCluster(t, 7, 4)
		c.faults = faults{delay: time.Millisecond}
		c.brain = New(Config{Seeds: []string{"n1"}}, c, c, c)
		c.brain.Start()
		c.run(c.now + time.Second)

		c.faults.lose = 100
		var calls []*call
		for range rapid.IntRange(100, 800).Draw(t, "waiting") {
			c.call(&calls, 20*time.Second)
		}
		c.run(c.now + 3*time.Second)
		c.faults.lose = 0
		c.run(c.now + 5*time.Second)
		for _, k := range calls {
			require.NotNil(t, k.items, "still waiting")
			for _, item := range k.items {
				require.NotEqual(t, wire.OutcomeRefused, item.Outcome)
			}
		}
	})
}

// A node that does not answer holds few operations; what is more is refused at once, and surely not applied. The other
// nodes' operations do not notice.
func TestSilentNodeHoldsFew(t *testing.T) {
	c := newCluster(t, 3, 8)
	c.faults = faults{delay: time.Millisecond}
	c.brain = New(Config{Seeds: []string{"n1"}, Limit: limit.Config{Min: 4, Start: 8, Max: 64}, AttemptLimit: 20 * time.Second}, c, c, c)
	c.brain.Start()
	c.run(c.now + time.Second)
	for i := range c.shards {
		c.shards[i].leader = wire.NodeID(i%3 + 1)
		c.brain.shards[i].leader = c.shards[i].leader
	}
	silent := c.shards[1].leader
	c.mute = silent
	outcomes := map[wire.Outcome]int{}
	slowest := time.Duration(0)
	for i := range 2000 {
		key := []byte("k" + strconv.Itoa(i))
		began, shard := c.now, c.brain.view.ShardOfKey(key)
		c.brain.Do([]wire.Command{{Op: wire.OpGet, Key: key}}, 10*time.Second, func(items []Item) {
			if c.shards[shard].leader != silent {
				require.Equal(t, wire.OutcomeOK, items[0].Outcome)
				slowest = max(slowest, c.now-began)
				return
			}
			outcomes[items[0].Outcome]++
			if items[0].Reason == wire.ReasonOverloaded {
				require.Equal(t, wire.OutcomeRefused, items[0].Outcome)
				require.Equal(t, began, c.now, "at once")
			}
		})
		c.run(c.now + 5*time.Millisecond)
	}
	require.LessOrEqual(t, slowest, 20*time.Millisecond)
	require.LessOrEqual(t, len(c.brain.peer(silent.String()).line), 4*8)
	require.Greater(t, int(c.brain.Stats().Shed), 500)
	require.Greater(t, outcomes[wire.OutcomeRefused], 500)
	_, held := c.brain.peer(silent.String()), c.brain.Stats().InFlight
	require.LessOrEqual(t, held, 5*8+8, "the silent node holds no more than its limit and its line")
}

// A shard that a node leaves without answers does not cut off the node's other shards.
func TestStuckShardIsCutOffAlone(t *testing.T) {
	c := newCluster(t, 3, 4)
	c.faults = faults{delay: time.Millisecond}
	c.brain = New(Config{Seeds: []string{"n1"}, AttemptLimit: 200 * time.Millisecond}, c, c, c)
	c.brain.Start()
	c.run(c.now + time.Second)
	for i := range c.shards {
		c.shards[i].leader = 1
	}
	c.stuck = 2
	for i := range 3000 {
		key := []byte("k" + strconv.Itoa(i))
		shard := c.brain.view.ShardOfKey(key)
		c.brain.Do([]wire.Command{{Op: wire.OpGet, Key: key}}, time.Second, func(items []Item) {
			if shard != c.stuck {
				require.Equal(t, wire.OutcomeOK, items[0].Outcome, "shard %d: %v", shard, items[0].Reason)
			}
		})
		c.run(c.now + 5*time.Millisecond)
	}
	n1 := c.brain.peer("n1")
	require.Equal(t, breaker.Closed, n1.whole.State())
	require.NotNil(t, n1.shards[c.stuck], "the stuck shard's breaker counts")
	require.NotEqual(t, breaker.Closed, n1.shards[c.stuck].State())
	require.Len(t, n1.shards, 1)
	require.Positive(t, c.brain.Stats().Trips)
}
