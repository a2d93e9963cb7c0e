// Package netns makes a small network of real hosts on one Linux machine: network namespaces joined
// by a bridge, whose links can be cut in one direction or both, or made to lose packets.
//
//	this process ---- torcPID ---.
//	                             | bridge, in a namespace of its own (the hub): all rules are there
//	host 1 (namespace) -- eth0 --+
//	host 2 (namespace) -- eth0 --+
//	...                          '
//
// Every packet between any two of them passes the hub, so one nftables ruleset, replaced as a whole,
// says what passes. This process has guest addresses on the same network, one for each client that
// may be cut off alone: a socket bound to a guest address is that guest.
//
// torc sim real and tests with real processes use it. It needs root, ip (iproute2) and nft
// (nftables); Permitted says what is missing. What must hold:
//
//  1. Nothing outside is reached: the hosts have no route but to their own subnet, which is of
//     198.18.0.0/15 (RFC 2544, benchmarks) and overlaps no address of this machine. The machine's own
//     rules and routes are left as they are; it gets one interface with the guests' addresses.
//  2. All that New makes is named after this process (torc-PID-...), and Close removes it, whatever
//     has failed before. What a killed process left is removed by the next one's Sweep.
//  3. Apply is atomic: a packet passes by the old rules or the new ones.
//
// The rules cannot make links slow: that needs the kernel's netem, which many kernels lack. SlowDown
// puts a proxy (cmd/internal/delay) into every host for that, without its programs knowing:
//
//	program --connect to host 2--> nft redirects --> proxy, on the same host --delay--> hub --> host 2
package netns
