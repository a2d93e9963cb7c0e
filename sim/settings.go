package sim

import (
	"time"

	"torc/cluster"
	"torc/core/evict"
)

// Settings are all that shapes a run beside its script. They are drawn from the seed (swarm
// testing: Groce et al., "Swarm Testing", ISSTA 2012: leaving things out of a run finds more
// than having all in every run), narrowed by the scenario and printed in full.
type Settings struct {
	// The cluster.
	Nodes     int
	Absent    int // of the nodes, the last ones, until they join
	Shards    int
	Replicas  int
	Lanes     []int // per node
	Reads     cluster.ReadMode
	Mixed     bool // of the nodes every second one reads by ReadIndex, the others by lease, whatever Reads says
	Tick      time.Duration
	Election  int   // ticks
	Elections []int // of each node, if they are set differently; one that is not named here, or with 0, has Election
	Heartbeat int   // ticks
	Drift     int   // thousandths: the bound that leases rest on
	LogBytes  int64
	Grace     time.Duration // how long a node may be silent before its replicas are moved; 0: the default

	// What becomes of shards that have lost their quorum for good.
	OnLoss     cluster.LossPolicy
	Evict      evict.Kind    // what is given up when memory is squeezed
	ResetGrace time.Duration // 0: the default

	// What a shard remembers of clients, so that a retry is applied once.
	SessionTTL   time.Duration // for how long; 0: the default
	SessionsMax  int           // of how many; 0: the default
	SessionBytes int64         // and in how many bytes; 0: the default

	// The world.
	Links     Links
	Swim      Swim
	Codec     bool          // frames travel in their binary form
	Redirect  bool          // Torc's clients are redirected, not forwarded for
	DriftUsed int           // thousandths: how much of Drift the nodes' clocks use
	Unbounded bool          // no clock is trusted: faults may take rates beyond Drift
	Skew      time.Duration // wall clocks are off by up to this, either way
	TurnCost  time.Duration // how long a lane's turn takes

	// The workload.
	Clients      int           // with sessions
	Plain        int           // like Redis users: no session, no retry
	Threads      int           // operations in flight per client
	Think        time.Duration // mean pause of a thread between operations
	Timeout      time.Duration // of an operation
	Registers    int           // keys in use at the same time, of each sort
	Models       int
	Counters     int
	Appends      int
	Expiring     int
	Transactions int           // families of keys for atomic batches
	Leases       int           // keys that are filled under leases
	Hedge        bool          // session clients ask a second node when a read takes long
	HedgeAfter   time.Duration // how long that is; 0: longer than reads took lately
	Cache        bool          // session clients keep what they read
	CacheLease   time.Duration // for how long a leader promises them that it does not change; 0: the default
	HotReads     int           // reads a second that make a key hot, of which nodes that do not lead it hold copies; 0: they hold none
	HotLease     time.Duration // for how long a leader promises them; 0: the default
	HotRest      time.Duration // for how long a key that is recalled again and again is let alone; 0: the default
	Limit        int           // requests that a session client lets be under way to one node at most; 0: as users have it

	// The nemesis.
	Faults     Faults
	Storm      int           // ten-thousandths of packets that are lost all through a swarm run, and doubled
	FaultEvery time.Duration // mean time between faults
	FaultFor   time.Duration // mean time until a fault ends
	Ruin       bool          // more memory may be lost than data shards bear; the meta group keeps its majority
	Rough      bool          // the founding is disturbed, too (founding.go)
	Core       bool          // at the end first only a majority of the nodes is healed, and must serve
}

// Faults says which kinds of fault a run may draw.
type Faults struct {
	Isolate, Split, OneWay, Bridge bool
	Crash, Stop, Pause, Slow       bool
	Lossy, Rates, WallJumps        bool
	Clog, Throttle, Replay, Rack   bool
	SnapshotCrash, ChangeCrash     bool
	WildRates, LongPause           bool // wild rates: only with reads by ReadIndex
	Memory, Lies                   bool
	Drain, Weigh                   bool
	Lag, Stall                     bool
}

