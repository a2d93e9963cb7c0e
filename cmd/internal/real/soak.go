package real

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"torc/scenarios/script"
	"torc/sim"
)

// Soak asks for a run whose faults are drawn from the seed as it goes, for as long as the run lasts.
//
//	          .-----------------------------------------------------------.
//	          v                                                           |
//	whole? --yes--> harm: one node is killed, stopped, frozen, cut off ... --over--> calm for a while
//	                weather: links lose or are slow, on top of anything
//
// Never are more nodes harmed at a time than the replication bears: the next one waits until every
// shard has all its voters again. So every shard must serve all the time, with a pause for an
// election; how long the longest one was is measured, and bounded.
type Soak struct {
	Nodes  int  // that form the cluster; one more joins later
	Shards int  // 0: 16
	Beyond bool // harm without waiting: what is lost then is no violation, and nobody has to serve
	// Drain moves everything off a node, by the address of its gRPC API; nil: this cannot be done yet.
	Drain func(ctx context.Context, addr, name string) error
}

// silenceMost is how long a shard may take no write while no more is harmed than it bears: an election
// that is split a few times, over links that lose one packet in ten.
const silenceMost = 15 * time.Second

// SoakFile is the file that a soak runs: its settings, and no script.
func SoakFile(s *Soak, seed uint64, lasts time.Duration) (*script.File, error) {
	if s.Nodes < 3 {
		return nil, errors.New("a soak takes three nodes at least: fewer bear no loss")
	}
	if s.Shards == 0 {
		s.Shards = 16
	}
	loss := ""
	if s.Beyond {
		loss = "loss\n"
	}
	text := fmt.Sprintf(`scenario soak
doc Faults drawn from the seed as it goes.
base small
seed %d
%sset nodes=%d absent=1 shards=%d lanes=%s grace=10s
set sessions=4 plain=4 timeout=3s think=30ms registers=8 counters=4 appends=4
duration %v
`, seed, loss, s.Nodes+1, s.Shards, strings.TrimSuffix(strings.Repeat("2,", s.Nodes+1), ","), lasts)
	f, err := script.Parse("soak", text)
	if err != nil {
		return nil, fmt.Errorf("the soak's own file: %w", err)
	}
	return f, nil
}

// chaos is a soak under way: of the agenda's goroutine alone.
type chaos struct {
	r     *run
	ctx   context.Context
	soak  *Soak
	rand  sim.Stream
	until time.Duration // the present harm is over by then
	since time.Duration // when it was over, and the wait for a whole cluster began
	last  string        // what it was
	late  bool          // and that it took too long has been said
	away  int           // the node, from 0, that is to join; or nobody
}

// calm is between harmKinds, once the cluster is whole; weather between changes of the links.
const (
	calmLeast, calmMost       = 500 * time.Millisecond, 4 * time.Second
	weatherLeast, weatherMost = 4 * time.Second, 20 * time.Second
	lookEvery                 = 100 * time.Millisecond
)

// soak begins a soak's faults, and what watches over it besides the clients.
func (r *run) soak(ctx, drawing context.Context) {
	r.patrols = r.patrol(drawing, silenceMost)
	for _, u := range r.users {
		if u.torc != nil {
			t := &tally{u: u, key: fmt.Sprintf("tally.%v", u)}
			r.tallies = append(r.tallies, t)
			r.working.Go(func() { t.count(drawing) })
		}
	}
	c := &chaos{r: r, ctx: ctx, soak: r.o.Soak, rand: sim.NewStream(r.o.Seed, "real:soak"), away: r.settings.Nodes - 1}
	r.chaos = c
	r.agenda.add(r.now()+time.Second, c.harm)
	r.agenda.add(r.now()+c.rand.Duration(0, weatherLeast), c.weather)
}

