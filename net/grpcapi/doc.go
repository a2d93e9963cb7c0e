// Package grpcapi is Torc's door for its own clients: it serves torc.v1.Cache (api/v1) on an
// address of its own. The host starts it (Listen, Serve, Close) and stands behind Backend;
// nobody else calls it.
//
// There are two ways in. Stream is the Go client's: many requests in flight on one stream,
// in Torc's own binary form, with sessions. The unary calls are for everybody else's
// languages: plain protobuf, one call for one thing.
//
//	Stream:  Recv --> decode, check --> window slot --> Backend.Submit --> lane
//	         Send <-- encode <-- writer goroutine <-- ready <-- Deliver (on the lane's goroutine)
//
// Before Submit, reads are looked up (look.go): what lies in memory here, under a lease, is answered by the reader itself.
//
// What must hold:
//
//  1. Every request packet is answered once, by its id, unless the stream breaks. What was in
//     flight when a stream breaks has an unknown outcome for its sender.
//  2. A stream owes at most Options.InFlightMax answers, with Options.InFlightBytes of requests
//     and OutputMax of answers. Beyond that it stops reading: gRPC's flow control then holds
//     the client back, and memory stays bounded. What all streams hold together is bounded by
//     Options.BuffersMax (crowd.go), and so is what unary calls hold: those that are too many are refused (callers.go).
//     A packet's memory is used again once it is handled: what goes to a lane has memory of its own, or the packet is
//     kept.
//  3. Deliver runs on a lane's goroutine: it copies headers, not values, and never blocks.
//     Encoding and writing are the writer's.
//  4. What may never come from a client does not pass: commands of the log's own (OpTick,
//     OpMeta), the meta group's shard, a key under a shard that does not own its slot.
//  5. An error says whether the write surely did not happen. errors.go has the table.
//  6. The password is compared in constant time and never logged; nothing that a client sends
//     is logged.
//
// It leaves to others: what a command does (the state machine), who leads a shard and how a
// request gets there (the lane behind Backend), retries and sessions (core/session, in the
// client).
package grpcapi