// DrawSettings draws a run's settings from its seed.
func DrawSettings(seed uint64) Settings {
	r := NewStream(seed, "settings")
	s := Settings{
		Nodes: 3, Shards: 1 + r.IntN(8), Replicas: 3,
		Tick: 50 * time.Millisecond, Election: 10, Heartbeat: 2, Drift: 50, LogBytes: 4 << 20,
		Clients: 2 + r.IntN(3), Plain: 1 + r.IntN(3), Threads: 1 + r.IntN(2),
		Think: r.Neat(20*time.Millisecond, 150*time.Millisecond), Timeout: r.Neat(time.Second, 4*time.Second),
		TurnCost:   r.Neat(5*time.Microsecond, 60*time.Microsecond),
		FaultEvery: r.Neat(2*time.Second, 8*time.Second), FaultFor: r.Neat(1*time.Second, 8*time.Second),
	}
	if r.Chance(4000) {
		s.Nodes = 4 + r.IntN(2)
	}
	for range s.Nodes {
		s.Lanes = append(s.Lanes, 1+r.IntN(2))
	}
	if r.Chance(3000) {
		s.Reads = cluster.ReadIndex
	}
	if r.Chance(3000) {
		s.LogBytes = 16 << 10 // snapshots are needed to catch up
	}
	s.Links = drawLinks(&r)
	s.Swim = drawSwim(&r)
	s.Codec = r.Chance(3000)
	s.Redirect = r.Bool()
	if r.Bool() {
		s.DriftUsed = s.Drift
	}
	if r.Chance(4000) {
		s.Skew = r.Neat(50*time.Millisecond, 5*time.Second)
	}
	s.Registers, s.Models, s.Counters = 2+r.IntN(8), 1+r.IntN(2), 1+r.IntN(2)
	s.Appends, s.Expiring = 1+r.IntN(2), 1+r.IntN(3)
	s.Transactions = r.IntN(3)
	s.Faults = drawFaults(&r)
	if r.Chance(5000) {
		s.Grace = r.Neat(1*time.Second, 10*time.Second) // replicas are moved while faults last
	}
	s.drawMore(seed)
	return s
}

// drawMore draws what came later from a stream of its own, so that the rest of a seed's settings
// stayed what it was.
func (s *Settings) drawMore(seed uint64) {
	r := NewStream(seed, "settings, more")
	on := func() bool { return r.Chance(3000) }
	f := &s.Faults
	f.Clog, f.Throttle, f.Replay, f.Rack, f.SnapshotCrash, f.ChangeCrash = on(), on(), on(), on(), on(), on()
	f.WildRates, f.LongPause, f.Memory, f.Lies = on(), on(), on(), on()
	f.WildRates = f.WildRates && s.Reads == cluster.ReadIndex
	s.Core = r.Chance(4000)
	if digests := NewStream(seed, "settings, digests"); digests.Chance(3000) {
		s.Swim.BadDigest = 1 + digests.IntN(2000)
	}
	if leases := NewStream(seed, "settings, leases"); leases.Chance(3000) {
		s.Leases = 1 + leases.IntN(3)
	}
	s.drawHedge(seed)
	if s.Nodes == 5 && r.Bool() {
		s.Replicas = 5 // two may be lost at once
	}
}

// drawHedge has some clients hedge: by what they see, after a time that makes sense, or so rashly that only the budget keeps
// them from asking everything twice.
func (s *Settings) drawHedge(seed uint64) {
	r := NewStream(seed, "settings, hedge")
	if s.Hedge = r.Chance(4000); !s.Hedge {
		return
	}
	switch r.IntN(3) {
	case 0:
		s.HedgeAfter = r.Neat(time.Millisecond, 50*time.Millisecond)
	case 1:
		s.HedgeAfter = r.Neat(50*time.Microsecond, time.Millisecond)
	}
}

