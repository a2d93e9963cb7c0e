// Package proctest runs real torcd processes for tests: start a few on free ports of loopback, kill,
// freeze, stop and restart them, and ask them how they stand.
//
// Only what a machine shows is tested with it (sockets, signals, real clients); everything else the
// simulator does faster and can repeat. What must hold:
//
//  1. No process outlives its test.
//  2. A panic or a detected race in any process's log fails the test.
//  3. Nothing waits by sleeping: every wait is for a condition, with a deadline.
package proctest
