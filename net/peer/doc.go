// Package peer carries frames between nodes over gRPC (api/v1, service Peer). It is the
// transport behind env.Network: net/host gives it frames to send and takes those that come.
//
//	host --Send--> which? --+--> urgent queue --> stream --\                 /--> Frames handler --> deliver
//	                        |                               > one connection
//	                        +--> data queue ----> stream --/                 \--> Frames handler --> deliver
//
// A short frame that finds nothing before it goes past the queue: its sender gives it to gRPC itself (direct.go).
//
// Each node opens its own connection to each address it has something for, and sends only on
// that; what others have to say comes on the connections they open. Two streams share a
// connection: heartbeats, votes, membership and gossip must not stand in line behind a value
// of 64 MiB, or a busy link would look like a dead leader. HTTP/2 interleaves the streams. A
// frame goes whole by one of them: by the urgent one if nothing in it can wait.
//
// What must hold:
//
//  1. Send never blocks and never fails: a queue is bounded in bytes, and when it is full the
//     oldest frame goes. Raft, snapshots and forwards all have retries of their own, and the
//     newest frame is the one worth most. One frame alone is taken whatever its size.
//  2. A frame arrives as it was sent or not at all (one that is larger than any receiver takes
//     arrives as several, which is the one exception). Within a stream frames arrive in order. Across a reconnection or between the two streams
//     nothing is promised, as env.Network promises nothing.
//  3. What could not be sent is thrown away when the connection breaks: a peer that comes back
//     is not greeted with old news.
//  4. With a secret set nobody without it gets as far as a frame; it is compared in constant
//     time and never logged. It travels in the clear unless TLS is on.
//  5. A frame that does not decode is counted and dropped; the stream goes on.
//  6. A peer that is silent is noticed: outgoing data that is not acknowledged within PingWithin
//     closes the connection (keepalive, and TCP's user timeout where there is one).
//  7. A peer that can be reached again is found again within about a second. TCP would wait as long
//     again as the silence has lasted: it tries ever more rarely, on a connection that stands (after
//     0.2 s, 0.6 s, 1.4 s, 3 s, 6.2 s ...) and on one that is asked for (after 1 s, 3 s, 7 s). So the
//     one is given up before its third gap, the other before its first, and a new one is asked for.
//
// It leaves to others: which life of a node a frame is for (the lane looks at incarnations),
// which nodes exist (cluster), how frames are split among lanes (net/host).
package peer
