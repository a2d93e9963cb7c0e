package sim

import (
	"encoding/hex"
	"fmt"

	"torc/core/trace"
	"torc/core/wire"
	"torc/linearizability"
)

// A torture that never reaches the rare branches proves nothing about them. So each run notes which
// of a fixed list of points it reached ("sometimes" assertions: Antithesis calls them so), a sweep
// merges what its runs reached and prints what none of them did. A point is
//
//   - a kind of fault that was on while an operation of a kind was in flight, or
//   - a rare branch, seen in what nodes tell (trace) and in what travels, or
//   - a reason that a client was given for not being answered.
//
// Noting costs a bit set in a word; nothing here can change a run.

// faultKind counts the kinds of fault, in the order of Faults.kinds.
type faultKind uint8

const (
	kindIsolate faultKind = iota
	kindSplit
	kindOneWay
	kindBridge
	kindCrash
	kindStop
	kindPause
	kindSlow
	kindLossy
	kindRates
	kindWallJumps
	kindClog
	kindThrottle
	kindReplay
	kindRack
	kindSnapshotCrash
	kindChangeCrash
	kindWildRates
	kindLongPause
	kindMemory
	kindLies
	kindDrain
	kindWeigh
	kindLag
	kindStall
	kindCount
	kindNone = kindCount // what is no fault: casts, demands, hot keys
)

// partitions are the kinds that keep nodes from hearing each other.
const partitions = 1<<kindIsolate | 1<<kindSplit | 1<<kindOneWay | 1<<kindBridge

// kindOf is the kind of a fault, as far as it shows.
func kindOf(f Fault) faultKind {
	switch f := f.(type) {
	case For:
		if _, pause := f.Fault.(Pause); pause && f.Duration > longPauseMin {
			return kindLongPause
		}
		return kindOf(f.Fault)
	case Isolate:
		return kindIsolate
	case Split:
		return kindSplit
	case Deaf, OneWay, Cut:
		return kindOneWay
	case Bridge:
		return kindBridge
	case Crash:
		return kindCrash
	case Stop:
		return kindStop
	case Pause:
		return kindPause
	case Slow:
		return kindSlow
	case Lossy:
		return kindLossy
	case Rate:
		if f.wild() {
			return kindWildRates
		}
		return kindRates
	case WallJump:
		return kindWallJumps
	case Clog:
		return kindClog
	case Throttle:
		return kindThrottle
	case Lag, Echo:
		return kindLag
	case Stall:
		return kindStall
	case Replay:
		return kindReplay
	case Rack:
		return kindRack
	case Squeeze:
		return kindMemory
	case Slander:
		return kindLies
	case Drain:
		return kindDrain
	case Weigh:
		return kindWeigh
	case Roll:
		return kindStop
	}
	return kindNone
}

// armedKind is the kind of a fault that a trigger has set off.
func armedKind(t Trigger, kind faultKind) faultKind {
	switch {
	case kind != kindCrash:
		return kind
	case t == OnSnapshot:
		return kindSnapshotCrash
	}
	return kindChangeCrash
}

// branch is a rare branch.
type branch uint8

const (
	branchSnapshotSent branch = iota
	branchSnapshotInstalled
	branchSnapshotFailed
	branchSnapshotSenderLost
	branchSnapshotReceiverLost
	branchJoint
	branchJointLeaderLost
	branchLearnerPromoted
	branchVoterRemoved
	branchOlderTerm
	branchSteppedDown
	branchLeaseLost
	branchLogReplaced
	branchLogCut
	branchRepeat
	branchPreVoteRefused
	branchVoteRefused
	branchTimeoutNow
	branchReadIndexParted
	branchForwardRedirected
	branchLostThenRetried
	branchMemoryRefused
	branchDeclaredDown
	branchDrained
	branchDrainLost
	branchDrainLeaderLost
	branchUndrained
	branchWeighed
	branchCameBack
	branchClogReleased
	branchReplay
	branchRack
	branchCore
	branchCoreSpared
	branchBegunAnew
	branchForgotten
	branchMetaRecovered
	branchFoundersApart
	branchFounderRestarted
	branchCameBackCut
	branchEvicted
	branchVictimStays
	branchLeased
	branchLeaseTaken
	branchFilled
	branchFillRefused
	branchHedgeWon
	branchCached
	branchRecalled
	branchLooked
	branchHeld
	branchHeldRecalled
	branchGuardMet
	branchGuardUnmet
	branchCount
)

