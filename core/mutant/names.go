package mutant

// The planted bugs, numbered as in the gallery.
const (
	AckEarly            = "ack-early"              // 01
	LocalRead           = "local-read"             // 02
	LeaseCheckQuorum    = "lease-checkquorum"      // 03
	LeaseSkew           = "lease-skew"             // 04
	ReadIndexNoWait     = "readindex-nowait"       // 05
	ReadIndexNewTerm    = "readindex-new-term"     // 06
	AmnesiaSameID       = "amnesia-same-id"        // 08
	NoPreVote           = "no-prevote"             // 16
	NoDedupe            = "no-dedupe"              // 18
	DedupeNotInSnapshot = "dedupe-not-in-snapshot" // 19
	FailMeansNo         = "fail-means-no"          // 20
	NondetApply         = "nondet-apply"           // 22
	TTLLocalClock       = "ttl-local-clock"        // 23
	StaleRoute          = "stale-route"            // 29
)
