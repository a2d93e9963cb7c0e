// Package buffers is the pool that gRPC takes its buffers from in a node, on the peers' side and the clients', and net/resp the memory for long values that it sends.
//
// gRPC's own clears a whole buffer each time it gives it out, although all of it is written over, and has few sizes: who
// needs 40 KiB gets 1 MiB, cleared: some 20 us for each value of 64 KiB, at each end. The package makes its pool
// gRPC's default for what is written; servers must be told besides (ForServer).
//
// What must hold:
//
//  1. Get returns as many bytes as were asked for, of any content. Who asks writes all of them before anybody reads.
//  2. Put takes back only what Get would give out again; what is longer than the longest, or has grown, is the collector's.
//  3. Any goroutine may call.
package buffers
