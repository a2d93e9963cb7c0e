// Package swim is the membership protocol in production: hashicorp/memberlist (SWIM with the
// Lifeguard extensions) behind core/gossip's Feed port. cmd/torcd makes one Feed per node.
//
//	memberlist --packets, streams--> transport --SendGossip--> net/host, net/peer --> other node
//	     |                               ^
//	     | join, leave, update           +------------Receive-- net/host (wire.Gossip)
//	     v
//	events --> subscriber (net/host puts them into lane 0's inbox)
//
// Everything travels over the peers' own connections, as wire.Gossip: one port to open, one
// secret and one TLS configuration to get right, and a node counts as alive only if it can be
// reached the way that matters. memberlist also wants streams, for its push/pull of the whole
// state and for pings by a second way. A listener of their own would be simpler code but
// a second door without the secret; so streams are cut into numbered chunks and sent as Gossip
// too (stream.go). A lost chunk breaks the stream, and memberlist tries again later.
//
// What must hold:
//
//  1. memberlist's name for a node is one life of it: its ID, its incarnation and its peer
//     address. A restarted node is another name, so rumours about its former life never
//     touch the new one, and pings meant for the former life are not answered by the new one.
//  2. Events come one at a time, and in order for each life.
//  3. A life that is seen again after its death comes with a greater Refuted.
//  4. Nothing here blocks its caller: Receive and Leave return at once, SetDigest too.
//  5. Nothing here is trusted for safety: see core/gossip.
//
// memberlist forgets the dead and never looks for them again, so a partition that outlasts
// its memory would never heal: Options.Peers says who should be there, and the Feed knocks at
// the doors of those who are not (rejoin.go).
//
// It tells alive, dead and left (a goodbye that gets lost looks like a death). memberlist does not tell when it only suspects; a suspicion
// shows as nothing, or as Dead when it was not refuted in time.
package swim
