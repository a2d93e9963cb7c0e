package scenarios

import (
	"time"

	"torc/core/wire"
	"torc/sim"
)

// The scripts and narrow settings of the planted bugs' scenarios.

// echoes double and delay what nodes say to each other, so that answers come again much later.
func echoes() []sim.Step {
	return sim.Every(1*s, 5*s, 11, sim.For{Duration: 4 * s, Fault: sim.Lossy{Drop: 1000, Duplicate: 4000, Delay: 20 * ms}})
}

// rebirths kill followers that come back before their last words have arrived.
func rebirths() []sim.Step {
	return sim.Steps(
		sim.Every(3*s, 10*s, 6, sim.Crash{Target: sim.Follower(1, 1), Down: 20 * ms}),
		sim.Every(8*s, 10*s, 5, sim.Crash{Target: sim.Follower(1, 2), Down: 20 * ms}),
	)
}

// late makes some packets take seconds.
func late(s *sim.Settings) {
	s.Links.Tail, s.Links.TailDelay = 1000, 3*time.Second
}

// lonelyStarts restart a node behind a cut.
func lonelyStarts() []sim.Step {
	return []sim.Step{
		sim.At(3*s, sim.Cast{{Part: "A", Target: sim.Follower(1, 1)}}),
		sim.At(3*s, sim.Crash{Target: sim.Part("A"), Down: 500 * ms}),
		sim.At(3*s, sim.For{Duration: 20 * s, Fault: sim.Isolate{Target: sim.Part("A")}}),
	}
}

// slowReturns kill a follower and cut it off while it catches up, at moments that drift.
func slowReturns() (steps []sim.Step) {
	a := sim.Part("A")
	for i := range 5 {
		at := time.Duration(3+11*i) * s
		steps = append(steps,
			sim.At(at, sim.Cast{{Part: "A", Target: sim.Follower(1, 1)}}),
			sim.At(at, sim.Crash{Target: a, Down: 300 * ms}),
			sim.At(at, sim.For{Duration: 8 * s, Fault: sim.Slow{Target: a, Turn: 150 * ms}}),
			sim.At(at+time.Duration(700+150*i)*ms, sim.For{Duration: 6 * s, Fault: sim.Isolate{Target: a}}),
			sim.At(at+2*s, sim.Demand{For: 5 * s, Gap: 3 * s, Elections: 3}),
		)
	}
	return steps
}

// replacements kill followers in turn, and cut the leader off in between.
func replacements() []sim.Step {
	return sim.Steps(
		sim.Every(3*s, 8*s, 7, sim.Crash{Target: sim.Follower(1, 1), Down: 300 * ms}),
		sim.Every(3*s+600*ms, 8*s, 7, sim.For{Duration: 2 * s, Fault: sim.Isolate{Target: sim.Leader(1)}}),
	)
}

// farewells have a node replaced and taken in again, so that shards move home; then what the shards'
// leaders say does not reach the meta group's leader.
func farewells() (steps []sim.Step) {
	for i := range 3 {
		at := time.Duration(2+19*i) * s
		steps = append(steps, sim.At(at, sim.For{Duration: 8 * s, Fault: sim.Isolate{Target: sim.Node(4)}}))
		for shard := range 4 {
			steps = append(steps,
				sim.At(at+8*s+time.Duration(200+100*i)*ms, sim.For{Duration: 7 * s, Fault: sim.OneWay{From: sim.Leader(1 + wire.ShardID(shard)), To: sim.Leader(0)}}))
		}
		steps = append(steps, sim.At(at+9*s, sim.Demand{For: 6 * s, Gap: 4 * s, Elections: 6}))
	}
	return steps
}

// bridgehead leaves the leader one node to talk to, which talks to all that live.
func bridgehead() (steps []sim.Step) {
	a := sim.Part("A")
	steps = append(steps, sim.At(3*s, sim.Cast{{Part: "A", Target: sim.Leader(1)}, {Part: "C", Target: sim.Follower(1, 2)},
		{Part: "D", Target: sim.Follower(1, 3)}, {Part: "E", Target: sim.Follower(1, 4)}}))
	for _, name := range []string{"C", "D"} {
		steps = append(steps, sim.At(3*s, sim.For{Duration: 30 * s, Fault: sim.Cut{A: a, B: sim.Part(name)}}))
	}
	return append(steps,
		sim.At(3*s, sim.For{Duration: 30 * s, Fault: sim.Isolate{Target: sim.Part("E")}}),
		sim.At(4*s, sim.Demand{For: 25 * s, Gap: 6 * s, Elections: 8}))
}

// lostQuorums leave two of five nodes alone: shards with replicas on both have no majority.
func lostQuorums() []sim.Step {
	return sim.Steps(
		sim.Every(2*s, 8*s, 7, sim.For{Duration: 5 * s, Fault: sim.Isolate{Target: sim.Node(1)}}),
		sim.Every(2*s, 8*s, 7, sim.For{Duration: 5 * s, Fault: sim.Isolate{Target: sim.Node(2)}}),
	)
}

// elections depose leaders every second or two.
func elections() []sim.Step {
	return sim.Every(1*s, 1500*ms, 38, sim.For{Duration: 900 * ms, Fault: sim.Isolate{Target: sim.Leader(1)}})
}

// pauses freeze the leader for less than an election.
func pauses() []sim.Step {
	return sim.Every(1*s, 700*ms, 80, sim.For{Duration: 250 * ms, Fault: sim.Pause{Target: sim.Leader(1)}})
}

// blackouts leave no two nodes connected.
func blackouts() []sim.Step {
	return sim.Steps(
		[]sim.Step{sim.At(2*s, sim.For{Duration: 50 * s, Fault: sim.Isolate{Target: sim.Node(1)}})},
		[]sim.Step{sim.At(2*s, sim.For{Duration: 50 * s, Fault: sim.Isolate{Target: sim.Node(2)}})},
	)
}

// five makes a cluster of five, with five replicas.
func five(s *sim.Settings) {
	s.Nodes, s.Replicas = 5, 5
}

// roomy gives the cluster a node and shards to move to it.
func roomy(s *sim.Settings) {
	s.Nodes, s.Shards, s.Grace = 4, 4, 1*time.Second
	s.Registers = 4
}

// expiring puts most operations on keys that expire.
func expiring(s *sim.Settings) {
	s.Expiring = 6
	s.Think = 10 * ms
}

// refreshed puts many writers on keys that expire, over slow links.
func refreshed(s *sim.Settings) {
	s.Expiring, s.Threads, s.Think = 8, 2, 8*ms
	s.Links.Delay = 8 * ms
}

// batches gives clients with sessions several shards to spread their batches over.
func batches(s *sim.Settings) {
	s.Nodes, s.Shards, s.Clients, s.Plain, s.Threads = 5, 6, 6, 1, 2
	s.Registers, s.Think, s.Timeout = 6, 10*ms, 1*time.Second
}

// crammed makes turns long, so that much happens in each.
func crammed(s *sim.Settings) {
	shortLogs(s)
	s.TurnCost = 3 * ms
}

// crowd makes clients with sessions impatient and many.
func crowd(s *sim.Settings) {
	s.Clients, s.Plain, s.Threads, s.Think, s.Timeout = 3, 1, 12, 20*ms, 4*time.Second
}

// nervous makes the failure detector suspect everybody now and then.
func nervous(s *sim.Settings) {
	spare(s)
	s.Swim.FalseAlarm = 300
}
