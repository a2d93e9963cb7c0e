// Package node assembles one production node from its configuration and runs it: the lanes
// (cluster) on their loops (net/host), the peers' network, gossip, the servers for Redis clients,
// gRPC clients and operators.
//
//	clients --RESP, gRPC--> resp, grpcapi --Submit--> host -> lanes
//	peers   <----frames----- peer <-------- Send ----- host <- lanes
//	                         swim  --OnGossip--------> lanes
//
// torcd and torc dev call it. What must hold:
//
//  1. All ports are taken before anything is said to anybody: a port in use ends Start with an
//     error that names it, and nothing is left running.
//  2. Every start is a new life with a greater incarnation than the one before.
//  3. A life that learns of a later life of the same node ends: two processes under one name never
//     serve at the same time for long.
//  4. Stop hands leaderships over first, while the peers can still be heard, then closes the rest.
package node
