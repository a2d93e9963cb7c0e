// Package host runs a node's lanes in production: one goroutine per lane, with the real
// clock, real randomness and the peers' network behind core/env. cmd/torcd makes one Host per
// node; the servers (net/resp, net/grpcapi, net/peer) hand it requests and frames from any
// goroutine.
//
//	Submit, OnFrame, OnGossip, Do            (any goroutine)
//	        |
//	        v
//	lane's inbox (bounded) --wake--> loop: 1 drain all   2 clock   3 events   4 timers   5 Flush
//	                                  ^                                                   |
//	                                  +------------- sleep until the inbox or a timer <---+
//
// What must hold:
//
//  1. A lane's code runs on its loop's goroutine, one event at a time; or, between two turns, on that of somebody who looks
//     (look.go). Never on two at a time.
//  2. The clock of a turn is read after the inbox was drained. So the time by which a lease is
//     judged is never older than the arrival of the read that rests on it, however long the
//     process was stopped in between.
//  3. Each timer runs once, never early, never inside After. What a pause made late is not made
//     up for.
//  4. An inbox is bounded in requests and in bytes. A request over the bound is refused at
//     once (surely not applied); a frame over it is dropped, as a network may.
//  5. Every Call given to Submit gets exactly one response, unless the lane itself breaks.
//     What never reached a lane is refused; so is what comes to its turn when its time is over.
//  6. A panic in a lane is a broken invariant: the process stops (Config.OnFatal). A node
//     that limps might answer from a state it may not trust.
//  7. A published map is shown to readers and handed to every lane, in the order of epochs.
//
// It leaves to others: what lanes do (cluster), how frames travel (net/peer), which life of a
// node a frame is for (the lane looks at incarnations).
package host
