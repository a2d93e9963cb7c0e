package sim

import (
	"bufio"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"time"

	"torc/cluster"
	"torc/core/store"
	"torc/core/trace"
	"torc/core/wire"
)

// World is one simulated run: nodes, clients, the links between them and the one agenda on
// which everything that happens has its place.
type World struct {
	seed     uint64
	settings Settings
	factory  Factory

	placement store.Seed // the cluster's secret, whoever founds it

	now     int64 // nanoseconds since the world began
	agenda  agenda
	entropy entropy
	stray   Stream // served to whoever draws outside of any node

	nodes    []*node
	clients  []*client
	network  *network
	swimRand Stream
	faults   nemesis

	hash        *trace.Hasher
	writer      *bufio.Writer // the trace as text, when asked for
	observe     func(*trace.Event, *wire.Frame) bool
	stopped     bool // by the observer
	events      uint64
	second      int64  // of the world's time, and
	rush        int    // how many events it has had
	scratch     []byte // for encoding frames
	watch       watch  // the oracles that look while things happen
	coverage    coverage
	work        *workload
	scenario    Scenario
	torturedFor time.Duration
	losses      losses
	evictions   evictions
	lost        []bool // by shard, after the torture: the majority of its voters' memory is gone
	timeline    []Moment
	violations  []Violation
	ended       bool // nothing more is worth simulating
}

// Moment is something the report tells: a fault, a phase.
type Moment struct {
	At   time.Duration
	Text string
}

// newWorld builds a world; nothing happens before run.
func newWorld(seed uint64, settings Settings, factory Factory, out io.Writer) *World {
	if factory == nil {
		factory = realLane
	}
	settings.Fit()
	w := &World{seed: seed, settings: settings, factory: factory, hash: trace.NewHasher()}
	if out != nil {
		w.writer = bufio.NewWriterSize(out, 1<<16)
	}
	w.stray = NewStream(seed, "stray")
	w.entropy.current = &w.stray
	w.swimRand = NewStream(seed, "swim")
	secret := NewStream(seed, "placement")
	w.placement = store.Seed{secret.Uint64(), secret.Uint64()}
	w.watch, w.coverage = newWatch(w), newCoverage(settings.Nodes)
	w.faults = nemesis{w: w, rand: NewStream(seed, "faults"), parts: map[string]*node{}}
	w.network = newNetwork(w, settings.Nodes, settings.Clients+settings.Plain+1, settings.Links)
	w.addNodes()
	w.addClients()
	return w
}

func (w *World) addNodes() {
	clocks := NewStream(w.seed, "clocks")
	var join []string
	for i := range w.settings.Nodes {
		join = append(join, "n"+strconv.Itoa(i+1)+":peer")
	}
	for i := range w.settings.Nodes {
		name := "n" + strconv.Itoa(i+1)
		n := &node{
			w: w, index: int32(i), id: wire.NodeID(i + 1), name: name,
			rand: NewStream(w.seed, name), laneCount: w.settings.Lanes[i],
			clock: newClock(int64(clocks.Duration(0, time.Hour)), w.drawRate(&clocks), clocks.Duration(-w.settings.Skew, w.settings.Skew)),
		}
		n.config = w.configOf(n, join)
		w.nodes = append(w.nodes, n)
		w.network.addresses[name+":peer"] = address{n.index, portPeer}
		w.network.addresses[name+":client"] = address{n.index, portClient}
		w.network.addresses[name+":resp"] = address{n.index, portRESP}
	}
}

