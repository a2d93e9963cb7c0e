// Package limit finds out how much a node can take: how many requests a caller may have under way to it. A fixed
// number is wrong twice: too low for a node that is well, and so high for one that is slow that all callers end up
// waiting for it, those included whom the other nodes would serve.
//
//	               the limit was reached, answers came in time
//	limit + 1/16   <-----------------------------------------  a round: some answers
//	limit - 1/10   <-----------------------------------------  of one node, and then
//	               answers took much longer than the fastest   the limit moves
//	limit / 2      <-----------------------------------------
//	               some never came, or it said that it has too much to do
//
// It is TCP's way, additive increase and multiplicative decrease, with the delay as an early sign, as in TCP Vegas and
// in Netflix's concurrency-limits ("gradient"). The fastest answer of late stands for the way there and back without
// a queue.
//
// What must hold:
//
//  1. The package has no clock: every call brings the time (env.Clock.Now), which never goes back. It draws nothing,
//     and computes in whole numbers.
//  2. The limit stays between Min and Max. A limit that is not reached does not grow: what was not tried is not known.
//  3. Every Begin has one End.
//  4. After trouble it comes back: with answers in time, and callers who use it, it reaches Max again.
//  5. Its size is constant.
package limit
