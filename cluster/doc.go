// Package cluster is a node assembled on an env: its lanes, the shards' replicas on them, the
// way a request takes to the leader and back, how a cluster is founded and joined, and the meta
// group's decisions about who holds what.
//
// Who calls it: the world (net/host in production, sim in the simulator), one logical thread per
// lane. What must hold:
//
//  1. A call's sink gets exactly one response.
//  2. A write is acknowledged only after it is committed and applied here, at the leader.
//  3. A life (incarnation) of a node gives its pledge to one founding proposal, and to another only
//     after the first one's maker is over or has given it up for good; a cluster is founded only
//     with the pledges of all its founders.
//  4. A replica starts with the first configuration only in the founding life, or as a founder of a
//     group that is begun anew; any other replica starts empty and waits for its group.
//  5. A shard is given up only when no quorum of any configuration that its group may have can come together
//     again: its replicas are sealed first, then it is reset, empty, under a declared loss (loss.go). Silence
//     proves nothing; a later life does, or an operator's word (forget.go).
//  6. The meta group begins anew only on an operator's word, from the newest map in reach of one node; its
//     epochs and replica IDs are above all that the lost one can make (recover.go says what breaks when
//     that word is wrong).
//  7. Gossip advises, Raft decides: it says when to look, and whom to ask first.
package cluster
