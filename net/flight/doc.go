// Package flight records what the process does, all the time, so that what happened before somebody noticed can be
// looked at: the Go runtime's flight recorder, and files of what it held when something was slow.
//
//	Recorder   the last seconds, in memory; an execution trace when somebody asks (/debug/flight)
//	Dumps      the same, in a directory, one file for each time that it was worth it
//
// cmd/internal/node starts both when it is told to; nothing is recorded otherwise.
//
// What must hold:
//
//  1. The recorder's memory is bounded, and so is the directory: at most Keep files of a recorder's size each. Only files
//     of our own making are removed.
//  2. A dump costs tens of milliseconds of a processor and stops nobody: it is written by a goroutine of its own, and at
//     most one in Every, so that a slow time is not made slower by being looked at.
//  3. A file that has its name is whole: it is written under another one.
package flight
