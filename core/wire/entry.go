package wire

// Batch is the payload of one data log entry: the requests that a leader gathered in one
// turn, in the order they are applied, with the leader's time. A batch is decided by the
// leader and obeyed by everyone; nothing in it is decided again.
type Batch struct {
	Time     int64     // Unix milliseconds by the leader; apply uses max(this, the shard's log time)
	Proposer ReplicaID // who proposed it, and
	Number   uint64    // its running number there: the proposer finds its waiting callers by it
	Requests []Request // Shard and Epoch are not encoded: the entry belongs to one shard
}
