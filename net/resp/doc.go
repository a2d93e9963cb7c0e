// Package resp is Torc's door for Redis clients: a server for RESP2 and RESP3, with
// pipelining, that turns Redis commands into wire.Calls on shards and their responses into
// replies, worded as Redis 7 words them. The host starts it (Listen, Serve, Close) and
// implements Backend; nobody else calls it.
//
// The way of a pipeline:
//
//	            reader goroutine                      lanes                  end of the lane's turn
//	bytes -> reader.next -> handler -> window slot
//	                             \-> queue per shard -> Backend.Submit
//	                                                   flight.Deliver -> slot -> output -> socket
//
// One goroutine per connection reads: it parses all that has arrived, gives each command a
// place in the window (the replies that are owed, in order) and puts its parts, one per key,
// into the queue of their shard. Then it pumps: each shard that owes this connection nothing
// gets the front of its queue as one Call. A response fills in its slots on the lane's own
// goroutine; what is complete at the window's head moves to the output, and the writer
// goroutine writes all of it at once.
//
// Before that, reads in a row are looked up (look.go): what lies in memory here, under a lease, is answered by the reader itself.
//
// What must hold:
//
//  1. Replies leave in the order of their commands, whatever the order of the responses.
//  2. A connection has at most one unanswered Call per shard. So its commands on one key take
//     effect in their order, and a read sees the writes before it in the pipeline, without
//     trusting that a lane answers in order (reads overtake writes that are being
//     replicated, and a request that is forwarded again can be overtaken too). What waits
//     meanwhile travels together in the next Call: batching by nature. Nor does a look overtake anything on its shard; and
//     while lanes are kept from their turns for it, nothing is waited for.
//  3. Reads and writes of different commands never share a Call. The parts of one command on one shard always do, so
//     that MSET is atomic per shard. (Across shards it is not: see the command's summary.) EXEC is one command, with the parts of all that was queued, and
//     shares its Call with no other: guards (WATCH, MSETNX) are conditions on all of a Call.
//  4. What was handed to Submit is never written again: arguments are slices of the buffer
//     they were received in, and a buffer that is referred to is left to the collector.
//  5. Memory is bounded by what was really received and by Options: declared lengths
//     allocate a little for all connections together (ahead.go), and else nothing; long commands wait for room to come in (unfinished.go), others of some size for their turn (turns.go). A window that is full, requests in flight over QueryBufferMax or
//     replies over OutputBufferMax stop the reading, not the writing.
//  6. An error says whether a write surely did not happen. errors.go has the one table.
//  7. The password is compared in constant time and never logged; nothing a client sends is
//     logged but its address.
//
// Transactions: what comes between MULTI and EXEC is checked and queued (transaction.go). EXEC has each handler record what it would reply or ask (exec.go), and
// asks for it all in one Call, guarded by the versions of what was watched (watch.go).
//
// Scripts: EVAL reads its keys, runs the script on copies of them (torc/net/script, eval_call.go), and asks for what it has written in one Call, guarded by the versions that were
// read (eval.go).
//
// Redirect mode (Options.Redirect) is for cluster-aware clients: a command whose shard is
// led elsewhere is answered with MOVED, keys in different slots with CROSSSLOT, and commands
// without a key (DBSIZE, SCAN, KEYS, FLUSHALL) concern the shards that this node leads, as
// they do in Redis Cluster. Otherwise any node serves any key by forwarding.
//
// What a shard has no room for is asked again for as long as the command has time (overload.go).
//
// It leaves to others: what a command does to a key (the state machine), who leads a shard
// and how a request gets there (the lane behind Backend), sessions: Redis clients have none,
// so a client that resends after UNKNOWN may apply a write twice.
//
// The protocol: https://redis.io/docs/latest/develop/reference/protocol-spec/
package resp