// drawCache has the clients of three runs in ten keep what they read. Then fewer keys are used more often, or nothing would be read twice
// before it changes.
func (s *Settings) drawCache(seed uint64) {
	r := NewStream(seed, "settings, cache")
	if s.Cache = r.Chance(3000); !s.Cache {
		return
	}
	s.CacheLease = r.Neat(500*time.Millisecond, 3*time.Second)
	s.Threads = max(s.Threads, 2)
	s.Registers, s.Think = 1+r.IntN(3), r.Neat(15*time.Millisecond, 40*time.Millisecond)
	s.Models, s.Counters, s.Appends = min(s.Models, 1), min(s.Counters, 1), min(s.Appends, 1)
}

// drawHot has nodes hold copies of hot keys in most runs whose reads rest on leases. Then Redis clients ask more than one node for few keys again and
// again, and somebody writes them. Of the other runs some come to read by lease on every second node.
func (s *Settings) drawHot(seed uint64) {
	r := NewStream(seed, "settings, hot keys")
	on, mixed := r.Chance(9500), r.Chance(4000)
	s.Mixed = s.Mixed || on && mixed && !s.leases() && !s.Faults.WildRates
	if !on || !s.leases() {
		return
	}
	s.HotReads, s.HotLease, s.HotRest = 2+r.IntN(6), r.Neat(150*time.Millisecond, time.Second), r.Neat(20*time.Millisecond, 800*time.Millisecond)
	s.Plain, s.Threads, s.Registers, s.Think = max(s.Plain, 3), max(s.Threads, 2), min(s.Registers, 3), min(s.Think, r.Neat(15*time.Millisecond, 50*time.Millisecond))
}

// drawSessions has the shards of some runs forget clients between two tries of a write: because they were idle for as long as an election
// and a client's patience take, or because others came. Then nobody can tell any more whether the first try was applied, and nobody may
// write again as if it had not been.
func (s *Settings) drawSessions(seed uint64) {
	r := NewStream(seed, "settings, sessions")
	brief, few := r.Chance(2000), r.Chance(2000)
	if brief {
		s.SessionTTL = r.Neat(time.Second, 3*time.Second)
	}
	if few {
		s.SessionsMax = 1 + r.IntN(6)
	}
	if r.Chance(1500) { // one to seven clients that wait for one outcome, or a client that waits for some
		s.SessionBytes = int64(320 + r.IntN(2000))
	}
}

// drawLag has links of some runs be late for a moment, and event loops of some stand still. Not in storms: what is drawn takes the place of
// something else, and those live on their few kinds.
func (s *Settings) drawLag(seed uint64) {
	r := NewStream(seed, "settings, lag")
	lag, stall := r.Chance(2500), r.Chance(2500)
	s.Faults.Lag, s.Faults.Stall = lag && s.Storm == 0, stall && s.Storm == 0
}

func drawLinks(r *Stream) Links {
	l := Links{Delay: r.Neat(50*time.Microsecond, 2*time.Millisecond), Jitter: r.Neat(50*time.Microsecond, 3*time.Millisecond)}
	if r.Chance(3000) {
		l.Tail, l.TailDelay = 1+r.IntN(100), r.Neat(10*time.Millisecond, 500*time.Millisecond)
	}
	if r.Chance(3000) {
		l.Drop = 1 + r.IntN(300)
	}
	if r.Chance(3000) {
		l.Duplicate = 1 + r.IntN(300)
	}
	return l
}

func drawSwim(r *Stream) Swim {
	s := Swim{Every: r.Neat(200*time.Millisecond, time.Second), Misses: 1 + r.IntN(3), SuspectFor: r.Neat(time.Second, 4*time.Second)}
	if r.Chance(3000) {
		s.FalseAlarm = 1 + r.IntN(200)
	}
	if r.Chance(2000) {
		s.Libel = 1 + r.IntN(50)
	}
	if r.Chance(2000) {
		s.OldRumour = 1 + r.IntN(500)
	}
	return s
}

func drawFaults(r *Stream) Faults {
	on := func() bool { return r.Chance(5000) }
	return Faults{Isolate: on(), Split: on(), OneWay: on(), Bridge: on(), Crash: on(), Stop: on(), Pause: on(),
		Slow: on(), Lossy: on(), Rates: on(), WallJumps: r.Chance(2500)}
}

