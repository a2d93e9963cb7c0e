// Package sim is the simulated world: real Torc nodes (cluster.Lane) and real clients
// (session.Brain) on virtual time, simulated links and hostile faults, all drawn from one
// seed. It also holds the torture (workloads, nemesis) and the oracles that judge a run.
//
// cmd/torc calls Run (through scenarios, which names the scripts); tests call it directly.
// net is its mirror room: what is a socket, a thread or a wall clock there is an event here.
//
//	      one heap of events, virtual time, ties broken by number
//	                            |
//	  +------------+------------+-----------+-------------+
//	packet       timer         turn       script        client
//	  |            |            |        (faults)      (workload)
//	  v            v            v
//	lane inbox <---+    inbox -> OnFrame, OnCall, OnMap, OnGossip, timers; then one Flush
//
// The way of a run: warm up until the cluster is formed and every shard has its voters;
// torture while the workloads run; perhaps heal a core and demand progress of it; heal everything; demand progress on every shard; settle;
// read every acknowledged change back; judge the history.
//
// What must hold:
//
//  1. Equal Options give equal Results, hash included, in any process on any machine: all
//     randomness comes from the seed, by a stream per concern (rand.go), so that a draw more
//     in one concern does not shift the others. While a node is stepped, crypto/rand.Reader
//     serves that node's own stream (raft draws its election timeouts there).
//  2. One world at a time in a process, because crypto/rand.Reader is one per process. Many
//     worlds are made one after the other, or in many processes: see scenarios/sweep.
//  3. The world calls a lane as production does: one thread, any number of events, then
//     Flush. A paused node is not called; a crashed one leaves nothing behind but packets.
//  4. Packets may be lost, late, doubled or overtaken, never altered. Links of clients are
//     not doubled: a client speaks over a connection that does not do that.
//  5. The nemesis never takes the memory of more than a minority of a shard's voters
//     (fault_memory.go), unless the scenario declares a loss; so every acknowledged write must
//     survive.
//  6. A checker that cannot decide fails the run.
//
// It leaves to others: names and scripts of runs (scenarios), judging a history
// (linearizability), everything a node does (cluster and core).
package sim
