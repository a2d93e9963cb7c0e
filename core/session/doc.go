// Package session is the client's brain: it knows the cluster map, sends every command to the
// node that should lead its shard, follows redirects, retries what can be retried, and says
// of each command what is truly known about it. The Go client (package client) runs it over
// gRPC, the simulator over simulated links; forwarding nodes have core/router instead.
//
// A Brain runs on one logical thread, as a lane does: events in (Do, OnResponse, OnMap,
// OnFailure, the clock's callbacks), effects out (Transport, done). It starts nothing, locks
// nothing and knows no time but env.Clock's.
//
//	Do --split by shard, reads and writes apart--> parts
//
//	            a turn in the session's window           route known, budget, breakers, limit
//	  queued -----------------------------------> ready ----------------------------> in flight
//	                                                ^        (else in the node's line,
//	                                                |         or refused at once)
//	                                                ^                                    |
//	                     backoff, a new map         |   refused, unknown, lost, too late |
//	                  waiting ----------------------+------------------------------------+
//	                     |                                                               |
//	                     | deadline                      answered OK, or a final refusal |
//	                     v                                                               v
//	                 concluded <---------------------------------------------------------+
//
// # What an outcome means
//
// An attempt is one request handed to the transport. It ends well (OK), surely without effect
// (Refused), or in doubt: a lost connection, an OutcomeUnknown, or no answer yet. Doubt does
// not go away because a later attempt is refused: the refusal speaks for itself only. So:
//
//   - any attempt is answered OK: the operation is OK. For a write that is sound because all
//     attempts carry the same session and Seq: the shard applies the first to arrive and
//     answers the others from its table.
//   - every attempt was surely without effect, and time is up (or the refusal is final):
//     Refused, with the last reason. It was not and will not be applied.
//   - some attempt is in doubt and time is up: Unknown. A write may have been applied, or may
//     yet be. (A read in doubt is Unknown too, and has no effect either way.) So is, at once, a write
//     whose answer is longer than the client takes: to ask again would bring the same answer.
//   - nothing was ever sent: Refused with ReasonDeadline.
//
// The commands of one Do are a bag: each has its own outcome, and no order is promised
// between them, save that writes on one shard that fit one request are applied in order.
//
// # Sessions
//
// Each shard knows the client by a random number; Seq counts its writes from 1; Floor is the
// lowest Seq that is not concluded. Seq never runs WindowMax or more ahead of Floor, so that
// a shard needs to remember that many results per client and no more. A session is begun by its first write
// alone; everything later insists that the shard remembers the client (see window for why).
// When the shard says that it does not, the attempt that was told so had no effect; if no
// other one is in doubt the write goes on under a new client number, else it is Unknown.
//
// What is asked of the shard: a request with Retry from a client that it does not know is not
// applied and answered with ReasonSessionExpired; nor is one whose Seq is below the highest
// Floor it has seen from that client. Everything else is applied once, and answered from the
// table when it comes again.
//
// # What must hold
//
//  1. done is called exactly once per Do, never from inside it, with an Item per command.
//  2. No operation outlives its deadline.
//  3. The outcomes are true, as above; in particular Refused is never said of a write with an
//     attempt in doubt.
//  4. A write is never sent under two sequence numbers while one attempt is in doubt.
//  5. The newest epoch of a cluster's map wins. Another cluster's map is believed only when
//     the present cluster has been silent, and by a seed's word: after all its memory is gone a cluster begins anew.
//     An address that the map names may be another cluster's by then; what a node of another one is asked it refuses (wire.Request.Cluster).
//  6. Retries add at most a tenth to the load, plus a small burst, unless they succeed.
//     Hedges (a second question for a read that takes long, see hedge.go) are never more than a tenth of the reads.
//  7. Everything is bounded: parts by MaxInFlight (and one operation's own parts), attempts
//     kept per part by its deadline, breakers by members, seeds and shards.
//  8. A node that does not answer holds few operations (its limit, see core/limit, and a line of so many more); what
//     comes then is refused at once. A shard that a living node leaves without answers is cut off alone.
//     Whatever its parts wait for, those of one node are never more than half of MaxInFlight.
//  9. What is kept of reads is answered only while the shard's leader has promised that it does not change (cache.go).
//
// The package leaves to others how bytes travel, what a command means (core/store), and when a caller gives
// up early: it says so by Abandon. An operation runs to its outcome, its deadline, or that.
package session
