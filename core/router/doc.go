// Package router is a node's front hall: it takes requests in, finds the node that leads their
// shard, hands them to this node's own replica or forwards them, and sees to it that each one
// is answered in time, once, and truthfully.
//
//	RESP, gRPC --Admit--> Route --Port.Take--> this node's replica --Finish--> sink
//	                        |----- Forward --> the leader's node --Reply----> sink
//	                        '----- parked: nobody is known to lead
//
// cluster calls it, on the lane's thread; a lane has one Hall for its shards. What must hold:
//
//  1. A call's sink gets exactly one response, at the latest one tick after its deadline.
//  2. A write that may have been applied is never reported as refused: from the moment it is
//     proposed or forwarded on, no answer means unknown. A read is never unknown.
//  3. A forwarded write carries a session (the caller's, or one of this life of the lane), so
//     that however often it is sent it is applied once.
//  4. A forward is taken once: the double of one that was refused is not applied later. Its answer
//     goes to the life that asked, or to nobody.
//  5. A shard that has been without a leader for longer than Patience refuses at once: this is
//     the minority's side, or the quorum is lost, and who asks should go elsewhere.
//  6. What waits is bounded by InboxMax, and what is kept of other nodes by the cluster map (MapChanged).
package router
