package wire

// Batch is the payload of one data log entry: the requests that a leader gathered in one
// turn, in the order they are applied, with the leader's time. A batch is decided by the
// leader and obeyed by everyone; nothing in it is decided again.
type Batch struct {
	Time     int64     // Unix milliseconds by the leader; apply uses max(this, the shard's log time)
	Proposer ReplicaID // who proposed it, and
	Number   uint64    // its running number there: the proposer finds its waiting callers by it
	Victims  []Victim  // make room for the requests: they go first
	Requests []Request // Shard and Epoch are not encoded: the entry belongs to one shard
}

// Victim is a key that the leader has chosen to give up: by its hash (its place in the shard's
// order), and only in this version. What was written since stays.
type Victim struct {
	Hash    uint64
	Version uint64
}
