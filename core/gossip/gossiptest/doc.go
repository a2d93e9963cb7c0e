// Package gossiptest is the contract of gossip.Feed as a test suite: what a node may expect
// of the membership protocol, in production (net/swim) and in the simulator (sim) alike.
//
// A Feed's package calls Run from a test of its own, with a World that starts, crashes and
// parts its nodes. Everything is judged through a gossip.View, as a node sees it. How long
// things take is the world's affair: the suite only says "until".
//
// The suite starts no goroutine and reads no clock; a world that has threads serialises
// them (see World.Until).
package gossiptest
