package wire

// Look is a read that is answered at once, where it is asked, or not at all: then it is asked again as a Call.
type Look struct {
	Shard   ShardID
	Command Command
	// Result is the answer. Its value may be memory of the store's own: use it before anything else is done.
	Result Result
}

// Looker answers reads at once, without a lane's being woken for them. It is for one goroutine.
type Looker interface {
	// Look answers a read that has come before the first Look since Done, or reports that it must be submitted. The result's
	// value is good until Done. Nothing may be waited for until then.
	Look(*Look) bool
	// Done ends it, and lets the lanes go on.
	Done()
}
