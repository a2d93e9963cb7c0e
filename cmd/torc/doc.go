// Command torc is the tool beside the node: a cluster on this machine to try things with
// (torc dev) and the simulator (torc sim).
package main
