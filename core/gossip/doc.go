// Package gossip is a node's picture of the other nodes as the membership protocol (SWIM)
// paints it: alive, suspect, dead or left. It holds the Feed port, through which that
// protocol speaks, and the View, in which its events are merged. gossiptest is the contract
// suite that every Feed passes.
//
// Gossip advises, Raft decides: nothing here is ever a reason to answer a read, to count a
// vote or to drop a replica. The meta group's leader reads the View to see whom to ask the
// meta group about; a node whose gossip is wrong is slow to act, never wrong to answer.
//
// An incarnation is one life of a node, from process start to process stop. (SWIM's papers
// use the word for the counter that a living member raises to refute a rumour; here that
// counter is Event.Refuted.)
//
//	          suspected                 confirmed
//	Alive <--------------> Suspect ------------------> Dead
//	  |        refuted                                  |
//	  |<------------------------------------------------+
//	  |        only with a greater Refuted
//	  v
//	Left     (final for this life)
//
// What must hold, for the View:
//
//  1. A newer incarnation replaces an older one whatever was believed of either, and what
//     comes later about the older one changes nothing.
//  2. Within one incarnation a greater Refuted replaces a smaller one, and a smaller one
//     changes nothing, save that Left is final.
//  3. Within one incarnation and one Refuted the worse status wins (Alive < Suspect < Dead <
//     Left), except that Alive takes back Suspect. So Alive alone never wakes the dead.
//  4. Rules 1 to 3 are what makes views agree: but for the exception in 3, any order of the
//     same events ends in the same view.
//  5. The View is bounded: at most NodesMax nodes, DigestMax bytes of digest each.
//  6. Listings are ordered by node.
//  7. A digest (Health) that cannot be read is none. The newest of the present life stays until the
//     feed brings another one.
//
// A digest is what a node says about itself: it may be stale, and a hostile one may say anything.
// It is shown to people (torc status, INFO, metrics), and says whom a router may ask first about a
// shard of which its node knows nothing; a wrong answer costs that router a redirect.
//
// The package leaves to others how events get here (net/swim, sim) and what follows from
// them (cluster).
//
// See Das, Gupta, Motivala, SWIM: Scalable Weakly-consistent Infection-style Process Group
// Membership Protocol (DSN 2002), section 4.2.
package gossip
