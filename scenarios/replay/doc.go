// Package replay makes a run again for a person who wants to see how it went: up to a time or an
// event (Player), event by event (Player.In), or beside another run up to where they part (Diff).
//
//	file or name -> sim.Options -> sim.Run -> every event (Observe) -> a line in words (teller)
//	                                  |
//	                                  +------> the world as it is then (sim.View) -> State
//
// `torc sim replay` and `torc sim diff` are its callers.
//
// What must hold:
//
//  1. Looking changes nothing: a run that is watched has the hash of one that is not.
//  2. Equal runs are told in equal words, on any machine: nothing here knows a wall clock.
//  3. A break expression that says nothing that there is (a field, a kind, an operator) is an
//     error that names what there is.
//
// It leaves to repro how runs are kept, and to sim what events mean.
package replay