var branchNames = [branchCount]string{
	branchSnapshotSent:         "a snapshot is sent",
	branchSnapshotInstalled:    "a snapshot is installed",
	branchSnapshotFailed:       "a snapshot is given up",
	branchSnapshotSenderLost:   "a node crashes while it sends a snapshot",
	branchSnapshotReceiverLost: "a node crashes while it is sent a snapshot",
	branchJoint:                "a joint change is entered",
	branchJointLeaderLost:      "a leader crashes with a joint change under way",
	branchLearnerPromoted:      "a learner is made a voter",
	branchVoterRemoved:         "a voter is removed",
	branchOlderTerm:            "an entry of an older term is applied",
	branchSteppedDown:          "a leader steps down in its own term",
	branchLeaseLost:            "a lease is lost",
	branchLogReplaced:          "a follower's entries are replaced by a new leader's",
	branchLogCut:               "a log is cut to its bound",
	branchRepeat:               "a retry is answered from the session table",
	branchPreVoteRefused:       "a pre-vote is refused",
	branchVoteRefused:          "a vote is refused",
	branchTimeoutNow:           "a leadership is handed over",
	branchReadIndexParted:      "a quorum is asked for a read during a partition",
	branchForwardRedirected:    "a node forwards again after a redirect",
	branchLostThenRetried:      "a client retries after leadership was lost",
	branchMemoryRefused:        "a write is refused for memory",
	branchDeclaredDown:         "a node is declared down",
	branchDrained:              "a drain is finished",
	branchDrainLost:            "a node crashes while it is drained",
	branchDrainLeaderLost:      "the meta group's leader crashes during a drain",
	branchUndrained:            "a node is taken back half-way",
	branchWeighed:              "a weight is changed",
	branchCameBack:             "a node that has left comes back",
	branchClogReleased:         "a clog lets go",
	branchReplay:               "a new life hears what its former life was told",
	branchRack:                 "nodes crash together",
	branchCore:                 "a core is healed and serves",
	branchCoreSpared:           "a core lacks the majority of some shard",
	branchBegunAnew:            "a lost shard is begun anew",
	branchForgotten:            "an operator has a dead node forgotten",
	branchMetaRecovered:        "an operator has the meta group begun anew",
	branchFoundersApart:        "nodes found a cluster while links are cut",
	branchFounderRestarted:     "a node is restarted before there is a cluster",
	branchCameBackCut:          "a node comes back behind a cut",
	branchEvicted:              "a key is given up",
	branchVictimStays:          "a key that was to be given up was written meanwhile",
	branchLeased:               "a lease is granted",
	branchLeaseTaken:           "a lease is refused: somebody has one",
	branchFilled:               "a key is filled under a lease",
	branchFillRefused:          "a fill is refused: its lease is over",
	branchHedgeWon:             "a read is answered by the second node that was asked",
	branchCached:               "a client answers a read from what it has kept",
	branchRecalled:             "a client is asked to drop what it keeps",
	branchLooked:               "a read is answered between two turns of its lane",
	branchGuardMet:             "a guarded batch is done",
	branchGuardUnmet:           "a guarded batch is not done: a key has changed",
	branchHeld:                 "a node answers a read from a copy of a hot key",
	branchHeldRecalled:         "a node is asked to drop a copy of a hot key",
}

// reasonPoints are the reasons that a run may give its clients. No operation of the workload is too
// large.
var reasonPoints = []wire.Reason{wire.ReasonNotLeader, wire.ReasonNotOwner, wire.ReasonNoQuorum, wire.ReasonDeadline,
	wire.ReasonOutOfMemory, wire.ReasonSessionExpired, wire.ReasonLeadershipLost, wire.ReasonStopping, wire.ReasonNotReady}

// opKinds are the kinds of operations that clients make.
const opKinds = int(linearizability.Fill)

// points is how many there are; the first ones are kinds of fault by operation.
var points = int(kindCount)*opKinds + int(branchCount) + len(reasonPoints)

