// Package delay makes TCP connections slow, for kernels without netem: a proxy that passes on what
// it reads after a while.
//
//	client --- accepted | reader -> queue of (due, bytes) -> writer | dialled --- server
//	                    | writer <- queue of (due, bytes) <- reader |
//
// A Link is the way between two places: each direction has a Pace, which may be changed while
// connections are open. A Proxy accepts connections and dials on; Through makes one connection that
// is already there slow, which is all that a client in this process needs. cmd/internal/netns places
// proxies so that nobody between the ends knows of them.
//
// What must hold:
//
//  1. Bytes arrive as they were sent, in order, each not before its time. A pace that becomes faster
//     lets nothing overtake.
//  2. What waits is bounded: a reader stops at queueMax bytes, and the sender's TCP feels it.
//  3. An end is passed on like the bytes before it: after the same delay, a half-closed connection as
//     a half-closed one.
//  4. Close closes every connection and waits for all goroutines.
//
// It is a connection that is slow here, not a packet: what is under way when a link is cut has been
// acknowledged to its sender by the proxy, as it would have been by a kernel's full socket buffer,
// and a connection that cannot be dialled looks like one that was accepted and closed.
package delay
