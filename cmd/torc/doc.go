// Command torc is the tool beside the nodes (torcd): a cluster on this machine to try things with
// (dev), a look at a running one (status), its data (get, set, del), a measurement (bench) and the
// simulator (sim).
//
// Exit codes: 0 all is well, 1 it did not work, 2 status found a cluster that is not whole, 3 the key
// is not there or the condition does not hold. sim's are its verdict's.
package main
