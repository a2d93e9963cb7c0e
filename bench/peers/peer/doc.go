// Package peer starts what is compared, on loopback, on free ports, with its data in a directory that is thrown away, and
// says of each what it is: version, flags, how many copies of a write there are when it is acknowledged, what survives, what a read may
// return. What it says of others is what their documentation says, worded short.
//
//	Start -> Server (processes) -> Targets: one or more ways to speak to it, each a peer in the table
//
// A server that is not installed is left out, with the reason.
package peer
