// Package breaker stops a caller from asking a node that does not answer, and finds out
// with a few probes when it answers again. The caller keeps one Breaker per node, or per
// node and shard; core/session and core/router do.
//
//	           failures in a row, or too many in the window
//	Closed --------------------------------------------------> Open
//	   ^                                                        |  ^
//	   |                                    its time has run out |  | one failure
//	   |                                                        v  |
//	   +------------------------------------------------- HalfOpen
//	           answers in a row
//
// What counts as a failure is the caller's word: a lost connection or an attempt that timed
// out. A redirect or a refusal is an answer, hence a success: the node lives.
//
// What must hold:
//
//  1. The package has no clock: every call brings the time (env.Clock.Now), which never
//     goes back.
//  2. Open admits nobody before its time has run out; HalfOpen admits at most Probes at once.
//  3. It never locks itself up: a probe whose outcome is never told is written off after
//     ProbeLimit, so that Allow says yes again in bounded time, whatever the caller forgets.
//  4. Hysteresis: one good answer does not close it, and the time it stays open doubles with
//     every failed probe (up to OpenMax) until it has stayed closed for a whole Window.
//  5. Its size is constant.
//
// See Nygard, Release It!, "Circuit Breaker".
package breaker
