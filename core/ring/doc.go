// Package ring says where shards should live: it turns members, their weights and where
// things are now into where each shard's replicas go, and a cluster map into answers to "who
// owns this key?". The meta group's leader plans with Place (cluster); clients and nodes
// look things up with View (core/session, core/router).
//
//	key --CRC16--> slot --contiguous ranges--> shard --hash--> a point on the ring
//
//	        . n2 .
//	   n3 .        . n1       every node stands on the ring 150 times (weight 1); a walk
//	     .   shard  .         from the shard's point meets the nodes in the order in which
//	   n1 .    5   . n3       the shard prefers them
//	        ` n2 '
//
// Plain consistent hashing leaves some nodes with far more than their share. So a walk passes
// by a node that is full (consistent hashing with bounded loads), what is placed well stays
// where it is, and a last step evens out what is outside the bounds along the shortest chain
// of moves.
//
// What must hold, for Place:
//
//  1. Every shard, the meta group's shard 0 included, gets exactly min(replication, active
//     nodes with weight) distinct nodes.
//  2. A node's replicas are within 10% of its weight's share, rounded outwards; so are the
//     shards it should lead, within 15%. (A node's share never exceeds one replica of each
//     shard; what a heavy node cannot take goes to the others.)
//  3. One node's coming, going or change of weight moves about as many replicas as that
//     node's share gained or lost, and no well placed others.
//  4. Placing again what Place returned changes nothing.
//  5. The result depends on the set of members, the numbers and the current placement; not
//     on the order of the members, on a map's order, on chance or on floating point.
//
// Everything here is a pure function of its arguments. The package knows nothing of who is
// alive: whom to count as a member is the meta group's decision.
//
// See Karger et al., Consistent Hashing and Random Trees (STOC 1997); Mirrokni, Thorup,
// Zadimoghaddam, Consistent Hashing with Bounded Loads (SODA 2018, arXiv 1608.01350).
package ring