func (w *World) configOf(n *node, join []string) cluster.Config {
	s := &w.settings
	c := cluster.Config{
		Self: wire.Member{ID: n.id, Name: n.name, PeerAddr: n.name + ":peer", GRPCAddr: n.name + ":client", RESPAddr: n.name + ":resp"},
		Join: join, Expect: s.Nodes - s.Absent, Shards: s.Shards, Replicas: s.Replicas, Lanes: n.laneCount,
		Tick: s.Tick, ElectionTicks: s.ElectionOf(int(n.index)), HeartbeatTicks: s.Heartbeat, ClockDrift: s.Drift, Reads: s.ReadsOf(int(n.index)), LogBytes: s.LogBytes, Grace: s.Grace,
		Policy: s.Evict, Seed: w.placement, OnQuorumLoss: s.OnLoss, ResetGrace: s.ResetGrace, CacheLease: s.CacheLease, HotReads: s.HotReads, HotLease: s.HotLease, HotRest: s.HotRest,
		SessionTTL: s.SessionTTL, SessionsMax: s.SessionsMax, SessionBytes: s.SessionBytes,
	}
	if c.HotReads == 0 {
		c.HotReads = -1
	}
	if int(n.index) >= c.Expect { // who only joins was not told what the founders wish
		c.Expect, c.Shards, c.Replicas, c.MaxValue, c.SessionTTL, c.SessionsMax, c.SessionBytes = 1, 0, 0, 0, 0, 0, 0
		c.ResetGrace = 1 // as little as may be
	}
	return c.Defaults()
}

// drawRate draws a clock's rate in millionths, so that any two clocks' rates stay within the
// drift that leases allow for.
func (w *World) drawRate(r *Stream) int64 {
	half := w.settings.DriftUsed * 1000 * 48 / 100 // a little less than half the bound, either way
	return 1_000_000 + int64(r.Between(-half, half))
}

// idOf is what the trace calls an endpoint: nodes count from 1, clients from 1001.
func (w *World) idOf(endpoint int32) wire.NodeID {
	if int(endpoint) < len(w.nodes) {
		return wire.NodeID(endpoint + 1)
	}
	return wire.NodeID(1001 + int(endpoint) - len(w.nodes))
}

// after calls f at a later time. It is for the world's own rare business.
func (w *World) after(d time.Duration, f func()) {
	w.agenda.add(w.now+int64(d), evCall).fn = f
}

// until runs the world to a time, or until it has ended.
func (w *World) until(at time.Duration) {
	for !w.ended && len(w.agenda.slots) > 0 && w.agenda.slots[0].at <= int64(at) {
		w.step()
	}
	if !w.ended {
		w.now = max(w.now, int64(at))
	}
}

// await runs the world until cond holds, looking every so often, and reports whether it did
// within the time allowed.
func (w *World) await(limit, every time.Duration, cond func() bool) bool {
	deadline := w.now + int64(limit)
	for !w.ended {
		if cond() {
			return true
		}
		if w.now >= deadline {
			return false
		}
		w.until(time.Duration(w.now) + every)
	}
	return false
}

// rushMax is how many events a simulated second may have: more than the largest cluster needs at
// full load, by far. Nodes that answer each other without end would never let time pass.
const rushMax = 5_000_000

// step lets the next event happen.
func (w *World) step() {
	at, e := w.agenda.pop()
	w.now = at
	w.events++
	if second := at / int64(time.Second); second != w.second {
		w.second, w.rush = second, 0
	}
	if w.rush++; w.rush > rushMax {
		w.violate(OracleSanity, "more than %d events in one second: somebody does something without end", rushMax)
		w.ended = true
		return
	}
	switch e.kind {
	case evPacket:
		w.network.onPacket(e)
	case evTurn:
		w.nodes[e.to].onTurn(e.lane, e.life)
	case evTimer:
		w.onTimer(e)
	case evThread:
		w.clientAt(e.to).onThread(int(e.lane))
	case evExpire:
		w.clientAt(e.to).onExpire(e.number)
	case evSwim:
		w.nodes[e.to].onSwim(e.life)
	case evCall:
		e.fn()
	}
	w.agenda.recycle(e)
}

func (w *World) clientAt(endpoint int32) *client { return w.clients[int(endpoint)-len(w.nodes)] }

func (w *World) onTimer(e *event) {
	if int(e.to) < len(w.nodes) {
		w.nodes[e.to].onTimer(e)
		return
	}
	w.entropy.current = &w.clientAt(e.to).chance
	e.fn()
	w.entropy.current = &w.stray
}

// emit stamps an event, folds it into the hash and writes it down if somebody reads.
func (w *World) emit(e trace.Event) { w.emitWith(e, nil) }

