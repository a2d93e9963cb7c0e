// Package crashlog finds in what a torcd process has said the signs that it broke: a panic, a data
// race, a lane that failed its own checks. Whoever runs real processes looks through their logs with
// it: the tests (proctest) and torc sim real.
package crashlog
