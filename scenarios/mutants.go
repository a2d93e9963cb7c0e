package scenarios

import (
	"time"

	"torc/cluster"
	"torc/core/mutant"
	"torc/sim"
)

// Mutant is a planted bug and the run that exposes it.
type Mutant struct {
	Number   int    // in the gallery
	Name     string // for core/mutant
	Lesson   string // what the bug is, and what it teaches
	Scenario sim.Scenario
	// Seeds within which the scenario must catch it.
	Seeds int
	// Expect: at least one of these oracles fires. Silent: none of these does.
	Expect, Silent []sim.Oracle
}

// Mutants returns the planted bugs that have a directed scenario, by number.
func Mutants() []Mutant {
	return []Mutant{
		{
			Number: 1, Name: mutant.AckEarly, Seeds: 2,
			Lesson:   "The reply goes out when the proposal is accepted, not when it is applied. A leader that is cut off goes on acknowledging what the others will never hear of.",
			Scenario: directed("ack-early", "The leader is cut off from its followers, not from its clients, while they write.", isolations(), nil),
			Expect:   oracles("LDA"), Silent: oracles("V"),
		},
		{
			Number: 2, Name: mutant.LocalRead, Seeds: 2,
			Lesson:   "A node that thinks it leads answers reads from its own memory. In the minority it goes on thinking so.",
			Scenario: directed("local-read", "The old leader is cut off, still reached by clients; the new one takes writes.", isolations(), nil),
			Expect:   oracles("LA"), Silent: oracles("DSV"),
		},
		{
			Number: 3, Name: mutant.LeaseCheckQuorum, Seeds: 5,
			Lesson:   "raft's own lease (ReadOnlyLeaseBased) leans on CheckQuorum: a leader may lead for two election timeouts after its last contact, while followers elect after one. No clock needs to be wrong.",
			Scenario: directed("lease-checkquorum", "The leader is cut off again and again, at every phase of its quorum checks, on one hot key.", isolations(), hot),
			Expect:   oracles("LA"), Silent: oracles("DSV"),
		},
		{
			Number: 4, Name: mutant.LeaseSkew, Seeds: 5,
			Lesson:   "A lease counted from the moment an answer arrives forgets how long the answer was under way, while its sender's promise was running out. Freeze the leader with answers in its inbox, and it wakes to a lease that is long over.",
			Scenario: directed("lease-skew", "The leader is frozen for longer than an election, with answers and reads waiting in its sockets.", freezes(), hot),
			Expect:   oracles("LA"), Silent: oracles("DSV"),
		},
		{
			Number: 5, Name: mutant.ReadIndexNoWait, Seeds: 5,
			Lesson:   "ReadIndex says up to where a read must see; whoever answers before having applied that far answers from the past.",
			Scenario: directed("readindex-nowait", "Reads by ReadIndex at followers that have entries to catch up on, because links lose packets.", losses(), byIndex),
			Expect:   oracles("LA"), Silent: oracles("DSV"),
		},
		{
			Number: 6, Name: mutant.ReadIndexNewTerm, Seeds: 10,
			Lesson:   "A new leader has all that was committed in its log, but does not know yet how much of it that is. Before an entry of its own term is applied, its memory may be older than what others were told.",
			Scenario: directed("readindex-new-term", "Leaders change while links lose packets, so that a new leader knows less than it holds.", newTerms(), hot),
			Expect:   oracles("LA"), Silent: oracles("DSV"),
		},
		{
			Number: 8, Name: mutant.AmnesiaSameID, Seeds: 5,
			Lesson:   "A restarted replica that keeps its old name votes with an empty memory. Two of three nodes elect a leader that never saw what the third one acknowledged.",
			Scenario: renamed(mustFind("amnesia"), "amnesia-same-id"),
			Expect:   oracles("IDLAN"), Silent: nil,
		},
		{
			Number: 16, Name: mutant.NoPreVote, Seeds: 2,
			Lesson:   "Without PreVote and CheckQuorum a node that hears nobody campaigns for ever, and everybody who hears it must follow its terms. Nothing untrue is said, and little is done: only a liveness oracle sees it.",
			Scenario: renamed(mustFind("asymmetric-partition"), "no-prevote"),
			Expect:   oracles("V"), Silent: oracles("LADSIT"),
		},
		{
			Number: 18, Name: mutant.NoDedupe, Seeds: 3,
			Lesson:   "A client that retries after a timeout cannot know whether the first try took effect; only the replicated state can. Registers do not show it: counters and appends do.",
			Scenario: directed("no-dedupe", "Answers are lost on the way, so clients retry what had taken effect.", lostAnswers(), nil),
			Expect:   oracles("AL"), Silent: oracles("SIV"),
		},
		{
			Number: 19, Name: mutant.DedupeNotInSnapshot, Seeds: 5,
			Lesson:   "What was answered is state like any other. A replica that is restored without it leads one day, and applies the retry of what it had applied.",
			Scenario: directed("dedupe-not-in-snapshot", "Replicas restart and are restored from snapshots, while answers are lost on the way.", restores(), shortLogs),
			Expect:   oracles("SAL"), Silent: oracles("IV"),
		},
		{
			Number: 20, Name: mutant.FailMeansNo, Seeds: 5,
			Lesson:   "A leader that is deposed does not know what became of its proposals: the next one may hold them. To call them failed is to lie about those that are committed after all.",
			Scenario: directed("fail-means-no", "The leader goes deaf in the middle of writes, again and again: the others hold what it gives up.", handovers(), hot),
			Expect:   oracles("AL"), Silent: oracles("SIV"),
		},
		{
			Number: 22, Name: mutant.NondetApply, Seeds: 1,
			Lesson:   "Apply must be a function of the log: with a clock, a map's order or a local setting in it, replicas part ways without anybody noticing, until one of them leads.",
			Scenario: directed("nondet-apply", "Nothing special: compare the replicas.", nil, nil),
			Expect:   oracles("S"), Silent: oracles("IV"),
		},
		{
			Number: 23, Name: mutant.TTLLocalClock, Seeds: 3,
			Lesson:   "Each replica expires by its own wall clock: a failover brings the dead back, or buries the living.",
			Scenario: directed("ttl-local-clock", "Wall clocks are seconds apart and leaders change around expiries.", isolations(), skewed),
			Expect:   oracles("STL"), Silent: oracles("IV"),
		},
		{
			Number: 29, Name: mutant.StaleRoute, Seeds: 5,
			Lesson:   "A node that used to own a shard answers by the map it remembers. Every request carries the map's epoch so that an ex-owner can tell, and redirect.",
			Scenario: directed("stale-route", "Of four nodes one owner is cut off until its replicas are moved away; clients with old maps still reach it.", moves(), spare),
			Expect:   oracles("LAD"), Silent: oracles("I"),
		},
	}
}

