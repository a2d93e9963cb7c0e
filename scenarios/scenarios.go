package scenarios

import (
	"fmt"
	"strings"
	"time"

	"torc/cluster"
	"torc/sim"
)

const (
	ms = time.Millisecond
	s  = time.Second
)

// All returns the named scenarios, in the order in which a newcomer should meet them.
func All() []sim.Scenario {
	return []sim.Scenario{
		healthy(), leaderCrash(), splitBrain(), asymmetricPartition(), bridgePartition(),
		amnesia(), clockSkew(), slowNode(), rollingRestart(), swarm(),
	}
}

// Find returns the scenario with this name: a named one, or the directed one of a planted
// bug.
func Find(name string) (sim.Scenario, error) {
	var names []string
	for _, c := range All() {
		if c.Name == name {
			return c, nil
		}
		names = append(names, c.Name)
	}
	for _, m := range Mutants() {
		if m.Scenario.Name == name {
			return m.Scenario, nil
		}
	}
	return sim.Scenario{}, fmt.Errorf("no scenario is called %q; there are %s, and one for each planted bug", name, strings.Join(names, ", "))
}

// Run makes one run of a named scenario.
func Run(name string, o sim.Options) (sim.Result, error) {
	scenario, err := Find(name)
	if err != nil {
		return sim.Result{Verdict: sim.Broken, Err: err}, err
	}
	o.Scenario = scenario
	return sim.Run(o), nil
}

func healthy() sim.Scenario {
	return sim.Scenario{
		Name: "healthy", Doc: "Nothing goes wrong but what the links drew.",
		Expect: "Every shard serves all the time.",
		Settings: func(s *sim.Settings) {
			s.Links.Drop, s.Links.Tail = 0, 0
			s.Faults = sim.Faults{}
			s.Swim.FalseAlarm, s.Swim.Libel = 0, 0
		},
		Script: []sim.Step{sim.At(0, sim.Demand{For: 50 * s, Gap: 5 * s, Elections: 2})},
	}
}

func leaderCrash() sim.Scenario {
	return sim.Scenario{
		Name: "leader-crash", Doc: "The leader of a shard is killed, again and again, and comes back with empty memory.",
		Expect:   "Another replica takes over; the new life is fenced, catches up as a learner and becomes a voter; nothing acknowledged is lost.",
		Settings: func(s *sim.Settings) { s.Faults = sim.Faults{} },
		Script:   sim.Every(3*s, 12*s, 5, sim.Crash{Target: sim.Leader(1), Down: 2 * s}),
	}
}

func splitBrain() sim.Scenario {
	side := sim.Part("A")
	return sim.Scenario{
		Name: "split-brain", Doc: "The leader of shard 1 is alone on one side of a partition, with some of the clients.",
		Expect: "The minority side serves neither writes nor reads; the majority elects a leader and goes on; after heal there is one history.",
		Settings: func(s *sim.Settings) {
			s.Faults = sim.Faults{}
			s.Plain = max(s.Plain, 2)
		},
		Script: []sim.Step{
			sim.At(3*s, sim.Cast{{Part: "A", Target: sim.Leader(1)}}),
			sim.At(3*s, sim.For{Duration: 8 * s, Fault: sim.Split{Side: []sim.Target{side}}}),
			sim.At(16*s, sim.For{Duration: 8 * s, Fault: sim.Split{Side: []sim.Target{sim.Leader(1)}, Clients: true}}),
			sim.At(30*s, sim.For{Duration: 8 * s, Fault: sim.Isolate{Target: side}}),
			sim.At(42*s, sim.For{Duration: 8 * s, Fault: sim.Split{Side: []sim.Target{sim.Leader(1)}}}),
		},
	}
}

func asymmetricPartition() sim.Scenario {
	deaf := sim.Part("A")
	return sim.Scenario{
		Name: "asymmetric-partition", Doc: "A node is heard by the others but hears nobody; later another one hears but is not heard. (Cloudflare, 2 November 2020: six hours of it.)",
		Expect: "The deaf node's campaigns disturb nobody, because PreVote asks first: the others keep their leaders and go on serving.",
		Settings: func(s *sim.Settings) {
			s.Faults, s.Links.Drop, s.Links.Tail = sim.Faults{}, 0, 0
			s.Swim.FalseAlarm, s.Swim.Libel = 0, 0
		},
		Script: []sim.Step{
			sim.At(3*s, sim.Cast{{Part: "A", Target: sim.Follower(1, 1)}}),
			sim.At(3*s, sim.For{Duration: 20 * s, Fault: sim.Deaf{Target: deaf}}),
			sim.At(6*s, sim.Demand{For: 16 * s, Gap: 5 * s, Elections: 3}),
			sim.At(30*s, sim.For{Duration: 8 * s, Fault: sim.Deaf{Target: sim.Leader(1)}}),
			sim.At(44*s, sim.For{Duration: 8 * s, Fault: sim.Deaf{Target: sim.Leader(1), Mute: true}}),
		},
	}
}

