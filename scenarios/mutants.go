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
			Number: 7, Name: mutant.ReadIndexCtxReuse, Seeds: 5,
			Lesson:   "A retried question under the name of the first one is answered by the first one's answer, which comes late: how far the log went then, not now. Names of questions must never come twice.",
			Scenario: directed("readindex-ctx-reuse", "Followers ask the leader how far they must see, over links that delay and double what they carry.", echoes(), byIndex),
			Expect:   oracles("LGA"), Silent: oracles("DSV"),
		},
		{
			Number: 8, Name: mutant.AmnesiaSameID, Seeds: 5,
			Lesson:   "A restarted replica that keeps its old name votes with an empty memory. Two of three nodes elect a leader that never saw what the third one acknowledged.",
			Scenario: renamed(mustFind("amnesia"), "amnesia-same-id"),
			Expect:   oracles("IDLAN"), Silent: nil,
		},
		{
			Number: 9, Name: mutant.AmnesiaCrossedWires, Seeds: 5,
			Lesson:   "A message says which node it comes from, not which of its lives. An acknowledgement of the life before makes the leader believe that the new one, which is empty, holds everything.",
			Scenario: directed("amnesia-crossed-wires", "Followers are killed and come back at once, while packets of their former lives are still under way.", rebirths(), late),
			Expect:   oracles("NIDL"), Silent: nil,
		},
		{
			Number: 11, Name: mutant.BootstrapTwice, Seeds: 2,
			Lesson:   "A node that starts where nobody answers founds a cluster of its own. It is alone, it has all shards, they are empty, and its clients believe it.",
			Scenario: directed("bootstrap-twice", "A node is restarted behind a cut: it can ask nobody whether there is a cluster.", lonelyStarts(), nil),
			Expect:   oracles("R"), Silent: oracles("N"),
		},
		{
			Number: 12, Name: mutant.VoterTooSoon, Seeds: 5,
			Lesson:   "A newcomer that counts at once makes the quorum greater before it can be part of one: with the dead replica still counted, three of four are needed, and only two hold anything.",
			Scenario: directed("voter-too-soon", "A follower is killed, comes back slowly, and is cut off while it catches up. The two others are well.", slowReturns(), nil),
			Expect:   oracles("V"), Silent: oracles("LADSI"),
		},
		{
			Number: 13, Name: mutant.TwoConfChanges, Seeds: 1,
			Lesson:   "Two changes at once, a voter in and a voter out, and no joint step between them: a majority of the old voters and a majority of the new ones may have nobody in common.",
			Scenario: directed("two-confchanges", "Replicas are replaced, while the leader is cut off now and then.", replacements(), nil),
			Expect:   oracles("I"), Silent: nil,
		},
		{
			Number: 14, Name: mutant.RemovedLeader, Seeds: 5,
			Lesson:   "A leader that removes itself and stays is a leader of nobody: it can propose nothing more, but its heartbeats keep the others from electing one who could.",
			Scenario: directed("removed-leader-lingers", "Replicas are moved while the leaders' words do not reach the meta group's leader.", farewells(), roomy),
			Expect:   oracles("V"), Silent: oracles("LADS"),
		},
		{
			Number: 15, Name: mutant.ZombieMember, Seeds: 5,
			Lesson:   "What was removed is still in some list, and a diligent loop adds it again. An ID may be used once, for all time.",
			Scenario: directed("zombie-member", "An owner is cut off until it is replaced, comes back, and shards move home.", moves(), roomy),
			Expect:   oracles("I"), Silent: oracles("LAD"),
		},
		{
			Number: 16, Name: mutant.NoPreVote, Seeds: 2,
			Lesson:   "Without PreVote and CheckQuorum a node that hears nobody campaigns for ever, and everybody who hears it must follow its terms. Nothing untrue is said, and little is done: only a liveness oracle sees it.",
			Scenario: renamed(mustFind("asymmetric-partition"), "no-prevote"),
			Expect:   oracles("V"), Silent: oracles("LADSIT"),
		},
		{
			Number: 17, Name: mutant.CheckQuorumBridge, Seeds: 2,
			Lesson:   "A leader that takes what it has sent for answered never learns that it leads nobody. The one node it still reaches keeps faith with it, and the others lack that node for a quorum.",
			Scenario: directed("checkquorum-bridge", "Of five nodes one is down, and the leader reaches only one of the others, which reaches all.", bridgehead(), five),
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
			Number: 21, Name: mutant.CASAtPropose, Seeds: 3,
			Lesson:   "Compare on the leader, set in the log, and something comes between: two clients swap the same version, and both are told that they did.",
			Scenario: directed("cas-at-propose", "Nothing special: many clients, one key.", nil, hot),
			Expect:   oracles("LA"), Silent: oracles("SIVD"),
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
			Number: 24, Name: mutant.TTLRestart, Seeds: 3,
			Lesson:   "The clock that counts keys down belongs to the leader and begins with it: what passes between two leaders never passed, and keys outlive their time by every election.",
			Scenario: directed("ttl-restart-on-leader-change", "Leaders change more often than keys expire.", elections(), expiring),
			Expect:   oracles("T"), Silent: oracles("SIV"),
		},
		{
			Number: 25, Name: mutant.StaleExpirer, Seeds: 5,
			Lesson:   "The leader sees that a key is due and puts its deletion into the log, behind a write that has made the key new. Whoever deletes by name deletes what is there by then.",
			Scenario: directed("stale-expirer", "Keys expire and are written again, over links that take their time.", pauses(), refreshed),
			Expect:   oracles("TL"), Silent: oracles("SIV"),
		},
		{
			Number: 27, Name: mutant.HandoffGap, Seeds: 3,
			Lesson:   "A copy is as old as the moment it was taken. Who serves because the copying is over serves without what was written since.",
			Scenario: directed("handoff-gap", "Replicas restart and are restored from copies, under a storm of writes, over lossy links.", restores(), shortLogs),
			Expect:   oracles("LG"), Silent: oracles("SIV"),
		},
		{
			Number: 28, Name: mutant.TwoRings, Seeds: 3,
			Lesson:   "Every node lays out the ring by what gossip tells it. Gossip tells different things to different nodes, and each takes its own ring for the cluster's.",
			Scenario: directed("two-rings", "A node is cut off for long enough to be believed dead.", moves(), spare),
			Expect:   oracles("R"), Silent: oracles("N"),
		},
		{
			Number: 29, Name: mutant.StaleRoute, Seeds: 5,
			Lesson:   "A node that used to own a shard answers by the map it remembers. Every request carries the map's epoch so that an ex-owner can tell, and redirect.",
			Scenario: directed("stale-route", "Of four nodes one owner is cut off until its replicas are moved away; clients with old maps still reach it.", moves(), spare),
			Expect:   oracles("LAD"), Silent: oracles("I"),
		},
		{
			Number: 31, Name: mutant.BatchLies, Seeds: 3,
			Lesson:   "One word for a whole batch is untrue of some of it: its parts go to different leaders, and one of them may have none.",
			Scenario: directed("batch-lies", "Batches over several shards, one of which has no quorum now and then.", lostQuorums(), batches),
			Expect:   oracles("B"), Silent: oracles("SIVQ"),
		},
		{
			Number: 32, Name: mutant.BreakerFlap, Seeds: 3,
			Lesson:   "A breaker that counts an honest refusal as a failure, and is as quick to open the tenth time as the first, opens and closes all day; and retries that nobody bounds are the load that keeps the outage going.",
			Scenario: directed("breaker-flap", "The nodes are cut off from each other for long, and refuse everything politely.", blackouts(), crowd),
			Expect:   oracles("Q"), Silent: oracles("LADSIT"),
		},
		{
			Number: 34, Name: mutant.HairTrigger, Seeds: 3,
			Lesson:   "One missed ping, and a node is written off: its replicas are copied elsewhere, and back again when it speaks. The network that was too slow to answer now carries copies as well.",
			Scenario: directed("gossip-hair-trigger", "Nothing is wrong but that the failure detector is nervous.", nil, nervous),
			Expect:   oracles("R"), Silent: oracles("LADSIT"),
		},
		{
			Number: 35, Name: mutant.SnapshotLoop, Seeds: 3,
			Lesson:   "A leader that keeps no more log than it must answers every gap with a copy of everything, and by the time that the copy has arrived there is a new gap.",
			Scenario: directed("snapshot-loop", "Links lose packets under a steady load of writes.", losses(), hot),
			Expect:   oracles("Q"), Silent: oracles("LADSIT"),
		},
		{
			Number: 39, Name: mutant.GroupMixup, Seeds: 5,
			Lesson:   "A message for the replica that used to be here is delivered to the one that is here now. It speaks of a log that this one has never had.",
			Scenario: directed("group-mixup", "Followers are killed and come back at once, while packets to their former lives are still under way.", rebirths(), late),
			Expect:   oracles("NIDL"), Silent: nil,
		},
		{
			Number: 40, Name: mutant.SnapshotHalf, Seeds: 5,
			Lesson:   "The label of a copy says one index, its bytes are of a later one. Who is restored from it applies the difference twice.",
			Scenario: directed("snapshot-half", "Replicas restart under load and are restored from copies, by leaders that do much in one turn.", restores(), crammed),
			Expect:   oracles("SA"), Silent: nil,
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
