// Package client is Torc's Go client.
//
//	c, err := client.New(ctx, client.Options{Seeds: []string{"cache-1:7001", "cache-2:7001"}})
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
//   - ErrConflict: a condition (IfAbsent, IfPresent, IfVersion) did not hold. Likewise.
//   - ErrRefused: the command was surely not applied and never will be. Sending it again is
//     safe. (ErrInvalid comes with it when sending the same again is of no use: an increment
//     of something that is no number, a value over the limit.)
//   - ErrUnknown: the time ran out, or the context ended, with an attempt under way. A write
//     may have been applied, or may yet be; a read has no effect. The client has retried
//     as long as it was given time: retries carry a session, so a write is applied at most
//     once however often it was sent. Sending it again by calling the method again is a new
//     write. MaybeApplied reports it.
//
// With ErrRefused may come ErrOverloaded (there is too much to do, there or in this client: less, or later) or
// ErrUnavailable (nobody who could be reached serves the key).
//
// Errors also unwrap to the context's error when that ended the wait.
//
// # Consistency
//
// Every answer is linearizable, per key. Methods on many keys are many commands: each has
// its own result, and no order or atomicity is promised between them.
//
// # How it works
//
//	callers --inbox--> loop: session.Brain --> link queues --> streams --> nodes
//	   ^                 |  ^                                                |
//	   +--- results -----+  +------------------- inbox <---------------------+
//
// A slow node holds few callers: see core/session about limits, lines and breakers. GetOrLoad rests on leases in the
// replicated state (core/store, leases.go). docs/CLIENT.md is the guide.
//
// One goroutine, the loop, runs the brain (core/session): all decisions are made there, and
// the simulator runs the same code. A link is one gRPC stream to one node with its writer and
// reader. Everything between them is bounded: the inbox blocks, a full link refuses, and the
// brain refuses when too much is in flight.
//
// What must hold:
//
//  1. Only the loop touches the brain; the loop never blocks on a link or on a caller.
//  2. A link reports each request once: its response, or that it came to nothing and whether
//     the node may have seen it. It says "surely not" only of what never was in gRPC's hands.
//  3. After Close no goroutine of the client is left.
package client