func bridgePartition() sim.Scenario {
	return sim.Scenario{
		Name: "bridge-partition", Doc: "Two sides meet only in one node. Leaders on either side see a quorum by turns. (OpenRaft#2080, CockroachDB#107060.)",
		Expect: "One consistent history; the shards that have a quorum through the bridge go on serving; after heal all do.",
		Settings: func(s *sim.Settings) {
			s.Nodes, s.Replicas, s.Faults = 5, 5, sim.Faults{}
		},
		Script: sim.Every(3*s, 15*s, 4, sim.For{Duration: 9 * s, Fault: sim.Bridge{Middle: sim.Random()}}),
	}
}

func amnesia() sim.Scenario {
	// A and B commit while C is cut off; then A is alone and B comes back empty, beside a C that
	// never saw the writes. B and C are two of three nodes, and know nothing.
	a, b, c := sim.Part("A"), sim.Part("B"), sim.Part("C")
	return sim.Scenario{
		Name: "amnesia", Doc: "Two of three nodes hold the newest writes; one of them restarts empty while the other is cut off, beside a third that missed them.",
		Expect: "The restarted node counts in no quorum until it has caught up: the shards wait for the one copy that is left, and nothing acknowledged is lost.",
		Settings: func(s *sim.Settings) {
			s.Nodes, s.Replicas, s.Shards, s.Faults = 3, 3, 1, sim.Faults{}
			s.Links.Drop, s.Links.Tail = 0, 0
		},
		Script: []sim.Step{
			sim.At(3*s, sim.Cast{{Part: "A", Target: sim.Leader(1)}, {Part: "B", Target: sim.Follower(1, 1)}, {Part: "C", Target: sim.Follower(1, 2)}}),
			sim.At(3*s, sim.Cut{A: a, B: c}),
			sim.At(3*s, sim.For{Duration: 3*s + 20*ms, Fault: sim.Cut{A: b, B: c}}),
			sim.At(6*s, sim.Cut{A: a, B: b}),
			sim.At(6*s+10*ms, sim.Crash{Target: b, Down: 200 * ms}),
			sim.At(16*s, sim.Heal{}),
		},
	}
}

func clockSkew() sim.Scenario {
	return sim.Scenario{
		Name: "clock-skew", Doc: "Clocks run at rates as far apart as leases allow for, wall clocks are seconds off and jump, and leaders are cut off meanwhile.",
		Expect: "No stale read: leases keep their margin. Expiry follows the leader's clock and never goes back.",
		Settings: func(s *sim.Settings) {
			s.Faults = sim.Faults{}
			s.DriftUsed, s.Skew = s.Drift, 3*time.Second
			s.Reads, s.Plain = cluster.ReadLease, max(s.Plain, 2)
		},
		Script: sim.Steps(
			[]sim.Step{
				sim.At(1*s, sim.Rate{Target: sim.Leader(1), Thousandth: -24}),
				sim.At(1*s, sim.Rate{Target: sim.Follower(1, 1), Thousandth: 24}),
				sim.At(1*s, sim.Rate{Target: sim.Follower(1, 2), Thousandth: 24}),
				sim.At(20*s, sim.WallJump{Target: sim.Leader(1), By: -4 * s}),
				sim.At(35*s, sim.WallJump{Target: sim.Leader(1), By: 4 * s}),
			},
			sim.Every(4*s, 7*s, 8, sim.For{Duration: 3 * s, Fault: sim.Isolate{Target: sim.Leader(1)}}),
		),
	}
}

func slowNode() sim.Scenario {
	return sim.Scenario{
		Name: "slow-node", Doc: "A node takes 30 ms for what takes the others microseconds; then the leader is frozen for longer than an election, and wakes believing it leads.",
		Expect:   "Clients see delays, never a stale read: a lease that ran out while the process was frozen is not used.",
		Settings: func(s *sim.Settings) { s.Faults = sim.Faults{} },
		Script: sim.Steps(
			[]sim.Step{
				sim.At(3*s, sim.For{Duration: 10 * s, Fault: sim.Slow{Target: sim.Leader(1), Turn: 30 * ms}}),
				sim.At(16*s, sim.For{Duration: 10 * s, Fault: sim.Slow{Target: sim.Follower(1, 1), Turn: 30 * ms}}),
			},
			sim.Every(30*s, 6*s, 5, sim.For{Duration: 3 * s, Fault: sim.Pause{Target: sim.Leader(1)}}),
		),
	}
}

func rollingRestart() sim.Scenario {
	var script []sim.Step
	for i := range 3 {
		script = append(script, sim.At(time.Duration(3+18*i)*s, sim.Stop{Target: sim.Node(i + 1), Down: s}))
	}
	return sim.Scenario{
		Name: "rolling-restart", Doc: "Every node in turn is stopped politely and started again, as an update does.",
		Expect: "Leaderships are handed over; each new life catches up before the next one stops; nothing acknowledged is lost.",
		Settings: func(s *sim.Settings) {
			s.Nodes, s.Faults = 3, sim.Faults{}
		},
		Script: script,
	}
}

func swarm() sim.Scenario {
	return sim.Scenario{
		Name: "swarm", Doc: "Everything is drawn: cluster, links, clocks, workload, and which faults there are at all.",
		Expect: "One history, nothing lost, and service again within twenty election timeouts after heal.",
		Swarm:  true,
	}
}
