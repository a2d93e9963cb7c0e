// Package late judges which of a few nodes answers late: so much later than the others that it had better not lead
// anything for now. A node that is nearly dead is the others' business (elections, gossip). This is about one that
// lives, keeps every promise, and is slow: its processor is taken by somebody else, its machine swaps, its link is bad.
//
// The naive way is to let each node judge itself, or each leader its followers. The first fails because who is slow
// finds that everybody else is: all answers come late to him who reads them late. The second fails the same way
// round: a slow leader's measure of its followers says nothing. So every node asks every other, time and again,
// says how late each has answered (Window), and tells all of them. Each then holds the same table:
//
//	            of a    of b    of c
//	a says        -       1      40        c is late by the word of a and of b
//	b says        1       -      38
//	c says       35      41       -        and what c says is outvoted
//
// How late a node is, is the lower median of what the others say of it: with three nodes both must find it late, with
// five three of the four. It is slow when that is long by itself (Floor) and by Times the lower median of the others, now and
// as a rule (longRun), for some rounds on end; then it says so itself, for those who have begun since (Admits); and it is well again only when it has been well in many more (Judge).
// These need not be on end, since on bad links nobody is well for long; a bad round takes back several of them (Setback).
//
//	         Bad rounds: late, and much later than the others
//	well -------------------------------------------------------> slow
//	  ^                                                            |
//	  '------------------------------------------------------------'
//	         Well rounds: in time, or no later than half of that; Setback of
//	         them taken back by each Bad round; twice as many each time that
//	         it has soon become slow again (Longest)
//
// What must hold:
//
//  1. The package has no clock and draws nothing: the caller brings times and makes rounds. Equal words, equal verdicts.
//  2. One node's word makes nobody slow, whatever it says: it takes two, and their lower median.
//  3. When all are equally late nobody is slow, at any load: Times compares.
//  4. No verdict without evidence: old words count for nothing, and who is not known to be late is well.
//  5. Hysteresis: between two verdicts of slow there are at least Bad and Well rounds.
//  6. Nobody is slow for ever who is well in more than Setback times as many rounds as he is bad in.
//  7. Its size is bounded by the number of nodes, squared.
//
// What it says is advice. It may be wrong, and nothing but a pause may come of that: who leads is raft's to decide.
package late