// directed makes a scenario of a script in a small cluster with busy clients.
func directed(name, doc string, script []sim.Step, narrow func(*sim.Settings)) sim.Scenario {
	return sim.Scenario{
		Name: name, Doc: doc, Expect: "With the planted bug: caught. Without it: nothing.", Script: script,
		Settings: func(s *sim.Settings) {
			s.Nodes, s.Replicas, s.Shards, s.Faults = 3, 3, 1, sim.Faults{}
			s.Reads = cluster.ReadLease
			s.Links = sim.Links{Delay: 500 * time.Microsecond, Jitter: ms}
			s.Swim = sim.Swim{}
			s.Clients, s.Plain, s.Threads, s.Think = 3, 4, 1, 25*ms
			s.DriftUsed, s.Skew = 0, 0
			s.Codec = false
			if narrow != nil {
				narrow(s)
			}
		},
	}
}

func renamed(c sim.Scenario, name string) sim.Scenario {
	c.Name = name
	return c
}

// isolations cut the leader off again and again, at moments that drift through every phase
// of its heartbeats and quorum checks.
func isolations() []sim.Step {
	return sim.Every(2*s, 4*s+37*ms, 14, sim.For{Duration: 2 * s, Fault: sim.Isolate{Target: sim.Leader(1)}})
}

