package sim

import (
	"fmt"
	"strings"
	"time"

	"torc/core/trace"
)

// Fault is something that goes wrong, as plain data. fix settles what is open in it (who plays
// which part, what chance decides), so that the same fault can be made again without looking or
// drawing. strike does it, once it is fixed, and says in words what it did; end undoes it (nil:
// there is nothing to undo). An empty sentence means that nothing was done.
type Fault interface {
	fix(w *World) Fault
	strike(w *World) (said string, end func())
}

// For limits a fault: it ends by itself after the duration.
type For struct {
	Duration time.Duration
	Fault    Fault
}

func (f For) fix(w *World) Fault {
	f.Fault = f.Fault.fix(w)
	return f
}

func (f For) strike(w *World) (string, func()) {
	said, end := f.Fault.strike(w)
	if end == nil {
		return said, nil
	}
	over, kind := false, w.faults.striking
	once := func() {
		if !over {
			over = true
			end()
			w.coverage.end(kind)
			w.tell(trace.Fault, "over: %s", said)
		}
	}
	w.after(f.Duration, once)
	return said + fmt.Sprintf(" for %v", f.Duration), once
}

// cutting cuts pairs of links and gives the way to mend them.
type cutting struct {
	w     *World
	pairs [][2]int
}

func (c *cutting) oneWay(from, to int) {
	c.pairs = append(c.pairs, [2]int{from, to})
	c.w.network.cut(from, to, 1)
}

func (c *cutting) bothWays(a, b int) {
	c.oneWay(a, b)
	c.oneWay(b, a)
}

func (c *cutting) mend() {
	for _, p := range c.pairs {
		c.w.network.cut(p[0], p[1], -1)
	}
}

// Isolate cuts a node off from all other nodes. Clients still reach it, so it has every
// chance to tell them something stale.
type Isolate struct{ Target Target }

func (f Isolate) fix(w *World) Fault {
	f.Target = f.Target.fix(w)
	return f
}

func (f Isolate) strike(w *World) (string, func()) {
	n := f.Target.find(w)
	c := &cutting{w: w}
	for _, other := range w.nodes {
		if other != n {
			c.bothWays(int(n.index), int(other.index))
		}
	}
	return fmt.Sprintf("isolate %v%s", n, w.leads(n)), c.mend
}

// Split parts the nodes into two sides; the first one holds the targets. With Clients each
// client is on one side, too: those in Near on the first one, or, if Near is nil, as drawn.
type Split struct {
	Side    []Target
	Clients bool
	Near    []int // clients by index
}

func (f Split) fix(w *World) Fault {
	side := make([]Target, len(f.Side))
	for i, t := range f.Side {
		side[i] = t.fix(w)
	}
	f.Side = side
	if f.Clients && f.Near == nil {
		f.Near = []int{}
		for i := range w.users() {
			if w.faults.rand.Bool() {
				f.Near = append(f.Near, i)
			}
		}
	}
	return f
}

func (f Split) strike(w *World) (string, func()) {
	left := map[int]bool{}
	for _, t := range f.Side {
		left[int(t.find(w).index)] = true
	}
	ends := len(w.nodes)
	if f.Clients {
		ends += len(w.users()) // the prober reaches everybody
		for _, i := range f.Near {
			left[len(w.nodes)+i] = true
		}
	}
	c := &cutting{w: w}
	for a := range ends {
		for b := range a {
			if left[a] != left[b] {
				c.bothWays(a, b)
			}
		}
	}
	return "split " + w.sides(left), c.mend
}

// sides words which nodes are on which side.
func (w *World) sides(left map[int]bool) string {
	var sides [2][]string
	for _, n := range w.nodes {
		side := 1
		if left[int(n.index)] {
			side = 0
		}
		sides[side] = append(sides[side], n.String()+w.leads(n))
	}
	return strings.Join(sides[0], ",") + " | " + strings.Join(sides[1], ",")
}

// Deaf cuts a node's links in one direction: it is heard but hears no node, or with Mute
// it hears but is not heard.
type Deaf struct {
	Target Target
	Mute   bool
}

func (f Deaf) fix(w *World) Fault {
	f.Target = f.Target.fix(w)
	return f
}

