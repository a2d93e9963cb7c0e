// Package gossiptest is the contract of gossip.Feed as a test suite: what a node may expect
// of the membership protocol, in production (net/swim) and in the simulator (sim) alike.
//
// A Feed's package calls Run from a test of its own, with a World that starts, crashes and
// parts its nodes. Everything is judged through a gossip.View, as a node sees it. How long
// things take is the world's affair: the suite says "until", save that a crashed node must be
// suspected soon (SuspectedWithin). net/swim runs it in virtual time (testing/synctest), so both
// worlds' seconds are exact.
//
// The suite starts no goroutine and reads no clock; a world that has threads serialises
// them (see World.Until).
package gossiptest
