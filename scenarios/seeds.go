package scenarios

// Seed is a run that once found something.
type Seed struct {
	Scenario string
	Seed     uint64
	Found    string // what it found, and where that was mended
}

// Seeds returns the runs that once found something; all of them pass now, and are run again
// with every change.
func Seeds() []Seed {
	return []Seed{
		{"swarm", 1278, "a forwarded write was refused for want of memory, and its double applied when there was room again (core/router, twice.go)"},
		{"swarm", 1072, "a learner on a node that did not run was made a voter, because a short log lacks little (core/raft, status.go)"},
		{"everything", 177, "a frozen leader answered a former life's question to the new life, which took it for the answer to one of its own (core/router, forward.go)"},
		{"swarm", 3194, "the map called a leader down that was not, and while the meta group had no quorum clients asked everybody but it (core/session, route.go)"},
		{"control-every-fault", 100579, "the same, with two nodes that were not called down: each of them was somebody better to ask than the leader (core/session, route.go)"},
		{"control-wild-clocks", 2621, "a node sent a write again, as a retry that the shard did not know, and before the first try: the client took that for no effect and wrote again under another session (core/router, hall.go)"},
		{"control-every-fault", 2514, "two of the founders were restarted between their pledge and the map: what they were to hold was lost before anybody led it, and the oracle did not know who its voters were (sim, fault_memory.go)"},
		{"swarm", 1, "a lane's session that the shard had forgotten was begun anew by the next write, and the retry of an older one was applied twice: found by reading first, by this seed since shards forget (core/router, session.go)"},
		{"control-declared-loss", 3173, "the same of the meta group: an operator has to begin it anew, and nobody did (sim, founding.go)"},
		{"control-every-fault", 260138, "a node that had been slow once led nothing any more, since on links where many packets are late nobody is well for 33 rounds on end (core/late, judge.go)"},
	}
}
