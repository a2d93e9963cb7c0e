// Package raft is one member of one Raft group: it proposes, replicates, applies, answers
// whether a read may be served, changes the group's membership and ships snapshots. It is
// the only room that knows go.etcd.io/raft/v3; everyone else speaks wire's words.
//
//	events                 Member                      effects
//	Tick, Step, Propose -> RawNode + log in memory  -> Output.Send, Machine.Apply
//	ReadIndex, Change      lease, snapshots            reads released, role changes
//
// What must hold:
//
//  1. A replica ID is used for one life only. A member that starts without the group's first
//     configuration is empty, is nobody's voter until the group makes it one, and waits.
//  2. Nothing is applied before it is committed, and each index once.
//  3. LeaseValid never says yes while another member can be elected (lease.go says why).
//  4. A snapshot is exact at its index: it is taken before any later entry is applied.
//  5. The log is bounded by bytes; what a slow member misses it gets as a snapshot.
//
// The room leaves to others: what entries mean (Machine), who should be a member (cluster),
// callers and deadlines (router, cluster).
package raft