func (f Deaf) strike(w *World) (string, func()) {
	n := f.Target.find(w)
	c := &cutting{w: w}
	for _, other := range w.nodes {
		switch {
		case other == n:
		case f.Mute:
			c.oneWay(int(n.index), int(other.index))
		default:
			c.oneWay(int(other.index), int(n.index))
		}
	}
	if f.Mute {
		return fmt.Sprintf("mute %v%s", n, w.leads(n)), c.mend
	}
	return fmt.Sprintf("deafen %v%s", n, w.leads(n)), c.mend
}

// OneWay cuts single links: nothing passes from From to To.
type OneWay struct{ From, To Target }

func (f OneWay) fix(w *World) Fault {
	f.From, f.To = f.From.fix(w), f.To.fix(w)
	return f
}

func (f OneWay) strike(w *World) (string, func()) {
	a, b := f.From.find(w), f.To.find(w)
	if a == b {
		return "", nil
	}
	c := &cutting{w: w}
	c.oneWay(int(a.index), int(b.index))
	return fmt.Sprintf("cut %v -> %v", a, b), c.mend
}

// Cut cuts the links between two nodes, both ways.
type Cut struct{ A, B Target }

func (f Cut) fix(w *World) Fault {
	f.A, f.B = f.A.fix(w), f.B.fix(w)
	return f
}

func (f Cut) strike(w *World) (string, func()) {
	a, b := f.A.find(w), f.B.find(w)
	if a == b {
		return "", nil
	}
	c := &cutting{w: w}
	c.bothWays(int(a.index), int(b.index))
	return fmt.Sprintf("cut %v -- %v", a, b), c.mend
}

// Bridge parts the nodes into two sides that meet only in one node, which both reach.
type Bridge struct{ Middle Target }

func (f Bridge) fix(w *World) Fault {
	f.Middle = f.Middle.fix(w)
	return f
}

func (f Bridge) strike(w *World) (string, func()) {
	m := f.Middle.find(w)
	c := &cutting{w: w}
	side, i := map[int]bool{}, 0
	for _, n := range w.nodes {
		if n != m {
			side[int(n.index)] = i%2 == 0
			i++
		}
	}
	for _, a := range w.nodes {
		for _, b := range w.nodes[:a.index] {
			if a != m && b != m && side[int(a.index)] != side[int(b.index)] {
				c.bothWays(int(a.index), int(b.index))
			}
		}
	}
	return fmt.Sprintf("bridge: two sides meet only in %v%s", m, w.leads(m)), c.mend
}

// Crash kills a process (SIGKILL) and starts a new one after Down: with empty memory, as a
// new incarnation. Without Down it stays away until Restart or the end of the torture. Under the
// rule of lost memory (fault_memory.go) it does nothing when the cluster could not bear it.
type Crash struct {
	Target Target
	Down   time.Duration
}

func (f Crash) fix(w *World) Fault {
	f.Target = f.Target.fix(w)
	return f
}

func (f Crash) strike(w *World) (string, func()) {
	n := f.Target.find(w)
	if n.state == stateDown || !w.faults.mayLose(n) {
		return "", nil
	}
	leads := w.leads(n)
	n.crash()
	said := fmt.Sprintf("crash %v%s", n, leads)
	if f.Down == 0 {
		return said, nil
	}
	return fmt.Sprintf("%s, down for %v", said, f.Down), w.revive(n, f.Down)
}

// revive plans a node's restart, and gives the way to have it at once.
func (w *World) revive(n *node, down time.Duration) func() {
	life := n.life
	start := func() {
		if n.state == stateDown && n.life == life {
			n.start()
			w.tell(trace.Fault, "restart %v as incarnation %d", n, n.incarnation)
		}
	}
	w.after(down, start)
	return start
}

// Restart starts a process that a Crash or a Stop without Down has left away.
type Restart struct{ Target Target }

func (f Restart) fix(w *World) Fault {
	f.Target = f.Target.fix(w)
	return f
}

func (f Restart) strike(w *World) (string, func()) {
	n := f.Target.find(w)
	if n.state != stateDown || n.life == 0 {
		return "", nil
	}
	n.start()
	return fmt.Sprintf("restart %v as incarnation %d", n, n.incarnation), nil
}

// Join starts a node that was absent from the beginning (Settings.Absent).
type Join struct{ Target Target }