// PointNames names all points, in the order of their bits.
func PointNames() (names []string) {
	var f Faults
	for _, kind := range f.kinds() {
		for op := 1; op <= opKinds; op++ {
			names = append(names, fmt.Sprintf("%s during %v", kind.Name, linearizability.Kind(op)))
		}
	}
	names = append(names, branchNames[:]...)
	for _, reason := range reasonPoints {
		names = append(names, "a client is told: "+reason.String())
	}
	return names
}

// Reached is a set of points: bit i of byte i/8 is point i.
type Reached []byte

// String is the set in hexadecimal digits, as reports print it.
func (r Reached) String() string { return hex.EncodeToString(r) }

// ParseReached reads what String has written.
func ParseReached(text string) (Reached, error) {
	r, err := hex.DecodeString(text)
	if err != nil || len(r) != (points+7)/8 {
		return nil, fmt.Errorf("want %d hexadecimal digits, one bit for each of %d points, not %q", (points+7)/8*2, points, text)
	}
	return r, nil
}

// reachedLine is how a report begins the line with the points.
const reachedLine = "reached: "

// Merge adds the points of another set.
func (r *Reached) Merge(other Reached) {
	for len(*r) < len(other) {
		*r = append(*r, 0)
	}
	for i, b := range other {
		(*r)[i] |= b
	}
}

// Has reports whether a point was reached, by its place in PointNames.
func (r Reached) Has(point int) bool { return point/8 < len(r) && r[point/8]&(1<<(point%8)) != 0 }

// Missing names the points that were not reached.
func (r Reached) Missing() (names []string) {
	for i, name := range PointNames() {
		if !r.Has(i) {
			names = append(names, name)
		}
	}
	return names
}

// coverage notes what a run reaches.
type coverage struct {
	on       [kindCount]int                  // faults of each kind that are on
	active   uint64                          // bit set: kinds that are on
	open     [opKinds + 1]int                // operations in flight
	during   [opKinds + 1]uint64             // by operation: kinds that were on meanwhile
	branches uint64                          // bit set
	joint    map[wire.ShardID]bool           // shards with a joint change under way
	shipping map[wire.ShardID][2]wire.NodeID // who sends a snapshot to whom
	told     []bool                          // by node: it was redirected and has not forwarded since
}

func newCoverage(nodes int) coverage {
	return coverage{joint: map[wire.ShardID]bool{}, shipping: map[wire.ShardID][2]wire.NodeID{}, told: make([]bool, nodes)}
}

// reached notes a rare branch.
func (w *World) reached(b branch) { w.coverage.branches |= 1 << b }

// begin notes that a fault is on, and end that it is over.
func (c *coverage) begin(kind faultKind) {
	if kind >= kindCount {
		return
	}
	c.on[kind]++
	c.active |= 1 << kind
	for op, n := range c.open {
		if n > 0 {
			c.during[op] |= 1 << kind
		}
	}
}

func (c *coverage) end(kind faultKind) {
	if kind >= kindCount {
		return
	}
	if c.on[kind]--; c.on[kind] <= 0 {
		c.on[kind] = 0
		c.active &^= 1 << kind
	}
}

// answeredLease notes what came of a lease, or of what it is for.
func (w *World) answeredLease(op *operation, out *linearizability.Output) {
	switch {
	case op.Kind == linearizability.Lease && out.Applied:
		w.reached(branchLeased)
	case op.Kind == linearizability.Lease && !out.Value.Found:
		w.reached(branchLeaseTaken)
	case op.Kind == linearizability.Fill && out.Applied:
		w.reached(branchFilled)
	case op.Kind == linearizability.Fill && op.In.Version != 0:
		w.reached(branchFillRefused)
	}
}

// invoked and returned follow the operations in flight.
func (c *coverage) invoked(kind linearizability.Kind) {
	if int(kind) > opKinds {
		return
	}
	c.open[kind]++
	c.during[kind] |= c.active
}

func (c *coverage) returned(kind linearizability.Kind) {
	if int(kind) <= opKinds {
		c.open[kind]--
	}
}

