// Package simtest is what the tests of rooms that make many runs have in common.
//
// sim and scenarios call it from their TestMain; nothing else does.
//
//  1. It changes no run: equal options give equal results with it and without.
//
// It leaves to sim what a run is, and to each room which ones it makes.
package simtest