// emitWith is emit for an event about a frame that is being sent.
func (w *World) emitWith(e trace.Event, f *wire.Frame) {
	e.At = w.now
	w.hash.Emit(e)
	if w.writer != nil {
		w.writer.WriteString(e.String())
		w.writer.WriteByte('\n')
	}
	if w.observe != nil && !w.stopped {
		seen := e // a copy, so that e need not be on the heap when nobody looks
		if w.observe(&seen, f) {
			w.stopped, w.ended = true, true
		}
	}
}

// laneSink takes what a node's lanes tell.
type laneSink struct {
	w *World
	n *node
}

func (s laneSink) Emit(e trace.Event) {
	e.Node = s.n.id
	s.w.emit(e)
	s.w.watch.see(&e)
	s.w.coverage.saw(s.w, &e)
	if len(s.w.faults.armed) > 0 {
		s.w.faults.noticed(&e)
	}
}

// tell adds a line to the report's timeline, and to the trace.
func (w *World) tell(kind trace.Kind, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.timeline = append(w.timeline, Moment{At: time.Duration(w.now), Text: text})
	w.emit(trace.Event{Kind: kind, Note: text})
}

// violationsMax is how many violations a run tells of; more of them teach nothing.
const violationsMax = 20

// violate records a violation.
func (w *World) violate(o Oracle, format string, args ...any) {
	if len(w.violations) >= violationsMax {
		return
	}
	v := Violation{Oracle: o, At: time.Duration(w.now), Text: fmt.Sprintf(format, args...)}
	w.violations = append(w.violations, v)
	w.emit(trace.Event{Kind: trace.Violation, Note: v.Oracle.String() + " " + v.Text})
}

// panicked records a panic inside a node and ends the run: the process would be gone, and
// the bug is found.
func (w *World) panicked(n *node, p any) {
	w.violate(OracleSanity, "node %v panicked: %v", n, p)
	w.violations[len(w.violations)-1].Stack = stackHead()
	w.ended = true
}

// stackHead is the top of the stack below the panic, without addresses, so that it is the
// same in every process.
func stackHead() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(4, pcs)])
	var b strings.Builder
	for range 12 {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, "torc/sim.(*node).run") {
			break
		}
		if !strings.HasPrefix(f.Function, "runtime.") {
			fmt.Fprintf(&b, "%s:%d\n", f.Function, f.Line)
		}
		if !more {
			break
		}
	}
	return b.String()
}

// formed reports whether every shard, the meta group included, has a leader and all the
// voters it should have, each alive in this life: then the memory of any one node can go
// without anything acknowledged being lost.
func (w *World) formed() bool {
	up, groups := w.living()
	if up < min(w.settings.Replicas, w.settings.Nodes) {
		return false
	}
	for shard := 0; shard <= w.settings.Shards; shard++ {
		if !w.whole(wire.ShardID(shard), groups) {
			return false
		}
	}
	return true
}

// living gathers the groups of all running nodes, by shard.
func (w *World) living() (up int, groups [][]cluster.GroupStatus) {
	groups = make([][]cluster.GroupStatus, w.settings.Shards+1)
	for _, n := range w.nodes {
		if n.state == stateDown {
			continue
		}
		up++
		for _, l := range n.lanes {
			for _, g := range l.core.Status().Groups {
				if int(g.Shard) < len(groups) {
					groups[g.Shard] = append(groups[g.Shard], g)
				}
			}
		}
	}
	return up, groups
}

// whole judges one shard: by its newest leader's configuration and what lives.
func (w *World) whole(shard wire.ShardID, groups [][]cluster.GroupStatus) bool {
	var leader *cluster.GroupStatus
	for i := range groups[shard] {
		g := &groups[shard][i]
		if g.Role == "leader" && (leader == nil || g.Term > leader.Term) {
			leader = g
		}
	}
	if want := w.voters(); leader == nil || len(leader.Voters) < want || len(leader.Outgoing) > 0 {
		return false
	}
	for _, voter := range leader.Voters {
		lives := false
		for i := range groups[shard] {
			g := &groups[shard][i]
			lives = lives || g.Replica == voter && g.Commit > 0 && leader.Commit-min(g.Applied, leader.Commit) < 1000
		}
		if !lives {
			return false
		}
	}
	return true
}
