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
// It tells alive, suspect, dead and left (a goodbye that gets lost looks like a death). memberlist
// tells nobody when it suspects: there is no such event, no delegate that sees it, and the State
// of its Members is never set. So the transport overhears what this node tells others of its
// suspicions (overhear.go), which is at most a round of gossip late. Polling was no way, because
// there is nothing to poll; reading the log of memberlist would have shown its own probes only.
//
// With the default settings a crashed node is probed every 250 ms by somebody, suspected by that node
// when the next probe is due and by the others a round of gossip (200 ms) later: within 2 s in
// the contract suite, about 1 s as a rule. It is taken for dead after 3 to 6 s of suspicion. In
// memberlist's own words: ProbeInterval 250 ms rather than 1 s, and a SuspicionMult of 12 rather than
// 4, so that deaths are told no more lightly than with its defaults.
//
// Digests ride on memberlist's meta data, so that they are ordered like its other news. Each one
// is passed on by everybody, so in a large cluster they are told less often (tellDigest).
package swim
