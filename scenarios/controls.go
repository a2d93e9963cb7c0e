package scenarios

import (
	"fmt"
	"time"

	"torc/cluster"
	"torc/linearizability"
	"torc/scenarios/script"
	"torc/sim"
)

// Control is a run that must find nothing though it tempts a bad checker. One that cries wolf here
// is itself the bug.
type Control struct {
	Number   int
	Tempts   string // to what
	Scenario sim.Scenario
	Comes    string // with which feature; "": it is here
}

// Controls returns the gallery's controls, by number.
func Controls() []Control {
	return []Control{
		{Number: 1, Scenario: everyFault(), Tempts: "Operations of unknown outcome are everywhere: whoever takes them for failed, or for done, cries wolf."},
		{Number: 2, Scenario: wildClocks(), Tempts: "Clocks are wrong beyond any bound, and it must not matter: nothing rests on them."},
		{Number: 3, Scenario: declaredLoss(), Tempts: "Something acknowledged is gone, and that is no violation, because the loss was declared."},
		{Number: 4, Scenario: likeValues(), Tempts: "Absent, empty and 0 are three different values, and a value may come twice."},
	}
}

// everyFault is everything at once, but the loss of a majority's memory.
func everyFault() sim.Scenario {
	return sim.Scenario{
		Name: "control-every-fault", Doc: "All kinds of fault at once, the loss of a majority apart.",
		Expect: "Nothing is found.", Swarm: true,
		Settings: func(s *sim.Settings) { s.Faults, _ = sim.ParseFaults("all") },
	}
}

// wildClocks run at a quarter of true time and at twice it.
func wildClocks() sim.Scenario {
	return sim.Scenario{
		Name: "control-wild-clocks", Doc: "Clocks run at 0.25 to 2 times true time, and change their minds; reads ask a quorum.",
		Expect: "Nothing is found: reads by ReadIndex trust no clock.", Swarm: true,
		Settings: func(s *sim.Settings) {
			s.Faults = sim.Faults{Isolate: true, Split: true, Pause: true, Crash: true}
			s.Reads, s.Mixed, s.Unbounded = cluster.ReadIndex, false, true
			s.Nodes, s.Replicas, s.Think = 3, 3, 20*ms
			s.FaultEvery, s.FaultFor = 6*time.Second, 2*time.Second
		},
		Script: sim.Steps(
			rates(0, -750, 0, 1000), rates(15*s, 1000, -750, -500), rates(30*s, -500, 1000, 0), rates(45*s, 0, 500, -750),
		),
	}
}

// rates sets the three clocks, in thousandths from true time.
func rates(at time.Duration, thousandths ...int) (steps []sim.Step) {
	for i, t := range thousandths {
		steps = append(steps, sim.At(at, sim.Rate{Target: sim.Node(i + 1), Thousandth: t}))
	}
	return steps
}

// declaredLoss crashes more of five nodes at a time than a shard's three replicas bear, again and again;
// those that come back know nothing, and the cluster says what it has lost.
func declaredLoss() sim.Scenario {
	return sim.Scenario{
		Name: "control-declared-loss", Doc: "Majorities of shards crash and come back empty; the shards are begun anew under a declared loss.",
		Expect: "Nothing is found: what is declared lost may be gone, and nothing else is.", Swarm: true,
		Settings: func(s *sim.Settings) {
			s.Nodes, s.Replicas, s.Absent, s.Shards, s.Core = 5, 3, 0, 6, false
			s.Faults, s.Ruin = sim.Faults{Crash: true, Rack: true, Isolate: true}, true
			s.OnLoss, s.ResetGrace = cluster.LossReset, 3*time.Second
			s.FaultEvery, s.FaultFor, s.Storm = 6*time.Second, 3*time.Second, 0
			s.Think, s.Threads = 60*ms, 1
		},
	}
}

// likeValues write 0, nothing and the same again, delete and begin anew, while leaders are cut off.
func likeValues() sim.Scenario {
	var steps []sim.Step
	for node := 1; node <= 3; node++ { // memory is short now and then, so keys are given up, too
		steps = append(steps, sim.Every(10*s, 15*s, 4, sim.For{Duration: 5 * s, Fault: sim.Squeeze{Target: sim.Node(node), Bytes: 4000}})...)
	}
	f := script.File{
		Name: "control-like-values", Doc: "Values are 0, empty and the same as before; keys are deleted, given up and made again; leaders are cut off meanwhile.",
		Expect: "Nothing is found.", Quiet: true, Calls: likeCalls(), Base: "small",
		Settings: []script.Pair{{Name: "shards", Value: "2"}, {Name: "sessions", Value: "2"}, {Name: "plain", Value: "2"}, {Name: "evict", Value: "allkeys-random"},
			{Name: "hot-reads", Value: "1"}, {Name: "hot-lease", Value: "300ms"}, {Name: "hot-rest", Value: "200ms"}},
		Script: append(steps, sim.Every(4*s, 9*s, 6, sim.For{Duration: 2 * s, Fault: sim.Isolate{Target: sim.Leader(1)}})...),
	}
	return f.Scenario()
}

// likeCalls has four clients act on one key at a time, all at once, again and again.
func likeCalls() (calls []sim.Call) {
	write := func(value string) sim.Op {
		return sim.Op{Kind: linearizability.Write, In: linearizability.Input{Value: value}}
	}
	read, remove := sim.Op{Kind: linearizability.Read}, sim.Op{Kind: linearizability.Delete}
	fresh := sim.Op{Kind: linearizability.SetNX, In: linearizability.Input{Value: ""}}
	swap := sim.Op{Kind: linearizability.CAS, Seen: true, In: linearizability.Input{Value: "0", ByVersion: true}}
	deeds := []sim.Op{read, write("0"), write(""), read, remove, fresh, write("0"), read, write("0"), swap, read, remove, read}
	const clients, callsPerKey = 4, 16
	for i := range 108 * callsPerKey {
		op := deeds[i*5%len(deeds)]
		op.Key = fmt.Sprintf("like.%d", i/callsPerKey)
		calls = append(calls, sim.Call{
			At: time.Duration(i/clients)*130*ms + time.Duration(i%clients)*ms, Client: i % clients, Via: sim.Node(1 + i%3), Ops: []sim.Op{op},
		})
	}
	return calls
}