func (f Join) fix(w *World) Fault {
	f.Target = f.Target.fix(w)
	return f
}

func (f Join) strike(w *World) (string, func()) {
	n := f.Target.find(w)
	if n.life != 0 {
		return "", nil
	}
	n.start()
	return fmt.Sprintf("%v joins as incarnation %d", n, n.incarnation), nil
}

// HotKeys makes all clients draw the same few keys.
type HotKeys struct{}

func (f HotKeys) fix(*World) Fault { return f }

func (HotKeys) strike(w *World) (string, func()) {
	w.work.hot++
	return "hot keys: everybody wants the same", func() { w.work.hot-- }
}

// Stop ends a process politely, as a rolling update does, and starts a new one after Down.
type Stop struct {
	Target Target
	Down   time.Duration
}

func (f Stop) fix(w *World) Fault {
	f.Target = f.Target.fix(w)
	return f
}

func (f Stop) strike(w *World) (string, func()) {
	n := f.Target.find(w)
	if n.state != stateUp || !w.faults.mayLose(n) {
		return "", nil
	}
	leads := w.leads(n)
	w.faults.leaving = departure{n, n.life}
	n.stop(func() {
		if f.Down > 0 {
			w.revive(n, f.Down)
		}
	})
	life := n.life
	w.after(10*time.Second, func() { // a polite stop that takes too long is made a hard one, as an init system does
		if n.life == life && n.state != stateDown {
			n.crash()
			if f.Down > 0 {
				w.revive(n, f.Down)
			}
		}
	})
	if f.Down == 0 {
		return fmt.Sprintf("stop %v%s", n, leads), nil
	}
	return fmt.Sprintf("stop %v%s, down for %v", n, leads, f.Down), nil
}

// departure is a node's life that is stopping politely.
type departure struct {
	node *node
	life uint32
}

// on reports whether it is under way still: a crash ends it, too.
func (d departure) on() bool {
	return d.node != nil && d.node.life == d.life && d.node.state != stateDown
}

// Pause freezes a process (SIGSTOP): its clock goes on, its sockets fill.
type Pause struct{ Target Target }

func (f Pause) fix(w *World) Fault {
	f.Target = f.Target.fix(w)
	return f
}

func (f Pause) strike(w *World) (string, func()) {
	n := f.Target.find(w)
	if n.state != stateUp {
		return "", nil
	}
	life := n.life
	n.pause()
	return fmt.Sprintf("pause %v%s", n, w.leads(n)), func() {
		if n.life == life {
			n.resume()
		}
	}
}

// Slow makes every turn of a node take long.
type Slow struct {
	Target Target
	Turn   time.Duration
}

func (f Slow) fix(w *World) Fault {
	f.Target = f.Target.fix(w)
	return f
}

func (f Slow) strike(w *World) (string, func()) {
	n := f.Target.find(w)
	return fmt.Sprintf("slow %v%s: %v per turn", n, w.leads(n), f.Turn), n.turnCost.press(f.Turn)
}

// Lossy makes all links between nodes lose and double packets (ten-thousandths) and take
// longer.
type Lossy struct {
	Drop, Duplicate int
	Delay           time.Duration
	Clients         bool // the clients' links lose, too
}

func (f Lossy) fix(*World) Fault { return f }

func (f Lossy) strike(w *World) (string, func()) {
	change := func(sign int) {
		for a := range w.network.size - 1 {
			for b := range w.network.size - 1 {
				if (a >= len(w.nodes) || b >= len(w.nodes)) && !f.Clients {
					continue
				}
				l := w.network.link(a, b)
				l.drop = max(0, l.drop+sign*f.Drop)
				l.twice = max(0, l.twice+sign*f.Duplicate)
				l.slow = max(0, l.slow+time.Duration(sign)*f.Delay)
			}
		}
	}
	change(1)
	w.faults.impeded = w.faults.impeded || f.Drop >= 500 || f.Delay > 0
	return fmt.Sprintf("lossy links: drop %d‱, duplicate %d‱, delay +%v", f.Drop, f.Duplicate, f.Delay), func() { change(-1) }
}

