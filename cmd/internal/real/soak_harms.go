package real

import (
	"time"

	"torc/sim"
)

// harm is a kind of fault that takes a node, or a link, away from the cluster for a while.
type harm struct {
	kind string
	// draw says what is to be done; nil when it suits nobody now.
	draw func(c *chaos) *blow
}

// blow is a harm that was drawn.
type blow struct {
	fault sim.Fault
	do    func() (deed, error) // instead of a fault
	on    []int                // the nodes that nobody may take for alive meanwhile, counted from 0
	lasts time.Duration
}

// harmKinds are all that a soak draws from. Kinds that are worth more than others stand there more often.
var harmKinds = []harm{
	{"kill -9", killed},
	{"kill -9", killed},
	{"kill -9 beyond the grace", killedForLong},
	{"stop", stopped},
	{"freeze", frozen},
	{"freeze", frozen},
	{"cut off", cutOff},
	{"cut off", cutOff},
	{"cut a link", linkCut},
	{"one-way cut", oneWay},
	{"one-way cut", deaf},
	{"flapping link", flapping},
	{"join", joins},
	{"drain", drains},
}

const second = time.Second

// some is a time to the millisecond.
func (c *chaos) some(low, high time.Duration) time.Duration {
	return c.rand.Duration(low, high).Round(time.Millisecond)
}

// anybody is the leader of the first shard half of the time, and else anybody who is there.
func (c *chaos) anybody() int {
	if n, known := c.r.watch.leader(1); known && c.rand.Bool() && n-1 != c.away {
		return n - 1
	}
	n := c.rand.IntN(c.r.settings.Nodes)
	if n == c.away {
		n = (n + 1) % c.r.settings.Nodes
	}
	return n
}

// two are different ones.
func (c *chaos) two() (a, b int) {
	for a, b = c.anybody(), c.anybody(); a == b; b = c.anybody() {
		continue
	}
	return a, b
}

// fixed is a node, counted from 0, as faults name it.
func fixed(n int) sim.Target { return sim.Node(n + 1) }

func during(f sim.Fault, d time.Duration, on ...int) *blow {
	return &blow{fault: sim.For{Fault: f, Duration: d}, on: on, lasts: d}
}

func killed(c *chaos) *blow {
	n, d := c.anybody(), c.some(second/5, 5*second)
	return &blow{fault: sim.Crash{Target: fixed(n), Down: d}, on: []int{n}, lasts: d}
}

// killedForLong: its replicas are made anew elsewhere before it is back.
func killedForLong(c *chaos) *blow {
	n, d := c.anybody(), c.some(12*second, 18*second)
	return &blow{fault: sim.Crash{Target: fixed(n), Down: d}, on: []int{n}, lasts: d}
}

func stopped(c *chaos) *blow {
	n, d := c.anybody(), c.some(second/5, 5*second)
	return &blow{fault: sim.Stop{Target: fixed(n), Down: d}, on: []int{n}, lasts: d}
}

func frozen(c *chaos) *blow {
	n := c.anybody()
	return during(sim.Pause{Target: fixed(n)}, c.some(second/5, 6*second), n)
}

func cutOff(c *chaos) *blow {
	n := c.anybody()
	return during(sim.Isolate{Target: fixed(n)}, c.some(second/2, 8*second), n)
}

func linkCut(c *chaos) *blow {
	a, b := c.two()
	return during(sim.Cut{A: fixed(a), B: fixed(b)}, c.some(second, 8*second), a, b)
}

func oneWay(c *chaos) *blow {
	a, b := c.two()
	return during(sim.OneWay{From: fixed(a), To: fixed(b)}, c.some(second, 8*second), a, b)
}

func deaf(c *chaos) *blow {
	n := c.anybody()
	return during(sim.Deaf{Target: fixed(n), Mute: c.rand.Bool()}, c.some(second, 6*second), n)
}

// flapping is one link that comes and goes.
func flapping(c *chaos) *blow {
	a, b := c.two()
	period, times := c.some(second/2, second), 5+c.rand.IntN(6)
	cut := sim.For{Fault: sim.Cut{A: fixed(a), B: fixed(b)}, Duration: period / 2}
	for i := 1; i < times; i++ {
		c.r.agenda.add(c.r.now()+time.Duration(i)*period, func() error {
			_, err := c.begin("", &blow{fault: cut})
			return err
		})
	}
	return &blow{fault: cut, on: []int{a, b}, lasts: time.Duration(times) * period}
}

// nobody is away.
const nobody = -1

// joins starts the node that is away: the first time one that never was there, later a new life of one
// that was drained.
func joins(c *chaos) *blow {
	n := c.away
	if n == nobody {
		return nil
	}
	c.away = nobody
	b := &blow{fault: sim.Join{Target: fixed(n)}, on: []int{n}, lasts: second}
	if c.r.nodes[n].life() > 0 {
		b.fault = sim.Restart{Target: fixed(n)}
	}
	return b
}

// drains moves everything off a node, which is then ended and away.
func drains(c *chaos) *blow {
	switch {
	case c.soak.Drain == nil:
		c.r.leaveOut("drain", "torc has no command for it yet")
		return nil
	case c.away != nobody:
		return nil // one at a time
	}
	n := c.anybody()
	return &blow{on: []int{n}, lasts: second, do: func() (deed, error) {
		p := c.r.nodes[n]
		if err := c.soak.Drain(c.ctx, p.at.grpc, p.String()); err != nil {
			c.r.violate(sim.OracleLiveness, "draining %v: %v", p, err)
			return deed{}, nil
		}
		c.away = n
		return deed{said: "drained " + p.String() + ", and ended it"}, p.stop()
	}}
}