// lostAnswers lose packets everywhere, those of clients too, and cut leaders off between.
func lostAnswers() []sim.Step {
	return sim.Steps(
		sim.Every(1*s, 10*s, 6, sim.For{Duration: 6 * s, Fault: sim.Lossy{Drop: 1500, Duplicate: 500, Clients: true}}),
		sim.Every(8*s, 10*s, 5, sim.For{Duration: 2 * s, Fault: sim.Isolate{Target: sim.Leader(1)}}),
	)
}

// losses make followers lag: what the leader sends is lost, what it answers may not be.
func losses() []sim.Step {
	return sim.Every(1*s, 5*s, 11, sim.For{Duration: 4 * s, Fault: sim.Lossy{Drop: 2500}})
}

// moves cut an owner off for long enough to be replaced.
func moves() []sim.Step {
	return sim.Every(3*s, 19*s, 3, sim.For{Duration: 14 * s, Fault: sim.Isolate{Target: sim.Leader(1)}})
}

// freezes stop the leader's process for longer than it takes to elect another one.
func freezes() []sim.Step {
	return sim.Every(2*s, 4*s+37*ms, 14, sim.For{Duration: 2 * s, Fault: sim.Pause{Target: sim.Leader(1)}})
}

// newTerms cut leaders off while packets are lost everywhere.
func newTerms() []sim.Step {
	return sim.Steps(
		[]sim.Step{sim.At(1*s, sim.For{Duration: 58 * s, Fault: sim.Lossy{Drop: 2500}})},
		sim.Every(2*s, 3*s+37*ms, 18, sim.For{Duration: 1200 * ms, Fault: sim.Isolate{Target: sim.Leader(1)}}),
	)
}

// restores lose answers, and restart leaders and followers in turn.
func restores() []sim.Step {
	return sim.Steps(
		sim.Every(1*s, 10*s, 6, sim.For{Duration: 9 * s, Fault: sim.Lossy{Drop: 1500, Duplicate: 500, Clients: true}}),
		sim.Every(4*s, 9*s, 6, sim.Crash{Target: sim.Leader(1), Down: 300 * ms}),
		sim.Every(8*s+500*ms, 9*s, 6, sim.For{Duration: 2 * s, Fault: sim.Isolate{Target: sim.Leader(1)}}),
	)
}

// handovers make the leader deaf: what it proposes arrives, what is answered does not. It gives up,
// and another one commits what it held.
func handovers() []sim.Step {
	return sim.Every(2*s, 4*s+37*ms, 14, sim.For{Duration: 2 * s, Fault: sim.Deaf{Target: sim.Leader(1)}})
}

// shortLogs make replicas catch up by snapshot.
func shortLogs(s *sim.Settings) {
	hot(s)
	s.LogBytes = 4 << 10
}

// hot puts all clients on few keys.
func hot(s *sim.Settings) {
	s.Registers, s.Models, s.Counters, s.Appends, s.Expiring = 1, 1, 1, 1, 1
	s.Think = 10 * ms
}

func byIndex(s *sim.Settings) {
	hot(s)
	s.Reads = cluster.ReadIndex
}

func skewed(s *sim.Settings) {
	s.Skew = 4 * time.Second
	s.Expiring = 4
}

// spare gives the cluster a node more than a shard has replicas.
func spare(s *sim.Settings) {
	s.Nodes, s.Shards, s.Grace = 4, 2, 3*time.Second
	s.Registers = 2
}

// oracles reads oracles from their letters.
func oracles(letters string) (list []sim.Oracle) {
	for i := range len(letters) {
		list = append(list, sim.Oracle(letters[i]))
	}
	return list
}
