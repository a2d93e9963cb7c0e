// Package client is Torc's Go client.
//
//	c, err := client.New(ctx, client.Options{Seeds: []string{"cache-1:7401", "cache-2:7401"}})
//	...
//	version, err := c.Set(ctx, "greeting", []byte("hello"), client.WithTTL(time.Minute))
//	value, err := c.Get(ctx, "greeting")
//
// It learns the cluster from any of the seeds, sends each command to the node that leads the
// key's shard, follows the cluster as it changes, and retries what can be retried. A Client
// is safe for use by many goroutines, and is meant to be: their commands share a few streams
// per node and travel together.
//
// # Errors
//
// An error says what is known, and that is one of four things (see errors.Is):
//
//   - ErrNotFound: the key is absent. An answer like any other.
//   - ErrConflict: a condition (IfAbsent, IfPresent, IfVersion) did not hold. Likewise. Nothing was done,
//     and of a transaction nothing at all.
//   - ErrRefused: the command was surely not applied and never will be. Sending it again is
//     safe. (ErrInvalid comes with it when sending the same again is of no use: an increment
//     of something that is no number, a value over the limit.)
//   - ErrUnknown: the time ran out, or the context ended, with an attempt under way. A write
//     may have been applied, or may yet be; a read has no effect. The client has retried
//     as long as it was given time: retries carry a session, so a write is applied at most
//     once however often it was sent. Sending it again by calling the method again is a new
//     write. MaybeApplied reports it. When the context ends nothing is sent any more: a write that still waited for its
//     turn is ErrRefused.
//
// A transaction (Commit, Update) has one more, ErrPartial: all was done but the commands that their own keys' values forbid.
//
// With ErrRefused may come ErrOverloaded (there is too much to do, there or in this client: less, or later) or
// ErrUnavailable (nobody who could be reached serves the key). ErrClosed comes with ErrRefused or ErrUnknown when the client
// was closed before the call, or under it.
//
// Errors also unwrap to the context's error when that ended the wait. A call that ran out of time, its context's or that of
// Options, is context.DeadlineExceeded.
//
// # Consistency
//
// Every answer is linearizable, per key. Methods on many keys are many commands: each has
// its own result, and no order or atomicity is promised between them.
//
// A transaction (Tx, Commit, Update) is on keys of one hash slot, and takes effect at one instant: strictly serializable among all transactions and
// single commands on keys of the slot. There is none across slots.
//
// # How it works
//
//	callers --lock--> engine: session.Brain --> link queues --writer--> streams --> nodes
//	   ^                 |  ^                                                        |
//	   +--- waiters <----+  +---------------- lock <------------- reader ------------+
//
// A slow node holds few callers: see core/session about limits, lines and breakers. GetOrLoad rests on leases in the
// replicated state (core/store, leases.go), Options.Cache on promises of the shards' leaders (cluster/promise.go). docs/CLIENT.md is the guide.
//
// The brain (core/session) makes all decisions, and the simulator runs the same code. Whoever has something for it, a caller
// with a call, a reader with answers, the timer, takes the engine's lock and works on it. A link is one gRPC stream to one
// node with its writer and reader. Everything between them is bounded: a full link refuses, and the brain refuses
// when too much is in flight.
//
// Memory is used again: a caller's waiter holds its call, its command's bytes and its result's place until the brain has
// answered (of a caller whose context ends it is asked to do so at once); messages are in pooled memory, so what a caller
// gets is copied out of it, but for large values, which keep theirs.
//
// What must hold:
//
//  1. Who holds the engine's lock never blocks on a link or on a caller.
//  2. A link reports each request once: its response, or that it came to nothing and whether
//     the node may have seen it. It says "surely not" only of what never was in gRPC's hands.
//  3. After Close no goroutine of the client is left, but one that runs what is the program's own: a loader that takes no notice of its context, or what
//     Background names.
//  4. A waiter is used again only when the brain has answered it and its caller has read the answer.
package client