// soaked gathers what a soak has found, after everything was healed.
func (r *run) soaked(ctx context.Context) {
	s := r.result.Soak
	for _, t := range r.tallies {
		t.settle(ctx)
		s.Increments[0] += t.done
		s.Increments[1] += t.unknown
	}
	r.patrols.mu.Lock()
	s.Longest, s.Silences = r.patrols.longest, r.patrols.over
	r.patrols.mu.Unlock()
	s.Suspicions = r.doubts.all()
	if c := r.chaos; c.last != "" && r.watch.whole(r.settings.Replicas) == nil {
		r.survived(c.last)
	}
}

// harm does the next harm if it is time, and plans to look again.
func (c *chaos) harm() error {
	now := c.r.now()
	if now >= c.r.tortured+c.r.lasts() {
		return nil
	}
	next := lookEvery
	if now >= c.until && c.ready(now) {
		if c.last != "" {
			c.r.survived(c.last)
		}
		kind, lasts, err := c.strike()
		if err != nil {
			return err
		}
		if c.last = kind; kind != "" {
			c.until = now + lasts + c.rand.Duration(calmLeast, calmMost)
			c.since, c.late = now+lasts, false
		}
	}
	c.r.agenda.add(c.r.now()+next, c.harm)
	return nil
}

// ready says that the cluster bears another harm.
func (c *chaos) ready(now time.Duration) bool {
	if c.soak.Beyond {
		return true
	}
	lacks := c.r.watch.whole(c.r.settings.Replicas)
	if lacks == nil {
		return true
	}
	if now-c.since > repairLimit && !c.late && c.last != "" {
		c.late = true
		c.r.violate(sim.OracleLiveness, "%v after %s some shard has not all its voters: %v", repairLimit, c.last, lacks)
	}
	return false
}

// strike draws a harm and does it. Nothing is done when the draw suits nobody now.
func (c *chaos) strike() (kind string, lasts time.Duration, err error) {
	h := harmKinds[c.rand.IntN(len(harmKinds))]
	b := h.draw(c)
	if b == nil {
		return "", 0, nil
	}
	c.r.doubts.excuse(b.on, c.r.now(), b.lasts)
	done, err := c.begin(h.kind, b)
	if !done || err != nil {
		return "", 0, err
	}
	return h.kind, b.lasts, nil
}

// begin does a blow, and has healing end it.
func (c *chaos) begin(kind string, b *blow) (done bool, err error) {
	var d deed
	if b.do != nil {
		d, err = b.do()
	} else {
		d, err = c.r.do(c.ctx, b.fault)
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", kind, err)
	}
	if d.why != "" {
		c.r.leaveOut(kind, d.why)
	}
	if d.said == "" {
		return false, nil
	}
	c.r.tell("%s", d.said)
	if kind != "" { // "": one more cut of a link that flaps
		c.r.struck(kind)
	}
	if d.end != nil {
		c.r.active = append(c.r.active[max(0, len(c.r.active)-activeMost):], d.end)
	}
	return true, nil
}

// activeMost bounds the faults that healing remembers: those before are long over.
const activeMost = 32

// weather makes links lose packets, or slow, for a while.
func (c *chaos) weather() error {
	now := c.r.now()
	if now >= c.r.tortured+c.r.lasts() {
		return nil
	}
	kind, f := "loss", sim.Lossy{Drop: 100 + c.rand.IntN(900), Clients: c.rand.Bool()}
	if c.rand.Bool() {
		kind, f = "delay", sim.Lossy{Delay: c.rand.Duration(2*time.Millisecond, 40*time.Millisecond).Round(time.Millisecond), Clients: c.rand.Bool()}
	}
	lasts := c.rand.Duration(weatherLeast, weatherMost).Round(time.Millisecond)
	done, err := c.begin(kind, during(f, lasts))
	if !done || err != nil {
		return err // where links cannot suffer they never will
	}
	c.r.agenda.add(now+lasts, func() error { c.r.survived(kind); return nil })
	c.r.agenda.add(now+lasts+c.rand.Duration(time.Second, weatherMost), c.weather)
	return nil
}