// Rate changes a clock's rate to a thousandth count from true time. With reads by lease it is kept
// within the drift that the settings allow for, because that is what leases rest on; reads that ask
// a quorum rest on no clock, and with them anything from a quarter of true time to double is fair.
// With Unbounded settings no clock is trusted at all. A rate that is wild ends with the fault or the torture; one within the drift stays.
type Rate struct {
	Target     Target
	Thousandth int
}

func (f Rate) fix(w *World) Fault {
	f.Target = f.Target.fix(w)
	return f
}

// wild says that a rate is far from what any clock in order has.
func (f Rate) wild() bool { return f.Thousandth < -wildFrom || f.Thousandth > wildFrom }

// wildFrom is the thousandths from true time beyond which a rate is wild.
const wildFrom = 100

func (n *node) wildRate() bool { return Rate{Thousandth: int(n.clock.ppm-1_000_000) / 1000}.wild() }

func (f Rate) strike(w *World) (string, func()) {
	n := f.Target.find(w)
	low, high := int64(-750_000), int64(1_000_000)
	if w.settings.leases() {
		high = int64(w.settings.Drift) * 1000 * 48 / 100
		low = -high
	}
	if w.settings.Unbounded {
		low, high = slowest-1_000_000, 1_000_000
	}
	ppm := 1_000_000 + min(max(int64(f.Thousandth)*1000, low), high)
	n.clock.setRate(w.now, ppm)
	said := fmt.Sprintf("clock of %v%s runs at %d.%03d‰ of true time", n, w.leads(n), ppm/1000, ppm%1000)
	if !n.wildRate() {
		return said, nil
	}
	return said, func() {
		if n.clock.ppm == ppm {
			n.clock.setRate(w.now, 1_000_000)
		}
	}
}

// slowest is the least rate of a clock, in millionths: none stands still.
const slowest = 1000

// WallJump moves a node's wall clock.
type WallJump struct {
	Target Target
	By     time.Duration
}

func (f WallJump) fix(w *World) Fault {
	f.Target = f.Target.fix(w)
	return f
}

func (f WallJump) strike(w *World) (string, func()) {
	n := f.Target.find(w)
	n.clock.wall += f.By.Milliseconds()
	w.faults.sawWalls()
	return fmt.Sprintf("wall clock of %v%s jumps by %v", n, w.leads(n), f.By), nil
}

// Demand requires that the cluster serves for a while although faults are on: no shard may
// pause longer than Gap or change its leader more than Elections times.
type Demand struct {
	For       time.Duration
	Gap       time.Duration
	Elections int
}

func (f Demand) fix(*World) Fault { return f }

func (f Demand) strike(w *World) (string, func()) {
	w.watch.require(f.For, f.Gap, f.Elections, nil)
	return fmt.Sprintf("demand: no pause over %v, at most %d elections a shard, for %v", f.Gap, f.Elections, f.For), nil
}

// Heal ends every fault that is on.
type Heal struct{}

func (f Heal) fix(*World) Fault { return f }

func (Heal) strike(w *World) (string, func()) {
	w.faults.healAll()
	return "heal", nil
}

// Cast does no harm: it settles who plays the parts that the script names later on, all at the
// same instant.
type Cast []Role

// Role is a part and who plays it.
type Role struct {
	Part   string
	Target Target
}

func (f Cast) fix(w *World) Fault {
	fixed := make(Cast, len(f))
	for i, r := range f {
		fixed[i] = Role{r.Part, r.Target.fix(w)}
	}
	return fixed
}

func (f Cast) strike(w *World) (string, func()) {
	said := "cast:"
	for _, r := range f {
		n := r.Target.find(w)
		w.faults.parts[r.Part] = n
		said += fmt.Sprintf(" %s=%v%s", r.Part, n, w.leads(n))
	}
	return said, nil
}

// leads says which data shards a node leads, for the report.
func (w *World) leads(n *node) string {
	var shards []string
	for shard := 1; shard < len(w.watch.newest); shard++ {
		if l := w.watch.newest[shard]; l.term > 0 && l.node == n.id {
			shards = append(shards, fmt.Sprint(shard))
		}
	}
	switch {
	case len(shards) == 0:
		return ""
	case len(shards) > 4:
		return fmt.Sprintf(" (leads %d shards)", len(shards))
	}
	return " (leads " + strings.Join(shards, ",") + ")"
}
