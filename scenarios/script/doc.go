// Package script reads and writes scenario files: runs of the simulator as a person writes them,
// one action a line.
//
//	scenario stale-read
//	doc      The leader is cut off; a client on its side reads what the other side has overwritten.
//	set      nodes=3 shards=1 replicas=3
//	quiet
//	at 1s    cast A=leader(1)
//	at 1.1s  c1 set x old            -> ok
//	at 2s    partition A | rest for 8s
//	at 5s    c1 set x new            -> ok
//	at 6s    c5 via A get x          -> refused | unknown
//
// scenarios holds the named ones, the shrinker writes minimal ones, cmd/torc runs any.
// README of the format: `torc sim words` prints every word that a file may use (Usage).
//
// What must hold:
//
//  1. Parse(Format(f)) is f: what can be run can be written down, and reads back as the same run.
//  2. A wrong line is an error that names file, line, what stands there and what was expected;
//     nothing is guessed and nothing is passed over.
//  3. Every word is in one of the tables (directives, faultWords, opWords) and nowhere else.
//
// It leaves to sim what the words do.
package script
