// Command client compares Go clients on one cluster: Torc's own over gRPC, go-redis and rueidis over the Redis protocol.
// It is a module of its own, so that Torc does not depend on what it is compared with.
//
//	torc dev                            (in another terminal: three nodes, on their usual ports)
//	go run . -for 10s -callers 64       (in this folder)
//
// Each client does the same: 90 reads in 100 of 10,000 keys with values of 100 bytes, first as fast as it can with so
// many callers, then at one rate for all, then 1,000 keys at a time. What is printed is what the callers saw; allocations and
// processor time are those of the whole client process, per call.
//
// Last comes what a call on keys of all nodes costs beside the dearest of its parts alone.
//
// docs/CLIENT.md has figures, with the machine they were measured on. Measure on yours.
package main
