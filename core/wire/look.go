package wire

// Look is a read that is answered at once, where it is asked, or not at all: then it is asked again as a Call.
type Look struct {
	Shard   ShardID
	Command Command
	// Result is the answer. Its value may be memory of the store's own: use it before anything else is done.
	Result Result
}
