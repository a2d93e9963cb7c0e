// Package wire holds the words that Torc's rooms speak to each other: identities,
// commands and their results, requests and their outcomes, the log entry, the cluster
// map and the frames that travel between nodes; and their one binary form.
//
// Everything here is plain data. Nothing reads a clock, draws a random number or knows
// what a socket is, so both worlds (production and the simulator) use the same types.
//
// What must hold:
//
//  1. Decode(Encode(x)) == x for every value, and Encode(Decode(b)) == b for every b that
//     decodes: the binary form is canonical, because log entries and digests rest on it.
//  2. A decoder never panics and never allocates more than a small multiple of the bytes
//     it was given, whatever those bytes are.
//  3. Values are immutable once sent: in the simulator a frame's receiver may share memory
//     with its sender.
//
// wire imports only the standard library. env, trace and invariant may import it.
package wire