// set is what was reached, with the reasons that clients were given.
func (c *coverage) set(reasons []int) Reached {
	r := make(Reached, (points+7)/8)
	mark := func(point int) { r[point/8] |= 1 << (point % 8) }
	for kind := range int(kindCount) {
		for op := 1; op <= opKinds; op++ {
			if c.during[op]&(1<<kind) != 0 {
				mark(kind*opKinds + op - 1)
			}
		}
	}
	first := int(kindCount) * opKinds
	for b := range int(branchCount) {
		if c.branches&(1<<b) != 0 {
			mark(first + b)
		}
	}
	first += int(branchCount)
	for i, reason := range reasonPoints {
		if reasons[reason] > 0 {
			mark(first + i)
		}
	}
	return r
}

// saw takes an event that a node told.
func (c *coverage) saw(w *World, e *trace.Event) {
	switch e.Kind {
	case trace.Snapshot:
		switch e.A {
		case 0:
			w.reached(branchSnapshotSent)
			c.shipping[e.Shard] = [2]wire.NodeID{e.Node, w.receiver(OnSnapshot, e).id}
		case 1:
			w.reached(branchSnapshotInstalled)
			delete(c.shipping, e.Shard)
		default:
			w.reached(branchSnapshotFailed)
			delete(c.shipping, e.Shard)
		}
	case trace.Lease:
		if e.A == 0 {
			w.reached(branchLeaseLost)
		}
	case trace.Log:
		if e.A == 0 {
			w.reached(branchLogCut)
		} else {
			w.reached(branchLogReplaced)
		}
	case trace.Repeat:
		w.reached(branchRepeat)
	case trace.Held:
		w.sawHeld(e)
	}
}

// sawHeld notes what a node does with a copy of a hot key.
func (w *World) sawHeld(e *trace.Event) {
	switch e.A {
	case 0:
		w.reached(branchHeldRecalled)
	case 2:
		w.reached(branchHeld)
		w.work.held++
	}
}

// sawChange compares a shard's configuration with the one before.
func (w *World) sawChange(e *trace.Event, former, conf *shardConf) {
	if w.coverage.joint[e.Shard] = conf.outgoing != nil; conf.outgoing != nil {
		w.reached(branchJoint)
	}
	for _, id := range conf.voters {
		for _, learner := range former.learners {
			if id == learner {
				w.reached(branchLearnerPromoted)
			}
		}
	}
	if conf.outgoing == nil && len(former.outgoing) > 0 {
		w.reached(branchVoterRemoved)
	}
}

// sawCrash notes what a crash has interrupted.
func (w *World) sawCrash(n *node) {
	w.sawDrainLost(n)
	for shard := range w.watch.newest {
		id := wire.ShardID(shard)
		if w.coverage.joint[id] && w.watch.newest[shard].node == n.id {
			w.reached(branchJointLeaderLost)
		}
		switch pair := w.coverage.shipping[id]; n.id {
		case pair[0]:
			w.reached(branchSnapshotSenderLost)
		case pair[1]:
			w.reached(branchSnapshotReceiverLost)
		}
	}
}

// What raft's messages are, by raftpb's numbers.
const (
	raftVoteAnswer    = 6
	raftHeartbeat     = 8
	raftTimeoutNow    = 14
	raftReadIndex     = 15
	raftPreVoteAnswer = 18
)

// sent looks at a frame that leaves a node for another one.
func (c *coverage) sent(w *World, from, to int32, f *wire.Frame) {
	for _, m := range f.Messages {
		switch m := m.(type) {
		case *wire.Raft:
			c.sentRaft(w, m)
		case *wire.Reply:
			if m.Response.Outcome == wire.OutcomeRefused && (m.Response.Reason == wire.ReasonNotLeader || m.Response.Reason == wire.ReasonNotOwner) {
				c.told[to] = true
			}
		case *wire.Forward:
			if c.told[from] {
				c.told[from] = false
				w.reached(branchForwardRedirected)
			}
		}
	}
}

func (c *coverage) sentRaft(w *World, m *wire.Raft) {
	switch m.Type {
	case raftVoteAnswer:
		if m.Reject {
			w.reached(branchVoteRefused)
		}
	case raftPreVoteAnswer:
		if m.Reject {
			w.reached(branchPreVoteRefused)
		}
	case raftTimeoutNow:
		w.reached(branchTimeoutNow)
	case raftHeartbeat, raftReadIndex:
		if c.active&partitions != 0 && (len(m.Context) > 0 || m.Type == raftReadIndex) {
			w.reached(branchReadIndexParted)
		}
	}
}
