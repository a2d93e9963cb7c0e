// Package evict chooses which keys a shard gives up when memory is full. It decides nothing that
// replicas must agree on: the leader's choice travels in the log as (key hash, version), and
// followers obey it. So all of this is a hint outside the replicated state; it may be lossy,
// differ between replicas, or be gone after a restart, and harm nothing but the hit rate.
//
//	 uses (hash), from reads, writes and the leader's batches
//	   |
//	Policy: one for each shard -- records: 5 bytes a key, present or gone
//	   |   \                                         |
//	   |    `------> Learner: one for each lane <----'   how soon keys of a kind come again,
//	   |                    |                            by how long ago they were used
//	 Pick <--- worth -------'
//	   |
//	 some keys of the store, by chance (Source), and the worst of those seen before (the pool)
//
// # The adaptive policy
//
// A key's past is its class: how often it was used (once, up to 2, 4, 8, more) and the mean distance
// between its uses, in doublings. For each class the Learner counts at which age its keys came again,
// and at which age they were still waiting; that gives the chance of a use at each age, keys that never
// come again included (the Kaplan-Meier estimator). The worth of a key at an age is the greatest
// ratio, over all later ages until which one might hold it, of
//
//	the chance that it is used by then / the time that it is expected to take up room till then
//
// (Gittins' index; EVA and LHD rank by its kin). It is divided by the key's size. What is worth least goes. So
// the policy turns into LRU, LFU, or most-recently-used (for loops) as the traffic asks, without a switch.
//
// # The others
//
// Redis's, by Redis's method: some keys are sampled, and the worst of them in a pool of sixteen goes.
//
// What must hold:
//
//  1. Equal calls give equal choices: chance comes from the seed, nothing is counted in floats.
//  2. Memory is bounded: 64 bytes for twelve records, at most ghosts times as many records as keys
//     (but 4096), and a Learner of a fixed size.
//  3. A turn's work is bounded: tables grow a bucket at a time, one class is learned at a time.
//  4. Pick returns a key that the Source holds, never one that is to be skipped, and under a
//     volatile policy only one that expires.
package evict
