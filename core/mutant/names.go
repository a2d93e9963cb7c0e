package mutant

// The planted bugs, numbered as in the gallery. A constant is its name without the dashes: a lesson tells its
// reader to search for the one by the other.
const (
	AckEarly                 = "ack-early"                    // 01
	LocalRead                = "local-read"                   // 02
	LeaseCheckQuorum         = "lease-checkquorum"            // 03
	LeaseSkew                = "lease-skew"                   // 04
	ReadIndexNoWait          = "readindex-nowait"             // 05
	ReadIndexNewTerm         = "readindex-new-term"           // 06
	ReadIndexCtxReuse        = "readindex-ctx-reuse"          // 07
	AmnesiaSameID            = "amnesia-same-id"              // 08
	AmnesiaCrossedWires      = "amnesia-crossed-wires"        // 09
	SilentTotalLoss          = "silent-total-loss"            // 10
	BootstrapTwice           = "bootstrap-twice"              // 11
	VoterTooSoon             = "voter-too-soon"               // 12
	TwoConfChanges           = "two-confchanges"              // 13
	RemovedLeaderLingers     = "removed-leader-lingers"       // 14
	ZombieMember             = "zombie-member"                // 15
	NoPreVote                = "no-prevote"                   // 16
	CheckQuorumBridge        = "checkquorum-bridge"           // 17
	NoDedupe                 = "no-dedupe"                    // 18
	DedupeNotInSnapshot      = "dedupe-not-in-snapshot"       // 19
	FailMeansNo              = "fail-means-no"                // 20
	CASAtPropose             = "cas-at-propose"               // 21
	NondetApply              = "nondet-apply"                 // 22
	TTLLocalClock            = "ttl-local-clock"              // 23
	TTLRestartOnLeaderChange = "ttl-restart-on-leader-change" // 24
	StaleExpirer             = "stale-expirer"                // 25
	EvictLocal               = "evict-local"                  // 26
	HandoffGap               = "handoff-gap"                  // 27
	TwoRings                 = "two-rings"                    // 28
	StaleRoute               = "stale-route"                  // 29
	HotkeyReplicaUnfenced    = "hotkey-replica-unfenced"      // 30
	BatchLies                = "batch-lies"                   // 31
	BreakerFlap              = "breaker-flap"                 // 32

	// The reserve bench.
	GossipResurrect   = "gossip-resurrect"    // 33
	GossipHairTrigger = "gossip-hair-trigger" // 34
	SnapshotLoop      = "snapshot-loop"       // 35
	GroupMixup        = "group-mixup"         // 39
	BatchTorn         = "batch-torn"          // 41
	SnapshotHalf      = "snapshot-half"       // 40
	FillRace          = "fill-race"           // 37
	HedgeStorm        = "hedge-storm"         // 42
	CacheDeaf         = "cache-deaf"          // 43
	CacheNoWait       = "cache-nowait"        // 44
	CacheSuccessor    = "cache-successor"     // 45
	YieldFlap         = "yield-flap"          // 46
	LookNoLease       = "look-nolease"        // 47
	LeaseOwnTimeout   = "lease-own-timeout"   // 48
	SessionReborn     = "session-reborn"      // 49
	LeaseLateAnswer   = "lease-late-answer"   // 50
	HotkeyFromAnswer  = "hotkey-from-answer"  // 51
	HotkeyLateAnswer  = "hotkey-late-answer"  // 52
	GuardAtPropose    = "guard-at-propose"    // 53
)
