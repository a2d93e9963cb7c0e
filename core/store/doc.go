// Package store is the replicated state machine of one data shard: keys with their values,
// versions and expiries, and the table of client sessions. It is a pure function of the log:
// core/raft applies committed batches in order (Apply), asks it what a leader may answer from
// memory (Read), and takes and installs its snapshots.
//
//	           batch from the log                       commands, leader's clock
//	                  |                                            |
//	                  v                                            v
//	Apply: time -> expire -> victims -> commands         Read: commands | needsTick
//	                  |                                            |
//	 keys (order, key) -> cell of the slab <-----------------------+
//	 due  (expireAt, version) -> the same cells, of entries that expire
//	 sessions  client -> floor, last use;  outcomes  (client, seq) -> encoded results
//	 leases    key -> who may fill it, or that it is known to be absent (leases.go)
//	                  |
//	 Snapshot: begun in O(1), a walk through the keys as they were then, in chunks -> Restorer
//
// # Time
//
// Log time is the greatest time that a leader has written into a batch. It alone decides what
// has expired: a key whose expiry is at or before log time is absent, on every replica, from
// the same entry on. A leader whose clock is ahead of log time may not decide by its clock
// (the next leader's may be behind, and the key would come back from the dead): when that
// would make a difference Read says needsTick, and the leader first takes the time through
// the log.
//
// Expired keys are absent at once, but leave memory in small steps: as many as an entry's
// commands may bring, or a few more (expiry.go), and whatever a write touches. Len, Bytes and OpCount count what is stored, as Redis's DBSIZE does.
//
// # Memory
//
// A key, its value, version and expiry lie in one cell of core/slab, outside Go's heap (cell.go). The index
// (index.go), whose leaves are cells as well, and the wheel of what expires (due.go) name cells by number. A keyspace
// (keyspace.go) is all that together; FLUSH begins a new one. Where a cell lies differs from replica to
// replica, and may change in every Apply and Tend: nothing that is computed depends on it.
//
// # Order
//
// Keys are kept in the order of slot<<50 | 50 bits of their xxhash64, then by their bytes. So a
// slot's keys are neighbours, a scan's cursor is a place in that order that no write can move,
// and cursors of all shards follow on one another. (As wire.Command.Start is signed, a cursor
// is the order's bit pattern: from slot 8192 on it is negative.)
//
// What must hold:
//
//  1. Equal configurations and equal logs give equal states and equal responses; and equal
//     states have equal digests whatever way they were reached (by the log or by a snapshot).
//  2. Log time never goes back; nothing but Apply changes the state; nothing but log time
//     decides whether a key is there.
//  3. Every successful change gives its key a version greater than all versions before it in
//     this shard, so a version names one value for ever.
//  4. A session's request is applied at most once; one whose fate is forgotten is never
//     applied, and is answered with OutcomeUnknown.
//  5. Sessions and outcomes are immutable once stored: a change replaces them. So is an entry that a
//     snapshot has still to pass: it stays in its cell until then.
//  6. Nothing of a batch is kept: what is stored is a copy. So is what a result says of a value.
//  7. A restored store equals its source, or Finish fails.
//  8. A fill is taken only under a lease that nothing has been done to the key since.
//  9. Everything is bounded but the keys' bytes: those the leader bounds, by Bytes. After each request sessions and their
//     outcomes take SessionBytes at most.
//
// The package leaves to others: who may read and when (core/raft), which keys to evict and
// when to refuse for want of memory (the leader, before it proposes), how commands are spelled
// (net/resp, net/grpcapi), where pages come from (net/pages). A Store belongs to one logical thread, and
// so do its Snapshots. Who makes a Store, a Snapshot or a Restorer closes it.
package store