// ReadsOf is how a node, counted from 0, makes its reads safe.
func (s *Settings) ReadsOf(node int) cluster.ReadMode {
	switch {
	case !s.Mixed:
		return s.Reads
	case node%2 == 1:
		return cluster.ReadIndex
	}
	return cluster.ReadLease
}

// leases reports whether any node trusts clocks.
func (s *Settings) leases() bool { return s.Mixed || s.Reads == cluster.ReadLease }

// ElectionOf is how many ticks a node, counted from 0, waits before it stands for election.
func (s *Settings) ElectionOf(node int) int {
	if node < len(s.Elections) && s.Elections[node] > 0 {
		return s.Elections[node]
	}
	return s.Election
}

// election is how long a follower waits at least before it campaigns; of those that are set differently the most patient.
func (s *Settings) election() time.Duration {
	most := s.Election
	for _, ticks := range s.Elections[:min(len(s.Elections), s.Nodes)] {
		most = max(most, ticks)
	}
	return s.Tick * time.Duration(most)
}

// drawElections has the nodes of a quarter of the runs wait differently, as they do while an operator changes the timeout on one after the
// other: a few have the old one, two or three times the new one, and are cut off now and then while they lead. No heartbeat
// is late for any of them.
func (s *Settings) drawElections(seed uint64) {
	r := NewStream(seed, "settings, elections")
	if s.Storm > 0 || !r.Chance(2500) {
		return
	}
	s.Elections = make([]int, s.Nodes)
	for range 1 + r.IntN(max(1, s.Nodes/2)) {
		s.Elections[r.IntN(s.Nodes)] = 2*s.Election + r.IntN(s.Election+1)
	}
	s.Faults.Isolate = true
	s.Shards = max(s.Shards, s.Nodes) // so that each of them leads
	if r.Bool() {                     // nothing but what a lease has to fear then
		s.Nodes, s.Absent, s.Replicas, s.Shards, s.Ruin, s.Lanes = 3, 0, 3, 3, false, nil
		s.Elections = []int{3 * s.Election, 0, 0}
		s.Reads, s.Mixed, s.HotReads = cluster.ReadLease, false, 0
		s.Faults = Faults{Isolate: true, Split: r.Chance(3000)}
		s.FaultEvery, s.FaultFor = r.Neat(3*time.Second, 5*time.Second), r.Neat(2*time.Second, 3*time.Second)
		s.Registers, s.Think = 2+r.IntN(2), r.Neat(8*time.Millisecond, 20*time.Millisecond)
		s.Clients, s.Plain = 3, 4
	}
}

// ServesWithin is how soon after everything was healed every shard must take a write.
func (s *Settings) ServesWithin() time.Duration { return probeFactor * s.election() }

// Draw is the settings of a run of the scenario: drawn from the seed, narrowed, and made consistent.
func (c *Scenario) Draw(seed uint64) Settings {
	s := DrawSettings(seed)
	if c.Swarm {
		s.drawMood(seed)
		s.drawChange(seed)
		s.drawFounding(seed)
		s.drawShortage(seed)
		s.drawCache(seed)
		s.drawHot(seed)
		s.drawElections(seed)
		s.drawSessions(seed)
		s.drawLag(seed)
	}
	if c.Settings != nil {
		c.Settings(&s)
	}
	s.Fit()
	return s
}

// Fit repairs what a scenario left inconsistent.
func (s *Settings) Fit() {
	for len(s.Lanes) < s.Nodes {
		s.Lanes = append(s.Lanes, 1)
	}
	s.Lanes = s.Lanes[:s.Nodes]
	s.Absent = min(max(s.Absent, 0), s.Nodes-1)
	s.Replicas = min(s.Replicas, s.Nodes-s.Absent)
	s.Swim = s.Swim.withDefaults()
	s.DriftUsed = min(s.DriftUsed, s.Drift)
	s.Threads, s.Registers = max(s.Threads, 1), max(s.Registers, 1)
	s.Faults.WildRates = s.Faults.WildRates && !s.leases()
	if s.Nodes < 4 {
		s.Faults.Bridge = s.Faults.Bridge && s.Nodes >= 3
	}
}
